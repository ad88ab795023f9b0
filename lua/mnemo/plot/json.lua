--- Values as JSON that may stand in a page: nothing in it ends the element it stands in.
local Script = require "mnemo.plot.script"
local values = require "mnemo.plot.values"

local json = {}

-- A list without entries is an object otherwise.
local list_mark = {}

--- Marks a table as a list.
function json.list(entries)
  return setmetatable(entries, list_mark)
end

--- Writes a text: what would end a script element, open markup or end a line is written by number.
local function quoted(text)
  local safe = Script.plain(text):gsub('[%c"\\<>&\']', function(character)
    return ("\\u%04x"):format(character:byte())
  end)
  return '"' .. safe .. '"'
end

--- Writes a value: a number that is none of JSON's is null.
-- @treturn string
function json.text(value)
  local kind = type(value)
  if kind == "number" then return values.finite(value) and values.text(value) or "null" end
  if kind ~= "table" then return kind == "string" and quoted(value) or tostring(value) end
  local parts = {}
  if value[1] ~= nil or getmetatable(value) == list_mark then
    for i = 1, #value do parts[i] = json.text(value[i]) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = quoted(key) .. ":" .. json.text(value[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

return json
