--- Returns a cell's text; that of NaN has no sign.
local function text_of(cell)
  return cell ~= cell and "nan" or tostring(cell)
end

--- Rows of cells as columns of text.
--
-- @tparam {table,...} rows lists of texts or numbers
-- @tparam function is_right whether a column, by its number, stands to the right
-- @tparam[opt] function width how wide a text is; its characters are counted without it
-- @treturn {string,...} a line for each row, without spaces at its end
return function(rows, is_right, width)
  width = width or function(text) return utf8.len(text) or #text end
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, width(text_of(cell)))
    end
  end
  local lines = {}
  for r, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local text = text_of(cell)
      local space = (" "):rep(widths[i] - width(text))
      cells[i] = is_right(i) and space .. text or text .. space
    end
    lines[r] = (table.concat(cells, "  "):gsub(" +$", ""))
  end
  return lines
end
