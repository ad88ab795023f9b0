--- Figures as pages for a browser: a picture that gnuplot drew, and the numbers in it, which are
-- shown where the pointer is.
local draw = require "mnemo.plot.draw"
local expect = require "mnemo.text.expect"
local gnuplot = require "mnemo.plot.gnuplot"
local json = require "mnemo.plot.json"
local parts = require "mnemo.plot.page_parts"
local Script = require "mnemo.plot.script"
local style = require "mnemo.plot.style"

local page = {}

--- Writes a text into a page.
local function escaped(text)
  return (Script.plain(text):gsub('[&<>"\']', function(character)
    return ("&#%d;"):format(character:byte())
  end))
end

--- Lists the numbers of curves or points.
local function series_of(self)
  local list, counts = json.list {}, {}
  for i, one in ipairs(self.series) do
    local kind = one.style == "reference" and "theory" or "measured"
    counts[kind] = (counts[kind] or 0) + 1
    local series = {
      name = one.name or ("series %d"):format(i),
      colour = kind == "theory" and "#000000" or style.series(counts[kind]).colour,
    }
    for key, list_of in pairs {
      x = one.x, y = one.y, low = one.low, high = one.high, size = one.size, values = one.colour,
      labels = one.labels,
    } do
      series[key] = json.list(table.move(list_of, 1, #list_of, 1, {}))
    end
    list[i] = series
  end
  return list
end

--- Returns the part of a map that is in view.
function page.cells(self)
  local rows = json.list {}
  for i = self.rows.first, self.rows.last do
    rows[#rows + 1] = json.list(
      table.move(self.matrix[i], self.columns.first, self.columns.last, 1, {}))
  end
  return rows
end

--- Describes a panel for the page: where it stands in the picture, and its numbers.
-- @tparam figure self one that is no grid
-- @tparam {number,...} bounds its left, right, lower and upper end in pixels, and those of the axes
-- @tparam number height the picture's
local function panel_of(self, bounds, height)
  local options = self.options
  local panel = {
    kind = self.kind, xlabel = options.xlabel, ylabel = options.ylabel, zlabel = options.zlabel,
    sizelabel = options.sizelabel,
    box = { bounds[1], height - bounds[4], bounds[2], height - bounds[3] },
    x = { low = bounds[5], high = bounds[6], log = options.xscale == "log" },
    y = { low = bounds[7], high = bounds[8], log = options.yscale == "log" },
  }
  if self.kind == "contour" then
    panel.places, panel.z = { x = self.x, y = self.y }, self.z
  elseif self.series then
    panel.series = series_of(self)
  else
    panel.matrix = page.cells(self)
    panel.firstRow, panel.firstColumn = self.rows.first, self.columns.first
    panel.xlabels = self.xlabels
      and table.move(self.xlabels, self.columns.first, self.columns.last, 1, {})
    panel.ylabels = self.ylabels
      and table.move(self.ylabels, self.rows.first, self.rows.last, 1, {})
  end
  return panel
end

--- Draws a figure.
-- @tparam figure self
-- @tparam string who opens the messages of errors
-- @tparam[opt=""] string rest ends them
-- @treturn string the picture, an SVG
-- @treturn {table,...} its panels
function page.drawn(self, who, rest)
  local script, panels = draw.measuring_script(self)
  local printed = gnuplot.printed(script, who, rest)
  local picture, measures = printed:match "^(.*</svg>)%s*(.-)%s*$"
  local described = json.list {}
  for line in (measures or ""):gmatch "[^\n]+" do
    local bounds = {}
    for word in line:gmatch "%S+" do bounds[#bounds + 1] = tonumber(word) or 0 / 0 end
    described[#described + 1] = panel_of(panels[#described + 1], bounds, self.height)
  end
  if #described ~= #panels then
    expect.fail("%s: gnuplot's SVG is not whole%s", who, rest or "")
  end
  return picture, described
end

--- Writes a page.
-- @tparam table content `width`, `height`, and `frames`: each has `label`, and `picture` and
--   `panels` or, where those are the content's own (`picture`, `panel`, `paint`), `matrix`
-- @tparam[opt="figure"] string title that of the window
-- @tparam[opt] string heading above the picture
-- @treturn string
function page.text(content, title, heading)
  local frames, name = #content.frames, escaped(title or "figure")
  return table.concat {
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    '<meta http-equiv="Content-Security-Policy" content="', parts.policy, '">\n',
    '<meta name="viewport" content="width=device-width">\n',
    "<title>", name, "</title>\n",
    "<style>\n", parts.style, "</style>\n</head>\n<body>\n",
    heading and "<h1>" .. escaped(heading) .. "</h1>\n" or "",
    ('<div id="controls" style="width: %dpx"%s><button id="play">play</button>'):format(
      content.width, frames > 1 and "" or " hidden"),
    ('<input id="step" type="range" min="0" max="%d" value="0" aria-label="frame">'):format(
      frames - 1),
    '<output id="label"></output></div>\n',
    ('<div id="figure" style="width: %dpx"><img id="picture" alt="%s">'):format(content.width,
      name),
    '<canvas id="cells" hidden></canvas><div id="cursor" hidden></div>',
    '<div id="tip" hidden></div></div>\n',
    '<script type="application/json" id="data">', json.text(content), "</script>\n",
    "<script>\n", parts.script, "</script>\n</body>\n</html>\n",
  }
end

--- Writes a page of one figure.
-- @tparam figure self
-- @tparam string rest ends the messages of errors
-- @treturn string
function page.of_figure(self, rest)
  local picture, panels = page.drawn(self, "save", rest)
  return page.text({
    width = self.width, height = self.height, frames = { { picture = picture, panels = panels } },
  }, self.options.title)
end

return page
