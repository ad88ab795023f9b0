--- Writes a number with some digits after the point; NaN and zero without a sign.
-- @tparam number value the number
-- @tparam integer digits after the point
-- @treturn string
return function(value, digits)
  if value ~= value then return "nan" end
  return (("%%.%df"):format(digits):format(value):gsub("^%-([0.]+)$", "%1"))
end
