--- What an expression that was not evaluated stands for: a value where raw access finds it, else
-- the type that the module's declarations tell.
--
-- No metamethod of the user's runs: `__index` tables are followed, functions are not called.
local keywords = require "mnemo.prompt.keywords"
local raw = require "mnemo.prompt.raw"

local infer = {}

-- What is needed of Lua's library, whatever the user does to its names.
local find, match, sub = string.find, string.match, string.sub
local ipairs, pcall, rawequal, rawget, type = ipairs, pcall, rawequal, rawget, type
local tointeger, tonumber = math.tointeger, tonumber
local class_of, metatable_of = raw.class_of, debug.getmetatable
local loaded, globals = package.loaded, _G

local is_keyword = {}
for _, word in ipairs(keywords) do is_keyword[word] = true end

-- Fields of objects that are read: they are there, and making them runs nothing of the user's.
local readable = {
  Run = { model = true, history = true }, ProbeContext = { model = true },
  Model = { config = true },
}

--- The table in which fields that are missing are looked up.
function infer.index_table(value)
  local metatable = metatable_of(value)
  local index = type(metatable) == "table" and rawget(metatable, "__index")
  return type(index) == "table" and index or nil
end

--- A field found without running anybody's code.
local function field(value, key)
  for _ = 1, 10 do
    if type(value) ~= "table" then return nil end
    local found = rawget(value, key)
    if found ~= nil then return found end
    value = infer.index_table(value)
  end
end

-- What is known of an expression is a table: its `value`; or its `type`, as mnemo.documentation
-- writes types; or the `method` that it is, by class and name.
local function known(value) return value ~= nil and { value = value } or nil end
local function typed(record) return record and { type = record } or nil end

--- The one class among the types that a value may have, with its record.
local function only_object(record)
  if record.kind == "object" then return record end
  if record.kind ~= "union" then return nil end
  local found
  for _, one in ipairs(record.of) do
    if one.kind == "object" then
      if found then return nil end
      found = one
    end
  end
  return found
end

--- The class of what is known, or nil.
function infer.class(what)
  if what.value ~= nil then return class_of(what.value) end
  local object = what.type and only_object(what.type)
  return object and object.class
end

--- Whether what is known is a string.
function infer.is_string(what)
  local record = what.type
  return type(what.value) == "string"
    or record ~= nil and (record.kind == "string" or record.kind == "choice")
end

local function member(engine, what, name)
  local class = infer.class(what)
  if class then
    if what.value ~= nil and readable[class] and readable[class][name] then
      local done, value = pcall(function() return what.value[name] end)
      return done and known(value) or nil
    end
    for _, method in ipairs(engine.methods(class)) do
      if method == name then return { method = class .. ":" .. name } end
    end
    return typed(engine.field(class, name))
  end
  local module = rawget(loaded, "mnemo")
  if rawequal(what.value, module) and rawget(module, name) == nil then
    -- Submodules of ours are loaded when they are first named.
    return find(name, "^%l+$") and known(engine.submodule(name)) or nil
  end
  return known(field(what.value, name))
end

local function result(engine, what)
  if what.method then return typed(engine.result(what.method)) end
  return type(what.value) == "function" and typed(engine.result(what.value)) or nil
end

local function element(engine, what, key)
  if type(what.value) == "table" then return key ~= nil and known(field(what.value, key)) or nil end
  local class = infer.class(what)
  if class and type(key) == "string" then return typed(engine.field(class, key)) end
  if class == "Tensor" or class == "IntTensor" then
    return typed { kind = "object", class = class }
  end
  return what.type and what.type.kind == "list" and typed(what.type.of) or nil
end

--- A key that is written out: `1`, `"name"`.
local function literal(tokens, first, last)
  local token = tokens[first]
  if first ~= last then return nil end
  if token.kind == "number" then
    local number = tonumber(token.text)
    return number and (tointeger(number) or number)
  end
  return token.kind == "string" and match(token.text, "^[\"']([^\\]*)[\"']$") or nil
end

--- Whether a value may end in a token, so that what follows it is a call.
local function ends_value(token)
  return token and (token.kind == "name" and not is_keyword[token.text]
    or token.text == ")" or token.text == "]" or token.kind == "string" or token.text == "}")
end

--- The number of the token at which the expression begins that ends in a token; nil if none does.
local function beginning(tokens, last)
  local i = last
  while i > 0 do
    local token = tokens[i]
    if token.opener then
      local before = tokens[token.opener - 1]
      if not ends_value(before) then return token.text == ")" and token.opener or nil end
      i = token.opener - 1
    elseif token.kind == "string" then
      if not ends_value(tokens[i - 1]) then return nil end
      i = i - 1
    elseif token.kind == "name" and not is_keyword[token.text] then
      local before = tokens[i - 1]
      if not before or before.text ~= "." and before.text ~= ":" then return i end
      i = i - 2
    else
      return nil
    end
  end
end

--- What the expression stands for that ends in a token.
--
-- @tparam table engine the prompt's functions
-- @tparam table tokens those of mnemo.prompt.scan
-- @tparam integer last the number of its last token
-- @tparam table locals the prompt's own variables
-- @treturn table|nil `value`, `type` or `method`; nil if nothing is known
function infer.ending(engine, tokens, last, locals)
  local first = beginning(tokens, last)
  if not first then return nil end
  local what
  local i = first
  if tokens[i].text == "(" then
    local inner = tokens[i].closer - 1
    local token = tokens[inner]
    if inner == i + 1 and token.kind == "string" then
      what = typed { kind = "string" }
    elseif beginning(tokens, inner) == i + 1 then
      what = infer.ending(engine, tokens, inner, locals)
    end
    i = tokens[i].closer + 1
  else
    local name = tokens[i].text
    what = known(rawget(locals, name)) or known(rawget(globals, name))
    i = i + 1
  end
  while what and i <= last do
    local token = tokens[i]
    if token.text == "." or token.text == ":" then
      what = member(engine, what, tokens[i + 1].text)
      i = i + 2
    elseif token.kind == "string" then
      what = result(engine, what)
      i = i + 1
    else
      local close = token.closer
      local is_index = token.text == "["
      what = is_index and element(engine, what, literal(tokens, i + 1, close - 1))
        or not is_index and result(engine, what) or nil
      i = close + 1
    end
  end
  return what
end

--- The name or symbol that a text ends in, which is still being typed; "" if it ends in neither.
function infer.typed(tokens, text)
  local last = tokens[#tokens]
  return last and last.kind == "name" and last.to == #text and sub(text, last.from) or ""
end

return infer
