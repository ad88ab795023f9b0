--- Describes maps of colours.
local check = require "mnemo.plot.check"
local description = require "mnemo.plot.description"
local expect = require "mnemo.text.expect"
local values = require "mnemo.plot.values"
local visible = require "mnemo.text.visible"

local all_keys = description.joined(
  {
    "matrix", "xlabels", "ylabels", "xlim", "ylim", "aspect", "marked_rows", "marks_name",
    "hlines", "vlines", "legend",
  },
  description.label_keys, description.colour_keys, description.size_keys)

--- Reads which columns or rows are in view.
-- @treturn table `first` and `last`
local function read_window(limits, count, where, what)
  if limits == nil then return { first = 1, last = count } end
  local first = type(limits) == "table" and math.tointeger(limits[1])
  local last = type(limits) == "table" and math.tointeger(limits[2])
  if not first or not last or first < 1 or first > last or last > count then
    expect.fail("%s: %s is a pair such as { 1, %d }: the first and the last in view", where, what,
      count)
  end
  return { first = first, last = last }
end

--- Reads which rows are marked.
-- @treturn table true for each of them
local function read_marks(given, count, where)
  local marked = {}
  for i, row in ipairs(values.list(given or {}, where, "marked_rows")) do
    local index = math.type(row) and math.tointeger(row)
    if not index or index < 1 or index > count then
      expect.fail("%s: marked_rows[%d] is %s (allowed: 1 to %d)", where, i, tostring(row), count)
    end
    marked[index] = true
  end
  return marked
end

--- Reads the options of `plot.heatmap`.
-- @tparam table options
-- @tparam[opt="plot.heatmap"] string where what opens messages
return function(options, where)
  where = where or "plot.heatmap"
  check.options(options, all_keys, where, "matrix")
  description.check_colours(options, where)
  expect.choice(options.aspect, { "equal", "auto" }, where, "aspect")
  local self = description.begun("heatmap", options, where, 600, 560)
  self.matrix = values.matrix(options.matrix, where, "matrix")
  for key, expected in pairs { xlabels = #self.matrix[1], ylabels = #self.matrix } do
    if options[key] ~= nil then
      local labels = values.list(options[key], where, key)
      if #labels ~= expected then
        expect.fail("%s: %d %s for %d %s", where, #labels, key, expected,
          key == "xlabels" and "columns" or "rows")
      end
      self[key] = {}
      for i, label in ipairs(labels) do self[key][i] = visible.token(label) end
    end
  end
  self.columns = read_window(options.xlim, #self.matrix[1], where, "xlim")
  self.rows = read_window(options.ylim, #self.matrix, where, "ylim")
  check.texts(options, { "marks_name" }, where)
  self.marked = read_marks(options.marked_rows, #self.matrix, where)
  description.read_lines(self, where)
  self.ylabel = options.ylabel
  if options.marks_name and next(self.marked) then
    self.ylabel = (options.ylabel and options.ylabel .. " " or "") .. "(▸ " .. options.marks_name
      .. ")"
  end
  local gaps = description.no_gaps()
  for _, row in ipairs(self.matrix) do description.count_gaps(gaps, row) end
  description.tell_gaps(gaps, where)
  return self
end
