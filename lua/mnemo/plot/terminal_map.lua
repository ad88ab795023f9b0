--- Maps of colours as lines of text.
local colour_bar = require "mnemo.plot.colour_bar"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"
local visible = require "mnemo.text.visible"

local map = {}

-- From little to much, for maps without colour; with `diverging`, what lies below 0.
local shades = { [0] = " ", "░", "▒", "▓", "█" }
local shades_below = { [0] = " ", ".", "-", "=", "#" }

--- How many columns of the terminal a text takes.
local function columns_of(text)
  local prompt = package.loaded["(prompt)"]
  return prompt and prompt.engine.width(text) or utf8.len(text) or #text
end

--- The widest of some labels.
local function widest_of(labels)
  local widest = 0
  for _, label in ipairs(labels) do widest = math.max(widest, columns_of(label)) end
  return widest
end

--- A text with spaces before it, so that it takes so many columns.
local function right_aligned(text, columns)
  return (" "):rep(columns - columns_of(text)) .. text
end

--- Returns the labels of the rows or columns of a map that are in view, or nil.
local function labels_in_view(labels, range)
  return labels and table.move(labels, range.first, range.last, 1, {})
end

--- Returns the rows of a map that are in view, from top to bottom.
local function rows_in_view(self)
  local view = {}
  if self.kind == "contour" then
    for i = #self.z, 1, -1 do view[#view + 1] = self.z[i] end
    return view
  end
  for i = self.rows.first, self.rows.last do
    view[#view + 1] = table.move(self.matrix[i], self.columns.first, self.columns.last, 1, {})
  end
  return view
end

--- Returns the number among a terminal's 256 colours that is nearest to a colour.
-- @tparam string hex such as `#C6DBEF`
local function nearest_of_256(hex)
  local channels, cube = style.channels(hex), 16
  local grey = (channels[1] + channels[2] + channels[3]) / 3
  -- The cube's six levels are 0, 95, 135, …, 255; the greys are 8, 18, …, 238.
  local grey_step = math.max(0, math.min(23, math.floor((grey - 8) / 10 + 0.5)))
  local off_cube, off_grey = 0, 0
  for i, value in ipairs(channels) do
    local step = value < 48 and 0 or math.floor((math.max(value, 95) - 55) / 40 + 0.5)
    cube = cube + step * 6 ^ (3 - i)
    off_cube = off_cube + (value - (step == 0 and 0 or 55 + 40 * step)) ^ 2
    off_grey = off_grey + (value - (8 + 10 * grey_step)) ^ 2
  end
  return math.floor(off_grey < off_cube and 232 + grey_step or cube)
end

--- Shows a colour.
-- @tparam string hex such as `#C6DBEF`
function map.sample(hex)
  return ("\27[48;5;%dm  \27[0m"):format(nearest_of_256(hex))
end

-- Dark red, for cells without a value.
local missing = 52

--- How the values of a map are shown: by colours, or by shades without them.
-- @treturn table `low` and `high`, and functions `colour` and `shade` of a value
local function scale_of(self)
  local palette = self.options.palette or (self.kind == "contour" and "viridis" or "blues")
  local low, high = colour_bar.limits(self.options, palette,
    values.extent(self.matrix or self.z))
  local function share(value) return math.max(0, math.min(1, (value - low) / (high - low))) end
  local scale = { low = low, high = high, diverging = palette == "diverging" }
  function scale.hex(value) return style.colour(palette, share(value)) end
  function scale.colour(value) return value and nearest_of_256(scale.hex(value)) or missing end
  function scale.shade(value)
    if not value then return "?" end
    if not scale.diverging then return shades[math.floor(share(value) * 4.999)] end
    local end_there = value < 0 and low or high
    local much = end_there ~= 0 and math.max(0, math.min(1, value / end_there)) or 0
    return (value < 0 and shades_below or shades)[math.floor(much * 4.499 + 0.5)]
  end
  return scale
end

--- Returns the value that stands for a block of cells: the largest, of `diverging` the one
-- farthest from 0; nil if none has a value.
local function extreme(matrix, i, j, step, diverging)
  local found
  for r = i, math.min(#matrix, i + step - 1) do
    for c = j, math.min(#matrix[1], j + step - 1) do
      local value = matrix[r][c]
      local farther = found and (diverging and math.abs(value) > math.abs(found)
        or not diverging and value > found)
      if values.finite(value) and (not found or farther) then found = value end
    end
  end
  return found
end

--- What the last line says of the values.
local function caption(scale, height, width, step, colour)
  local function sample(value, words)
    return colour and map.sample(scale.hex(value)) or words
  end
  local each = step > 1 and (", each cell the %s of %d × %d"):format(
    scale.diverging and "farthest from 0" or "largest", step, step) or ""
  local below = scale.diverging and "(" .. shades_below[4] .. ")" or "(blank)"
  return (" %d × %d, from %.4g %s to %.4g %s%s"):format(height, width, scale.low,
    sample(scale.low, below), scale.high, sample(scale.high, "(full)"), each)
end

--- Chooses how a map is laid out in so many columns and rows of text.
--
-- Cells are square: one column and half a row each, or two columns and a row. Labels of rows need
-- a line for each row, those of columns the two characters of a cell.
-- @treturn table `step`, how many cells stand for one; `halves`, whether a line shows two rows;
--   `row_names` and `column_names`, where there is room for them; `margin` and `mark_room`, the
--   columns of text before the cells
local function laid_out(self, height, width, columns, rows, colour)
  local ylabels = labels_in_view(self.ylabels, self.rows)
  local xlabels = labels_in_view(self.xlabels, self.columns)
  local layout = { mark_room = self.marked and next(self.marked) and 2 or 0, margin = 0 }
  local room = columns - 2 - layout.mark_room
  local margin = ylabels and widest_of(ylabels) + 1 or 0
  if height <= rows - 5 and 2 * width <= room - margin then
    if ylabels then layout.row_names, layout.margin = ylabels, margin end
    if xlabels and widest_of(xlabels) <= 2 then layout.column_names = xlabels end
  end
  layout.halves = colour and not (layout.row_names or layout.column_names)
  layout.step = math.max(1,
    math.ceil(height / (math.max(2, rows - 4) * (layout.halves and 2 or 1))),
    math.ceil(width / (layout.halves and room or room // 2)))
  return layout
end

--- Returns the cells of one line, which begins at a row of the map.
local function line_of(matrix, scale, layout, i, colour)
  local cells, step = {}, layout.step
  local function value(row, j) return extreme(matrix, row, j, step, scale.diverging) end
  for j = 1, #matrix[1], step do
    if not colour then
      cells[#cells + 1] = scale.shade(value(i, j)):rep(2)
    elseif not layout.halves then
      cells[#cells + 1] = ("\27[48;5;%dm  "):format(scale.colour(value(i, j)))
    elseif i + step <= #matrix then
      cells[#cells + 1] = ("\27[38;5;%d;48;5;%dm▀"):format(scale.colour(value(i, j)),
        scale.colour(value(i + step, j)))
    else
      cells[#cells + 1] = ("\27[0;38;5;%dm▀"):format(scale.colour(value(i, j)))
    end
  end
  return table.concat(cells) .. (colour and "\27[0m" or "")
end

--- Returns what stands before a line that shows so many rows: a triangle if one of them is marked.
local function mark_of(self, layout, first, count)
  if layout.mark_room == 0 then return "" end
  local row = self.rows.first + first - 1
  for i = row, math.min(self.rows.last, row + count - 1) do
    if self.marked[i] then return "▸ " end
  end
  return "  "
end

--- Returns a map as lines of text: two rows a line in colour, shades without.
function map.text(self, columns, rows, colour)
  local matrix, scale = rows_in_view(self), scale_of(self)
  local height, width = #matrix, #matrix[1]
  local layout = laid_out(self, height, width, columns, rows, colour)
  local lines = {}
  local function add(text) lines[#lines + 1] = " " .. text end
  local ylabel = self.ylabel or self.options.ylabel
  if self.options.title then add(visible.line(self.options.title)) end
  if ylabel then add(visible.line(ylabel) .. " ↓") end
  if layout.column_names then
    local names = {}
    for j, label in ipairs(layout.column_names) do names[j] = right_aligned(label, 2) end
    add(((" "):rep(layout.margin + layout.mark_room) .. table.concat(names)):gsub("%s+$", ""))
  end
  local rows_a_line = layout.halves and 2 * layout.step or layout.step
  for i = 1, height, rows_a_line do
    local name = layout.row_names and right_aligned(layout.row_names[i], layout.margin - 1) .. " "
      or ""
    add(name .. mark_of(self, layout, i, rows_a_line) .. line_of(matrix, scale, layout, i, colour))
  end
  if self.options.xlabel then add(visible.line(self.options.xlabel) .. " →") end
  lines[#lines + 1] = caption(scale, height, width, layout.step, colour)
  return table.concat(lines, "\n")
end

return map
