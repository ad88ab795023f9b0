--- What Tab completes at the prompt.
--
-- Names are found by raw access and by the module's declarations alone: see mnemo.prompt.infer.
local infer = require "mnemo.prompt.infer"
local keywords = require "mnemo.prompt.keywords"
local raw = require "mnemo.prompt.raw"
local scan = require "mnemo.prompt.scan"

-- What is needed of Lua's library, whatever the user does to its names.
local find, sub = string.find, string.sub
local ipairs, next, rawequal, rawget, type = ipairs, next, rawequal, rawget, type
local sort, length = table.sort, utf8.len
local class_of = raw.class_of
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

--- What can follow an expression and a separator.
local function members(engine, what, separator)
  local names, seen = {}, {}
  local function add(name)
    if type(name) == "string" and find(name, "^[%a_][%w_]*$") and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  local class = infer.class(what)
  if class then
    for _, name in ipairs(engine.methods(class)) do add(name) end
    if separator == "." then
      for _, name in ipairs(engine.fields(class)) do add(name) end
    end
    return names
  end
  local value = what.value
  if infer.is_string(what) then value = library end
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
    value = infer.index_table(value)
  end
  return names
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

--- What is called by the bracket at a token: `f(`, `f{`, `f({`.
local function called_by(engine, tokens, bracket, locals)
  local last = bracket - 1
  if tokens[bracket].text == "{" and last > 0 and tokens[last].text == "(" then last = last - 1 end
  return last > 0 and infer.ending(engine, tokens, last, locals) or nil, last
end

--- What the engine knows a function by: itself, or its class and name.
local function identity(what)
  return what and (what.method or type(what.value) == "function" and what.value) or nil
end

--- The number of the argument that is being written behind a bracket.
local function argument_number(tokens, bracket)
  local number, i = 1, bracket + 1
  while i <= #tokens do
    if tokens[i].text == "," then number = number + 1 end
    -- What stands in brackets belongs to one argument.
    i = (tokens[i].closer or i) + 1
  end
  return number
end

