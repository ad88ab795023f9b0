--- The table of the user's variables.
local objects = require "mnemo.prompt.objects"
local pretty = require "mnemo.prompt.pretty"
local raw = require "mnemo.prompt.raw"
local style = require "mnemo.prompt.style"
local words = require "mnemo.prompt.words"

local find, format, match = string.find, string.format, string.match

--- How many bytes a value's numbers or characters take; nil where that cannot be told.
local function bytes_of(value)
  local class = raw.class_of(value)
  if class == "Tensor" or class == "IntTensor" then return 4 * value:numel() end
  if class == "Model" then
    local sum = 0
    for _, tensor in next, value:parameters() do sum = sum + 4 * tensor:numel() end
    return sum
  end
  if type(value) == "string" then return #value end
  return nil
end

local function description_of(engine, value)
  local class = raw.class_of(value)
  if class == "Tensor" or class == "IntTensor" then return class, words.shape(value) end
  if class then return class, (match(raw.words(engine, value) or "", "^[^\n]*")) end
  if objects.is_figure(value) then return "figure", "" end
  if type(value) == "table" then
    local keys, length = raw.keys(value)
    local parts = {}
    if length > 0 then parts[#parts + 1] = format("%d in sequence", length) end
    if #keys > 0 then
      parts[#parts + 1] = format(#keys == 1 and "%d field" or "%d fields", #keys)
    end
    return "table", #parts > 0 and table.concat(parts, ", ") or "empty"
  end
  local text = pretty.line(engine, value)
  if style.width(engine, text) > 40 then text = words.quoted(tostring(value), 36) end
  return type(value), text
end

--- Returns the table of the user's variables: those of the prompt, then globals made since.
return function(engine, locals, base)
  local rows = {}
  local function add(name, value)
    local done, kind, description = pcall(description_of, engine, value)
    local counted, bytes = pcall(bytes_of, value)
    rows[#rows + 1] = {
      name, done and kind or type(value), done and description or "",
      counted and bytes and words.bytes(bytes) or "",
    }
  end
  local names = {}
  for name in next, locals do
    if type(name) == "string" and not find(name, "^_%d*$") and name ~= "_local" then
      names[#names + 1] = name
    end
  end
  for name in next, _G do
    if type(name) == "string" and not base[name] and rawget(locals, name) == nil then
      names[#names + 1] = name
    end
  end
  if #names == 0 then return "no variables yet" end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = rawget(locals, name)
    if value == nil then value = rawget(_G, name) end
    add(name, value)
  end
  table.insert(rows, 1, { "name", "type", "shape or value", "bytes" })
  local lines = objects.columns(engine, rows, function(i) return i == 4 end)
  lines[1] = style.styled(engine, lines[1], "dim")
  return table.concat(lines, "\n")
end
