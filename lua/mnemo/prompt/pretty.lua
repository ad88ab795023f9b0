--- The pretty printer: tables, strings, numbers and functions as Lua would write them.
local keywords = require "mnemo.prompt.keywords"
local raw = require "mnemo.prompt.raw"
local style = require "mnemo.prompt.style"
local visible = require "mnemo.text.visible"
local words = require "mnemo.prompt.words"

local pretty = {}

local find, format, gsub, match = string.find, string.format, string.gsub, string.match
local styled = style.styled

-- The functions of Lua's own library.
local of_lua = {}
for _, library in ipairs { coroutine, debug, io, math, os, package, string, table, utf8,
  { assert, collectgarbage, dofile, error, getmetatable, ipairs, load, loadfile, next, pairs, pcall,
    print, rawequal, rawget, rawlen, rawset, require, select, setmetatable, tonumber, tostring,
    type, warn, xpcall } } do
  for _, item in next, library do of_lua[item] = true end
end

-- Tables nested deeper are shown as `{…}`.
local deepest = 4
-- The most entries of one table that are shown.
local most_entries = 24

local reserved = {}
for _, word in ipairs(keywords) do reserved[word] = true end

local inline

--- A key as a table constructor writes it.
local function key_text(engine, key)
  if type(key) == "string" and find(key, "^[%a_][%w_]*$") and not reserved[key] then
    return styled(engine, key, "name")
  end
  if type(key) == "string" then
    return "[" .. styled(engine, words.quoted(key, 60), "string") .. "]"
  end
  return "[" .. inline(engine, key, {}, deepest) .. "]"
end

--- One line about a tensor inside a table.
local function tensor_line(engine, value)
  local done, text = pcall(tostring, value)
  local first = done and match(text, "^[^\n]*") or "a tensor"
  return styled(engine, first, "keyword")
end

--- The words for anything but a table.
function pretty.plain(engine, value)
  local kind = type(value)
  if kind == "string" then return styled(engine, words.quoted(value, 2000), "string") end
  if kind == "number" then return styled(engine, words.number(value), "number") end
  if kind == "nil" or kind == "boolean" then
    return styled(engine, tostring(value), "keyword")
  end
  if kind == "function" then
    local info = debug.getinfo(value, "S")
    local place = info.what ~= "C" and format("%s:%d", gsub(info.short_src, "^%./", ""),
      info.linedefined) or of_lua[value] and "of Lua" or "of the engine"
    return styled(engine, "function ", "keyword") .. styled(engine, "(" .. place .. ")", "dim")
  end
  local class = raw.class_of(value)
  if class == "Tensor" or class == "IntTensor" then return tensor_line(engine, value) end
  local text, problem = raw.words(engine, value)
  if text then return styled(engine, match(text, "^[^\n]*"), "keyword") end
  return styled(engine, problem and kind .. " (" .. problem .. ")" or class or kind, "keyword")
end

--- A value on one line; `seen` are the tables around it.
function inline(engine, value, seen, depth)
  if type(value) ~= "table" then return pretty.plain(engine, value) end
  if seen[value] then return styled(engine, "<cycle>", "red") end
  local text, problem = raw.words(engine, value)
  if text then return (match(text, "^[^\n]*")) end
  if next(value) == nil then return problem and "{} -- " .. problem or "{}" end
  if depth >= deepest then return styled(engine, "{…}", "dim") end
  seen[value] = true
  local keys, length = raw.keys(value)
  local parts, shown = {}, 0
  for i = 1, length do
    if shown == most_entries then break end
    shown = shown + 1
    parts[shown] = inline(engine, rawget(value, i), seen, depth + 1)
  end
  for _, key in ipairs(keys) do
    if shown == most_entries then break end
    shown = shown + 1
    parts[shown] = key_text(engine, key) .. " = "
      .. inline(engine, rawget(value, key), seen, depth + 1)
  end
  local rest = length + #keys - shown
  if rest > 0 then parts[#parts + 1] = styled(engine, format("… %d more", rest), "dim") end
  seen[value] = nil
  return "{ " .. table.concat(parts, ", ") .. " }"
    .. (problem and styled(engine, " -- " .. problem, "dim") or "")
end

--- Lines that name the keys of a table which are not shown, from one on.
local function rest_of(engine, keys, first, width)
  local lines, line = {}, format("… %d more:", #keys - first + 1)
  for i = first, #keys do
    local key = keys[i]
    local name = (type(key) == "string" and visible.line(key) or pretty.plain(engine, key))
      .. (i < #keys and "," or "")
    if style.width(engine, line .. name) + 3 > width then
      lines[#lines + 1] = line
      line = " "
    end
    line = line .. " " .. name
  end
  lines[#lines + 1] = line
  return lines
end

--- A table over several lines, if it does not fit one; `seen` are the tables around it.
local function lines_of(engine, value, seen, depth, indent, width)
  local one = inline(engine, value, seen, depth)
  if type(value) ~= "table" or depth >= deepest or style.width(engine, one) + indent <= width
    or seen[value] or next(value) == nil or raw.words(engine, value) then
    return { one }
  end
  seen[value] = true
  local _, problem = raw.words(engine, value)
  local keys, length = raw.keys(value)
  local lines = { "{" .. (problem and styled(engine, " -- " .. problem, "dim") or "") }
  local shown = 0
  local function add(prefix, field)
    local inner = lines_of(engine, field, seen, depth + 1,
      indent + 2 + style.width(engine, prefix), width)
    inner[1] = prefix .. inner[1]
    inner[#inner] = inner[#inner] .. ","
    for _, line in ipairs(inner) do lines[#lines + 1] = "  " .. line end
    shown = shown + 1
  end
  -- Short things that follow each other share lines.
  local row = ""
  local function flush()
    if row ~= "" then lines[#lines + 1] = "  " .. row end
    row = ""
  end
  for i = 1, length do
    if shown >= 8 * most_entries or (shown >= most_entries and row == "" and i > 1) then break end
    local field = rawget(value, i)
    if type(field) == "table" then
      if shown >= most_entries then break end
      flush()
      add("", field)
    else
      local text = inline(engine, field, seen, depth + 1) .. ","
      if row ~= "" and style.width(engine, row .. text) + indent + 3 > width then flush() end
      row = row .. (row == "" and "" or " ") .. text
      shown = shown + 1
    end
  end
  flush()
  if length > shown then
    lines[#lines + 1] = "  " .. styled(engine, format("… %d more", length - shown), "dim")
  end
  shown = 0
  for i, key in ipairs(keys) do
    if shown == most_entries then
      for _, line in ipairs(rest_of(engine, keys, i, width - indent)) do
        lines[#lines + 1] = "  " .. styled(engine, line, "dim")
      end
      break
    end
    add(key_text(engine, key) .. " = ", rawget(value, key))
  end
  lines[#lines + 1] = "}"
  seen[value] = nil
  return lines
end

--- A value on one line.
function pretty.line(engine, value) return inline(engine, value, {}, 0) end

--- A value on one line if it fits the window, a table on several if not.
-- @treturn {string,...} the lines
function pretty.lines(engine, value)
  return lines_of(engine, value, {}, 0, 0, engine.columns())
end

return pretty
