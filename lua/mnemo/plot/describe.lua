--- Describes figures: checks what they are given and makes plain tables of it, which know nothing
-- of how figures are drawn.
return {
  lines = require "mnemo.plot.describe_lines",
  scatter = require "mnemo.plot.describe_scatter",
  heatmap = require "mnemo.plot.describe_heatmap",
  contour = require "mnemo.plot.describe_contour",
  grid = require "mnemo.plot.describe_grid",
}
