--- Names that were nearly right: edit distance, and messages about them.
local nearest = {}

--- Counts the insertions, deletions, substitutions and swaps of neighbours that turn one
-- text into the other.
-- @tparam string a a text
-- @tparam string b another
-- @treturn integer 0 when they are equal
function nearest.distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

--- Finds the known name that was probably meant.
-- @tparam string given what was written
-- @tparam {string,...} known the names there are
-- @treturn string|nil the nearest one, or nil if none is near
function nearest.name(given, known)
  local best, best_distance
  for _, name in ipairs(known) do
    -- As in Suggestions.swift: up to a third of the letters given may differ, and always one.
    -- Names whose lengths differ by more are further apart, and need no counting: one of a
    -- megabyte is near to none.
    local most = math.min(math.max(1, #given // 3), math.max(#given, #name) - 1)
    if math.abs(#given - #name) <= most then
      local distance = nearest.distance(given:lower(), name:lower())
      if distance <= most and (not best_distance or distance < best_distance) then
        best, best_distance = name, distance
      end
    end
  end
  return best
end

--- Words the message about an unknown name.
-- @tparam string given what was written
-- @tparam {string,...} known the names there are
-- @tparam string what the kind of thing, such as `option`
-- @treturn string such as `unknown option 'xlable'; did you mean 'xlabel'?`
function nearest.message(given, known, what)
  local meant = nearest.name(given, known)
  if meant then
    return ("unknown %s '%s'; did you mean '%s'?"):format(what, given, meant)
  end
  return ("unknown %s '%s'; allowed are '%s'"):format(what, given, table.concat(known, "', '"))
end

return nearest
