--- Describes maps of colours.
local check = require "mnemo.plot.check"
local description = require "mnemo.plot.description"
local values = require "mnemo.plot.values"
local visible = require "mnemo.text.visible"

local all_keys = description.joined({ "matrix", "xlabels", "ylabels", "xlim", "ylim", "aspect" },
  description.label_keys, description.colour_keys, description.size_keys)

--- Reads which columns or rows are in view.
-- @treturn table `first` and `last`
local function read_window(limits, count, where, what)
  if limits == nil then return { first = 1, last = count } end
  local first = type(limits) == "table" and math.tointeger(limits[1])
  local last = type(limits) == "table" and math.tointeger(limits[2])
  if not first or not last or first < 1 or first > last or last > count then
    check.fail("%s: %s is a pair such as { 1, %d }: the first and the last in view", where, what,
      count)
  end
  return { first = first, last = last }
end

--- Reads the options of `plot.heatmap`.
return function(options)
  local where = "plot.heatmap"
  check.keys(options, all_keys, where)
  description.check_colours(options, where)
  check.choice(options.aspect, { "equal", "auto" }, where, "aspect")
  local self = description.begun("heatmap", options, where, 600, 560)
  self.matrix = values.matrix(options.matrix, where, "matrix")
  for key, expected in pairs { xlabels = #self.matrix[1], ylabels = #self.matrix } do
    if options[key] ~= nil then
      local labels = values.list(options[key], where, key)
      if #labels ~= expected then
        check.fail("%s: %d %s for %d %s", where, #labels, key, expected,
          key == "xlabels" and "columns" or "rows")
      end
      self[key] = {}
      for i, label in ipairs(labels) do self[key][i] = visible.token(label) end
    end
  end
  self.columns = read_window(options.xlim, #self.matrix[1], where, "xlim")
  self.rows = read_window(options.ylim, #self.matrix, where, "ylim")
  local gaps = description.no_gaps()
  for _, row in ipairs(self.matrix) do description.count_gaps(gaps, row) end
  description.tell_gaps(gaps, where)
  return self
end
