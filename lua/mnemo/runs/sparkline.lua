-- A curve in one line of text.
local blocks = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

--- Writes numbers as a row of blocks from the least to the greatest; what is not finite is a gap.
-- @tparam {number,...} values numbers
-- @treturn string
return function(values)
  local low, high = math.huge, -math.huge
  for _, value in ipairs(values) do
    if value - value == 0 then low, high = math.min(low, value), math.max(high, value) end
  end
  local signs = {}
  for i, value in ipairs(values) do
    if value - value ~= 0 then
      signs[i] = " "
    else
      local share = high > low and (value - low) / (high - low) or 0
      signs[i] = blocks[math.min(8, 1 + math.floor(8 * share))]
    end
  end
  return table.concat(signs)
end
