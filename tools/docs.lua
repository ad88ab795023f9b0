--- Writes the manual, docs/api.md, and the editor's stubs, lua/meta/mnemo.lua, from what the
-- module says of itself (`mnemo.documentation`).
--
--     mnemo tools/docs.lua [FOLDER]
--
-- They go below FOLDER, the current one unless given. A declaration that lacks its text or an
-- example, or whose types no editor would understand, is an error.
local mnemo = require "mnemo"

local folder = arg[1] or "."
local entries = mnemo.documentation()

local classes, complaints = {}, {}
for _, entry in ipairs(entries) do
  if entry.kind == "class" then classes[entry.name] = true end
end

--- Notes what is wrong with a declaration; all of it is told at the end.
local function complain(entry, message, ...)
  complaints[#complaints + 1] = entry.name .. ": " .. message:format(...)
end

---- Types ----

--- Calls a function with the name of every class in a type.
local function each_class(type, visit)
  if type.kind == "object" then visit(type.class) end
  if type.kind == "list" then each_class(type.of, visit) end
  if type.kind == "union" then
    for _, one in ipairs(type.of) do each_class(one, visit) end
  end
end

--- Turns a type into the editor's.
-- @treturn string such as `(mnemo.Tensor|number)[]`
local function annotation(type)
  if type.kind == "object" then return "mnemo." .. type.class end
  if type.kind == "choice" then return '"' .. table.concat(type.choices, '"|"') .. '"' end
  if type.kind == "list" then
    local inner = annotation(type.of)
    return (inner:find("|", 1, true) and "(%s)[]" or "%s[]"):format(inner)
  end
  if type.kind == "union" then
    local parts = {}
    for i, one in ipairs(type.of) do parts[i] = annotation(one) end
    return table.concat(parts, "|")
  end
  return type.kind
end

--- Returns the editor's type of a parameter, an option, a field or a result.
local function type_of(entry, item)
  each_class(item.type, function(class)
    if not classes[class] then complain(entry, "%s is of no class '%s'", item.name, class) end
  end)
  return annotation(item.type)
end

---- Checks ----

for _, entry in ipairs(entries) do
  if entry.summary == "" then complain(entry, "says nothing about itself") end
  if entry.kind == "function" or entry.kind == "method" then
    if not entry.example then complain(entry, "has no example") end
    if not entry.summary:find("%.$") and entry.summary ~= "" then
      complain(entry, "its text does not end with a full stop")
    end
  end
end

---- The order of things ----

--- Sections of the manual: the top of the module, then its tables, each followed by the classes
-- that its functions return first.
local function sections()
  local top = { name = "mnemo", entries = {} }
  local all, by_table = { top }, {}
  for _, entry in ipairs(entries) do
    if entry.kind == "table" then
      local section = { name = "mnemo." .. entry.name, summary = entry.summary, entries = {} }
      all[#all + 1], by_table[entry.name] = section, section
    end
  end
  local place, returned = {}, {}
  for _, entry in ipairs(entries) do
    if entry.kind == "function" then
      local section = by_table[entry.name:match("^(.*)%.")] or by_table[entry.name] or top
      section.entries[#section.entries + 1] = entry
      for _, result in ipairs(entry.returns) do
        each_class(result.type, function(name) returned[name] = returned[name] or section end)
      end
    end
  end
  local last = top
  for _, entry in ipairs(entries) do
    if entry.kind == "class" then
      last = returned[entry.name] or last
      local section = { name = entry.name, class = entry, entries = {} }
      section.summary = entry.summary
      place[last] = place[last] or {}
      table.insert(place[last], section)
      by_table[entry.name .. ":"] = section
    elseif entry.kind == "method" then
      local section = by_table[entry.name:match("^.*:")]
      section.entries[#section.entries + 1] = entry
    end
  end
  local ordered = {}
  for _, section in ipairs(all) do
    ordered[#ordered + 1] = section
    for _, class in ipairs(place[section] or {}) do ordered[#ordered + 1] = class end
  end
  return ordered
end

---- The manual ----

--- Returns how the manual and the editor call a function.
local function full_name(entry)
  return entry.kind == "function" and "mnemo." .. entry.name or entry.name
end

--- Turns a heading into the anchor that Markdown viewers give it.
local function anchor(heading)
  return (heading:lower():gsub("[^%w_ -]", ""):gsub(" ", "-"))
end

--- Returns the line on what a function returns; nil if the signature says it all.
local function returned_words(entry)
  local parts, says_more = {}, false
  for i, result in ipairs(entry.returns) do
    local words = result.type.words .. (result.optional and " or nil" or "")
    if result.name ~= "" then words = words .. " " .. result.name end
    parts[i] = words .. (result.doc ~= "" and ", " .. result.doc or "")
    says_more = says_more or result.doc ~= ""
  end
  return says_more and table.concat(parts, "; "):gsub("%.?$", ".") or nil
end

--- Writes a list of parameters, options or fields.
local function write_items(out, title, items, is_fields)
  if not items or #items == 0 then return end
  out("*" .. title .. "*\n")
  for _, item in ipairs(items) do
    local facts = item.type.words
    if item.default then
      facts = facts .. ", default " .. item.default
    elseif item.optional and not is_fields then
      facts = facts .. ", optional"
    end
    local name = item.name .. (item.variadic and "…" or "")
    out(("- `%s` (%s)%s"):format(name, facts, item.doc ~= "" and ": " .. item.doc or "."))
  end
  out ""
end

local function manual()
  local lines = {}
  local function out(line) lines[#lines + 1] = line end
  out "# The Lua module\n"
  out "<!-- Written by `make docs` from the declarations. Change those, not this file. -->\n"
  out "`local mnemo = require \"mnemo\"`; in scripts and at the prompt `mnemo` is there already."
  out "`mnemo.help(x)` and `mnemo help TOPIC` print what stands here. Everything counts from 1;"
  out "an option table takes no name that is not listed, and reading a field of the module or of"
  out "its tables that is not there is an error (`rawget(mnemo.optim, \"lion\")` asks without one)."
  out "In shapes B is batch, T seq_len, N the size of the vocabulary, d the model's width, H heads."
  out ""
  local all = sections()
  for _, section in ipairs(all) do
    local names = {}
    for _, entry in ipairs(section.entries) do
      local short = entry.name:match("[%w_]+$")
      names[#names + 1] = ("[%s](#%s)"):format(short, anchor(full_name(entry)))
    end
    out(("- [%s](#%s)%s"):format(section.name, anchor(section.name),
      #names > 0 and ": " .. table.concat(names, ", ") or ""))
  end
  out ""
  for _, section in ipairs(all) do
    out("## " .. section.name .. "\n")
    if section.summary then out(section.summary .. "\n") end
    if section.class then
      write_items(out, "Fields", section.class.fields, true)
    end
    for _, entry in ipairs(section.entries) do
      out("### " .. full_name(entry) .. "\n")
      out("```\n" .. (entry.kind == "function" and "mnemo." or "") .. entry.signature .. "\n```\n")
      out(entry.summary .. "\n")
      write_items(out, "Parameters", entry.parameters)
      write_items(out, "Options", entry.options)
      local words = returned_words(entry)
      if words then out("*Returns* " .. words .. "\n") end
      if entry.example then out("```lua\n" .. entry.example .. "\n```\n") end
    end
  end
  while lines[#lines] == "" do lines[#lines] = nil end
  return (table.concat(lines, "\n"):gsub("\n+$", "")) .. "\n"
end

---- The stubs ----

--- The operators of a class as the editor names them: those that take another operand.
local binary = {
  add = true, sub = true, mul = true, div = true, pow = true, mod = true, idiv = true,
}

local function stubs()
  local lines = {}
  local function out(line, ...)
    lines[#lines + 1] = select("#", ...) > 0 and line:format(...) or line
  end
  --- Writes a text as a comment.
  local function comment(text)
    for line in (text .. "\n"):gmatch("(.-)\n") do out("---" .. line) end
  end
  --- The text after a type: one line.
  local function tail(doc, default)
    local words = (doc .. (default and (" Default: %s."):format(default) or "")):gsub("%s+", " ")
    return words == "" and "" or " " .. words
  end
  local function write_function(entry)
    local name = full_name(entry)
    local options = entry.options and #entry.options > 0 and name .. ".Options"
    local required = false
    if options then
      out("---@class (exact) %s", options)
      for _, option in ipairs(entry.options) do
        required = required or not option.optional
        out("---@field %s%s %s%s", option.name, option.optional and "?" or "",
          type_of(entry, option), tail(option.doc, option.default))
      end
      out ""
    end
    comment(entry.summary)
    if entry.example then
      out "---"
      out "---```lua"
      comment(entry.example)
      out "---```"
    end
    local arguments, variadic = {}, nil
    for _, parameter in ipairs(entry.parameters) do
      local one = type_of(entry, parameter)
      if variadic or parameter.variadic then
        -- Nothing may follow `...` in Lua's own declarations: what does, joins it.
        variadic = variadic and (variadic .. "|" .. one) or one
      else
        local reserved = ({ ["end"] = 1, ["function"] = 1, ["repeat"] = 1 })[parameter.name]
        local argument = parameter.name .. (reserved and "_" or "")
        arguments[#arguments + 1] = argument
        out("---@param %s%s %s%s", argument, parameter.optional and "?" or "", one,
          tail(parameter.doc, parameter.default))
      end
    end
    if options and variadic then
      variadic = variadic .. "|" .. options
    elseif options then
      arguments[#arguments + 1] = "options"
      out("---@param options%s %s", required and "" or "?", options)
    end
    if variadic then
      out("---@param ... %s", variadic)
      arguments[#arguments + 1] = "..."
    end
    for _, result in ipairs(entry.returns) do
      out("---@return %s%s%s%s%s", type_of(entry, result), result.optional and "|nil" or "",
        result.variadic and " ..." or "", result.name ~= "" and " " .. result.name or "",
        result.doc ~= "" and " # " .. result.doc or "")
    end
    out("function %s(%s) end\n", name, table.concat(arguments, ", "))
  end

  out "---@meta mnemo"
  out "-- Written by `make docs` from the declarations. Change those, not this file."
  out "-- For editors with the Lua language server: never run.\n"
  out "---@class mnemo"
  out "---@field version string The version of engine and module."
  out "local mnemo = {}\n"
  for _, section in ipairs(sections()) do
    local class = section.class
    if class then
      comment(class.summary)
      out("---@class mnemo.%s", class.name)
      for _, field in ipairs(class.fields) do
        out("---@field %s%s %s%s", field.name, field.optional and "?" or "",
          type_of(class, field), tail(field.doc))
      end
      table.sort(class.operators)
      local self = "mnemo." .. class.name
      for _, operator in ipairs(class.operators) do
        if binary[operator] then
          out("---@operator %s(%s|number): %s", operator, self, self)
        elseif operator == "unm" then
          out("---@operator unm: %s", self)
        elseif operator == "len" then
          out "---@operator len: integer"
        elseif operator == "call" then
          local forward
          for _, method in ipairs(section.entries) do
            if method.name == class.name .. ":forward" then forward = method end
          end
          if forward then
            out("---@operator call(%s): %s", type_of(forward, forward.parameters[1]),
              type_of(forward, forward.returns[1]))
          end
        end
      end
      if class.name == "Tensor" or class.name == "IntTensor" then
        out("---@field [integer|mnemo.IntTensor] %s A view of a row; the rows of these ids.", self)
      end
      out("local %s = {}\n", class.name)
    elseif section.name ~= "mnemo" then
      comment(section.summary)
      out("---@class %s", section.name)
      local call
      for _, entry in ipairs(section.entries) do
        if "mnemo." .. entry.name == section.name then call = entry end
      end
      if call then
        local words = {}
        for i, parameter in ipairs(call.parameters) do
          words[i] = ("%s%s: %s"):format(parameter.name, parameter.optional and "?" or "",
            type_of(call, parameter))
        end
        out("---@overload fun(%s): %s", table.concat(words, ", "), type_of(call, call.returns[1]))
      end
      out("%s = {}\n", section.name)
    end
    for _, entry in ipairs(section.entries) do
      if full_name(entry) ~= section.name then write_function(entry) end
    end
  end
  out "return mnemo"
  return table.concat(lines, "\n") .. "\n"
end

---- Writing ----

local files = { ["docs/api.md"] = manual(), ["lua/meta/mnemo.lua"] = stubs() }
assert(load(files["lua/meta/mnemo.lua"], "=lua/meta/mnemo.lua", "t"))

if #complaints > 0 then
  local seen, lines = {}, {}
  for _, line in ipairs(complaints) do
    if not seen[line] then lines[#lines + 1] = line end
    seen[line] = true
  end
  io.stderr:write(table.concat(lines, "\n"), "\n")
  os.exit(1)
end

for name, text in pairs(files) do
  local file = assert(io.open(folder .. "/" .. name, "w"))
  assert(file:write(text))
  assert(file:close())
end
