--- What Tab completes at the prompt.
--
-- Names are found by raw access and by the module's declarations alone: no metamethod of the
-- user's runs. `__index` tables are followed, functions are not called.

local find, match, sub = string.find, string.match, string.sub
local metatable_of = debug.getmetatable

local keywords = {
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
}

--- The class of an object of the module.
local function class_of(value)
  if type(value) ~= "userdata" then return nil end
  local metatable = metatable_of(value)
  local name = metatable and rawget(metatable, "__name")
  return type(name) == "string" and name or nil
end

--- The dotted name of one of the module's tables: "" for the module, "data", "plot".
local function module_path(value)
  local module = package.loaded.mnemo
  if value == module then return "" end
  for name, loaded in next, module do
    if type(loaded) == "table" and rawequal(loaded, value) and type(name) == "string" then
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

--- The value of a chain such as `run.model`, or nil.
local function value_of(chain, locals)
  local value
  local first = true
  for name in chain:gmatch "[^%.:]+" do
    if first then
      value = rawget(locals, name)
      if value == nil then value = rawget(_G, name) end
      first = false
    elseif class_of(value) == "Run" and name == "model" then
      value = value.model
    elseif class_of(value) == "Context" and name == "model" then
      value = value.model
    else
      local module = value == package.loaded.mnemo and rawget(value, name) == nil
      -- Submodules of ours are loaded when they are first named.
      value = module and name:find "^%l+$" and value[name] or field(value, name)
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
  if type(value) == "string" then value = string end
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
local function declared(name, locals)
  local object, method = match(name, "^(.*):([%a_][%w_]*)$")
  if not object then return value_of(name, locals) end
  local owner = value_of(object, locals)
  local class = class_of(owner)
  return class and class .. ":" .. method or field(owner, method)
end

--- Candidates that begin with what is typed, sorted.
local function starting(names, beginning)
  local found = {}
  for _, name in ipairs(names) do
    if sub(name, 1, #beginning) == beginning then found[#found + 1] = name end
  end
  table.sort(found)
  return found
end

local parameter_methods = { get = true, set = true, freeze = true, unfreeze = true, trace = true }

--- Completion inside a string: a parameter's name, or a file's.
local function in_string(engine, text, quote, locals)
  local typed = sub(text, quote + 1)
  local before = sub(text, 1, quote - 1)
  local object, method = match(before, "([%a_][%w_%.]*):([%a_]+)%s*%(?%s*$")
  if object and parameter_methods[method] then
    local model = value_of(object, locals)
    if class_of(model) == "Model" then return #typed, starting(model:names(), typed) end
  end
  object, method = match(before, "([%a_][%w_%.]*):([%a_]+)%s*%(?%s*$")
  if object and method == "series" then
    local run = value_of(object, locals)
    if class_of(run) == "Run" and run.history[1] then
      local names = {}
      for name in next, run.history[1] do names[#names + 1] = name end
      return #typed, starting(names, typed)
    end
  end
  return utf8.len(typed) or #typed, engine.files(typed)
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
    local value = value_of(owner, locals)
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
      local options = name and engine.options(declared(name, locals)) or {}
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
  for _, source in ipairs { locals, _G } do
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