--- The strings that are allowed where a string begins: an argument's, or an option's, which may be
-- nested in tables; nil where the declarations say nothing.
local function choices(engine, tokens, locals)
  local last = tokens[#tokens]
  local innermost = tokens.open[#tokens.open]
  if last and last.text == "=" and innermost and tokens[innermost].text == "{" then
    local option = tokens[#tokens - 1].text
    for i = #tokens.open, 1, -1 do
      local name = identity((called_by(engine, tokens, tokens.open[i], locals)))
      local found = name and engine.choices(name, option)
      if found then return found end
    end
    return nil
  end
  if innermost and tokens[innermost].text == "(" then
    if last ~= tokens[innermost] and last.text ~= "," then return nil end
    local name = identity((called_by(engine, tokens, innermost, locals)))
    return name and engine.choices(name, argument_number(tokens, innermost))
  end
  local name = last and identity(infer.ending(engine, tokens, #tokens, locals))
  return name and engine.choices(name, 1)
end

--- What a model of ours computes on its way, which a pass of one token tells; the function of a
-- custom model is not called.
local function intermediates(model)
  if model.kind == "custom" then return {} end
  local one = rawget(rawget(loaded, "mnemo"), "int_tensor") { { 1 } }
  local names = {}
  for name in next, model:trace(one) do names[#names + 1] = name end
  return names
end

local function parameters(model) return model:names() end

local function columns(run)
  local names = {}
  for column in next, run.history[1] or {} do names[#names + 1] = column end
  return names
end

-- The names that a method takes.
local names_for = {
  Model = {
    get = parameters, set = parameters, freeze = parameters, unfreeze = parameters,
    trace = intermediates, patch = intermediates,
  },
  Run = { series = columns, plot = columns },
}

--- The names that an object of the user's has for a method whose argument begins: parameters of a
-- model, columns of a run; topics for help.
local function own_names(engine, tokens, typed, locals)
  local last = #tokens
  local depth = #tokens.open
  -- The key of a table, which is an argument.
  if depth > 1 and tokens[last].text == "[" then depth, last = depth - 1, last - 1 end
  local innermost = tokens.open[depth]
  if innermost and (innermost == last or tokens[last].text == ",") then
    -- A table behind other arguments.
    if depth > 1 and tokens[innermost - 1].text == "," then innermost = tokens.open[depth - 1] end
    local _, before = called_by(engine, tokens, innermost, locals)
    last = before
  end
  local name = tokens[last]
  if not name or name.kind ~= "name" then return nil end
  if name.text == "help" then return engine.topics(typed) end
  if last < 3 or tokens[last - 1].text ~= ":" then return nil end
  local what = infer.ending(engine, tokens, last - 2, locals)
  local object = what and what.value
  local of_class = names_for[class_of(object)]
  local names = of_class and of_class[name.text]
  return names and names(object)
end

--- Completion inside a string: a name, one of the allowed words, or a file.
local function in_string(engine, text, tokens, locals)
  local typed = sub(text, tokens.start)
  local names = own_names(engine, tokens, typed, locals)
  if names then return length(typed) or #typed, starting(names, typed) end
  local allowed = choices(engine, tokens, locals)
  if not allowed then return length(typed) or #typed, engine.files(typed) end
  local found = starting(allowed, typed)
  if #found == 1 then found[1] = found[1] .. (tokens.inside == "[[" and "]]" or tokens.inside) end
  return #typed, found
end

--- The options that may be written behind an open brace; nil if it is no function's.
local function options(engine, text, tokens, typed, locals)
  local innermost = tokens.open[#tokens.open]
  if not innermost or tokens[innermost].text ~= "{" then return nil end
  -- A key stands after the brace or after a comma, not after `=`.
  local before = tokens[#tokens - (typed == "" and 0 or 1)]
  if before ~= tokens[innermost] and before.text ~= "," and before.text ~= ";" then return nil end
  local name = identity((called_by(engine, tokens, innermost, locals)))
  local written = sub(text, tokens[innermost].to + 1, #text - #typed)
  local unused = {}
  for _, option in ipairs(name and engine.options(name) or {}) do
    if not find(written, "%f[%w_]" .. option .. "%s*=") then unused[#unused + 1] = option end
  end
  local found = starting(unused, typed)
  if #found == 1 then found[1] = found[1] .. " = " end
  return #found > 0 and found or nil
end

--- The variables and words of Lua that begin so.
local function variables(typed, locals)
  local names, seen = {}, {}
  for _, source in ipairs { locals, globals } do
    for name in next, source do
      if type(name) == "string" and not seen[name] and find(name, "^[%a_][%w_]*$")
        and (typed ~= "" or not find(name, "^_")) and name ~= "_local" then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  for _, word in ipairs(keywords) do names[#names + 1] = word end
  return starting(names, typed)
end

--- Finds what may stand in place of the end of a text.
--
-- @tparam table engine the prompt's functions
-- @tparam string text all of the input up to the cursor
-- @tparam table locals the prompt's own variables
-- @treturn integer how many characters the candidates replace
-- @treturn table the candidates
return function(engine, text, locals)
  local tokens = scan(text)
  if tokens.inside == "comment" then return 0, {} end
  if tokens.inside then return in_string(engine, text, tokens, locals) end
  local typed = infer.typed(tokens, text)
  local separator = tokens[#tokens - (typed == "" and 0 or 1)]
  local last = tokens[#tokens]
  if last and last.kind == "number" and last.to == #text then return 0, {} end
  if separator and (separator.text == "." or separator.text == ":") then
    local owner = #tokens - (typed == "" and 1 or 2)
    local what = owner > 0 and infer.ending(engine, tokens, owner, locals)
    if not what then return #typed, {} end
    local found = starting(members(engine, what, separator.text), typed)
    if #found == 1 and separator.text == ":" then found[1] = found[1] .. "(" end
    return #typed, found
  end
  return #typed, options(engine, text, tokens, typed, locals) or variables(typed, locals)
end
