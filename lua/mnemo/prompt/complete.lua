--- What Tab completes at the prompt.
--
-- Names are found by raw access and by the module's declarations alone: no metamethod of the
-- user's runs. `__index` tables are followed, functions are not called.

local keywords = require "mnemo.prompt.keywords"
local raw = require "mnemo.prompt.raw"

-- What is needed of Lua's library, whatever the user does to its names.
local find, gmatch, match, sub = string.find, string.gmatch, string.match, string.sub
local ipairs, next, rawequal, rawget, type = ipairs, next, rawequal, rawget, type
local sort, length = table.sort, utf8.len
local class_of, metatable_of = raw.class_of, debug.getmetatable
local library, loaded, globals = string, package.loaded, _G

--- The dotted name of one of the module's tables: "" for the module, "data", "plot".
local function module_path(value)
  local module = rawget(loaded, "mnemo")
  if rawequal(value, module) then return "" end
  for name, item in next, module do
    if type(item) == "table" and rawequal(item, value) and type(name) == "string" then
      return name
    end
  end
  return nil
end

--- The table in which fields that are missing are looked up.
local function index_table(value)
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
    value = index_table(value)
  end
end

--- Where the innermost bracket that is open begins, and whether a string is open there.
--
-- @treturn table a list of open brackets, each its position and character; then the position of
-- the quote of an open string, and the quote
local function open_brackets(text)
  local open, i = {}, 1
  while i <= #text do
    local c = sub(text, i, i)
    if c == '"' or c == "'" then
      local start = i
      i = i + 1
      while i <= #text and sub(text, i, i) ~= c and sub(text, i, i) ~= "\n" do
        if sub(text, i, i) == "\\" then i = i + 1 end
        i = i + 1
      end
      if i > #text then return open, start, c end
    elseif c == "[" and find(text, "^%[=*%[", i) then
      local level = match(text, "^%[(=*)%[", i)
      local _, stop = find(text, "]" .. level .. "]", i, true)
      if not stop then return open, i + #level + 1, "[[" end
      i = stop
    elseif find(text, "^%-%-", i) then
      local level = match(text, "^%-%-%[(=*)%[", i)
      local _, stop = find(text, level and "]" .. level .. "]" or "\n", i, true)
      if not stop then return open, nil, "comment" end
      i = stop
    elseif c == "(" or c == "{" or c == "[" then
      open[#open + 1] = { position = i, character = c }
    elseif c == ")" or c == "}" or c == "]" then
      open[#open] = nil
    end
    i = i + 1
  end
  return open
end

--- The chain of names and separators that a text ends in: `a.b:c`.
local function chain_at_end(text)
  local chain = match(text, "[%a_][%w_%.:]*$") or ""
  -- A number's dot and a label's colons are no chain.
  if find(text, "%d[%w_%.:]*$") and chain == "" then return nil end
  return chain
end

local holds_model = { Run = true, ProbeContext = true }

--- The value of a chain such as `run.model`, or nil.
local function value_of(engine, chain, locals)
  local value
  local first = true
  for name in gmatch(chain, "[^%.:]+") do
    if first then
      value = rawget(locals, name)
      if value == nil then value = rawget(globals, name) end
      first = false
    elseif name == "model" and holds_model[class_of(value)] then
      value = value.model
    elseif rawequal(value, rawget(loaded, "mnemo")) and rawget(value, name) == nil then
      -- Submodules of ours are loaded when they are first named.
      value = find(name, "^%l+$") and engine.submodule(name)
    else
      value = field(value, name)
    end
    if value == nil then return nil end
  end
  return value
end

--- What can follow a value and a separator.
local function members(engine, value, separator)
  local names, seen = {}, {}
  local function add(name)
    if type(name) == "string" and find(name, "^[%a_][%w_]*$") and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  local class = class_of(value)
  if class then
    for _, name in ipairs(engine.methods(class)) do add(name) end
    if separator == "." then
      for _, name in ipairs(engine.fields(class)) do add(name) end
    end
    return names
  end
  if type(value) == "string" then value = library end
  local path = type(value) == "table" and module_path(value)
  if path then
    for _, name in ipairs(engine.names(path)) do add(name) end
  end
  for _ = 1, 10 do
    if type(value) ~= "table" then break end
    local count = 0
    for key, item in next, value do
      count = count + 1
      if count > 10000 then break end
      if type(key) == "string" and not find(key, "^__")
        and (separator == "." or type(item) == "function") then
        add(key)
      end
    end
    value = index_table(value)
  end
  return names
end

--- The function a call or a constructor's table belongs to: `mnemo.data.bigram {`.
local function function_before(text)
  return match(text, "([%a_][%w_%.:]*)%s*%(?%s*$")
end

--- What the engine knows a function by: itself, whatever name leads to it; a method of the module's
-- by class and name.
local function declared(engine, name, locals)
  local object, method = match(name, "^(.*):([%a_][%w_]*)$")
  if not object then return value_of(engine, name, locals) end
  local owner = value_of(engine, object, locals)
  local class = class_of(owner)
  return class and class .. ":" .. method or field(owner, method)
end

--- Candidates that begin with what is typed, sorted.
local function starting(names, beginning)
  local found = {}
  for _, name in ipairs(names) do
    if sub(name, 1, #beginning) == beginning then found[#found + 1] = name end
  end
  sort(found)
  return found
end

local parameter_methods = { get = true, set = true, freeze = true, unfreeze = true, trace = true }

--- Completion inside a string: a parameter's name, or a file's.
local function in_string(engine, text, quote, locals)
  local typed = sub(text, quote + 1)
  local before = sub(text, 1, quote - 1)
  local name, method = match(before, "([%a_][%w_%.]*):([%a_]+)%s*%(?%s*$")
  local object = name and value_of(engine, name, locals)
  local class = class_of(object)
  if class == "Model" and parameter_methods[method] then
    return #typed, starting(object:names(), typed)
  elseif class == "Run" and method == "series" and object.history[1] then
    local names = {}
    for column in next, object.history[1] do names[#names + 1] = column end
    return #typed, starting(names, typed)
  end
  return length(typed) or #typed, engine.files(typed)
end

--- Finds what may stand in place of the end of a text.
--
-- @tparam table engine the prompt's functions
-- @tparam string text all of the input up to the cursor
-- @tparam table locals the prompt's own variables
-- @treturn integer how many characters the candidates replace
-- @treturn table the candidates
return function(engine, text, locals)
  local open, quote, kind = open_brackets(text)
  if kind == "comment" then return 0, {} end
  if quote then return in_string(engine, text, quote, locals) end
  local chain = chain_at_end(text)
  if not chain then return 0, {} end
  local owner, separator, typed = match(chain, "^(.*)([%.:])([%w_]*)$")
  if owner and owner ~= "" and not find(owner, "[%.:]$") then
    local value = value_of(engine, owner, locals)
    if value == nil then return #typed, {} end
    local found = starting(members(engine, value, separator), typed)
    if #found == 1 and separator == ":" then found[1] = found[1] .. "(" end
    return #typed, found
  end
  if find(chain, "[%.:]") then return 0, {} end
  local innermost = open[#open]
  if innermost and innermost.character == "{" then
    -- A key stands after the brace or after a comma, not after `=`.
    local before = sub(text, innermost.position + 1, #text - #chain)
    if find(before, "^%s*$") or find(before, "[,;]%s*$") then
      local name = function_before(sub(text, 1, innermost.position - 1))
      local options = name and engine.options(declared(engine, name, locals)) or {}
      if #options > 0 then
        local unused = {}
        for _, option in ipairs(options) do
          if not find(before, "%f[%w_]" .. option .. "%s*=") then unused[#unused + 1] = option end
        end
        local found = starting(unused, chain)
        if #found > 0 then
          if #found == 1 then found[1] = found[1] .. " = " end
          return #chain, found
        end
      end
    end
  end
  local names, seen = {}, {}
  for _, source in ipairs { locals, globals } do
    for name in next, source do
      if type(name) == "string" and not seen[name] and find(name, "^[%a_][%w_]*$")
        and (chain ~= "" or not find(name, "^_")) and name ~= "_local" then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  for _, word in ipairs(keywords) do names[#names + 1] = word end
  return #chain, starting(names, chain)
end
