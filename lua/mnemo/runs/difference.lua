-- In what two runs of a store differ.
local difference = {}

--- Writes a value in few words.
local function text_of(value)
  if type(value) ~= "table" then
    return math.type(value) == "float" and ("%.6g"):format(value) or tostring(value)
  end
  local words = {}
  for i, one in ipairs(value) do words[i] = text_of(one) end
  return "{" .. table.concat(words, ", ") .. "}"
end

--- Returns nested settings as a list, by their path: `optimizer.lr`.
-- @tparam table settings tables by part, or values
-- @tparam[opt] string path what names begin with
-- @treturn {table,...} name, value and text of each, in alphabetical order
function difference.flat(settings, path)
  local names, all = {}, {}
  for name in pairs(settings) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local value, full = settings[name], path and path .. "." .. name or name
    if type(value) == "table" and #value == 0 and next(value) then
      local inner = difference.flat(value, full)
      table.move(inner, 1, #inner, #all + 1, all)
    else
      all[#all + 1] = { name = full, value = value, text = text_of(value) }
    end
  end
  return all
end

--- Returns what differs between two runs: settings, then what was measured last.
-- @tparam table a a run of `store:runs()`
-- @tparam table b another
-- @treturn {table,...} name and both texts of each
function difference.rows(a, b)
  local rows = {}
  for _, part in ipairs { "settings", "last" } do
    local texts, names = { {}, {} }, {}
    for which, run in ipairs { a, b } do
      for _, one in ipairs(difference.flat(run[part])) do
        if not (texts[1][one.name] or texts[2][one.name]) then names[#names + 1] = one.name end
        texts[which][one.name] = one.text
      end
    end
    table.sort(names)
    for _, name in ipairs(names) do
      local left, right = texts[1][name] or "-", texts[2][name] or "-"
      if left ~= right then rows[#rows + 1] = { name, left, right } end
    end
  end
  return rows
end

return difference
