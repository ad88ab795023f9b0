--- How much of a panel title, labels and legend take, in pixels, before it is drawn.
local Script = require "mnemo.plot.script"
local values = require "mnemo.plot.values"

local layout = {}

-- What a name in the legend takes by gnuplot's count: the sample and the space around it, a letter,
-- and a line.
local sample_width, letter_width, line_height = 60, 8, 20
-- Above the axes without a title, below them the tics without a label, and around a legend there.
local top_space, tic_space, legend_space = 20, 38, 22

--- The least and the greatest value that sizes of points show; nil if none are given.
function layout.sizes(self)
  local lists = {}
  for _, series in ipairs(self.series) do lists[#lists + 1] = series.size end
  return values.extent(lists)
end

--- The names in the legend for the least and the greatest size.
function layout.size_names(self)
  local least, most = layout.sizes(self)
  local names = {}
  if least and least < most and self.options.sizelabel then
    for i, value in ipairs { least, most } do
      names[i] = ("%s = %.3g"):format(self.options.sizelabel, value)
    end
  end
  return names
end

--- Lists all names in a panel's legend.
local function names_of(self)
  local names = {}
  for _, lines in ipairs { self.hlines, self.vlines, self.vspans or {}, self.series or {} } do
    for _, one in ipairs(lines) do names[#names + 1] = one.name end
  end
  local sizes = self.kind == "scatter" and layout.size_names(self) or {}
  return table.move(sizes, 1, #sizes, #names + 1, names)
end

--- Tells whether a colour bar stands on the right of a panel.
local function has_bar(self)
  if self.kind == "contour" or self.kind == "heatmap" then return true end
  for _, series in ipairs(self.series) do
    if series.colour then return true end
  end
  return false
end

--- Chooses where the legend stands, outside the data: what is asked for, else on the right if
-- that leaves room for the data and no colour bar is there.
-- @tparam number pixels the panel's width
-- @tparam number tall the panel's height
-- @treturn table `place`; below, `columns` and `rows` of names; `wide` and `tall`, what it takes
--   of the panel
function layout.legend(self, pixels, tall)
  local names, longest = names_of(self), 0
  for _, name in ipairs(names) do longest = math.max(longest, utf8.len(name) or #name) end
  local width = sample_width + letter_width * longest
  local stacks = math.ceil(#names / math.max(1, (tall - 60) // line_height))
  local crowded = has_bar(self) or stacks * width > 0.36 * pixels
  local place = self.options.legend or #names == 0 and "none" or crowded and "below" or "right"
  if #names == 0 or place == "none" then return { place = "none", wide = 0, tall = 0 } end
  if place == "right" then return { place = place, wide = stacks * width, tall = 0 } end
  local columns = math.tointeger(math.max(1, math.min(#names, (pixels - 40) // width)))
  local rows = math.ceil(#names / columns)
  return {
    place = place, columns = columns, rows = rows, wide = 0,
    tall = line_height * rows + legend_space,
  }
end

--- The texts around the axes, on several lines if one is too long.
-- @treturn table `title`, `xlabel` and `ylabel`, in gnuplot's writing
-- @treturn table how many lines each has
function layout.texts(options, pixels, tall)
  local texts, lines = {}, {}
  local room = { title = { pixels - 40, 13 }, xlabel = { pixels - 80, 12 },
    ylabel = { tall - 60, 12 } }
  for key, given in pairs(room) do
    texts[key], lines[key] = Script.wrapped(options[key] or "", given[1], given[2])
  end
  return texts, lines
end

--- What stands above and below the axes of a panel with numbers on both.
-- @treturn number pixels above
-- @treturn number pixels below
function layout.margins(self, pixels, tall)
  local _, lines = layout.texts(self.options, pixels, tall)
  return top_space + line_height * lines.title,
    tic_space + line_height * lines.xlabel + layout.legend(self, pixels, tall).tall
end

return layout
