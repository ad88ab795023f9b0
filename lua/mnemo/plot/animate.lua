--- Pages with a slider over frames: maps of colours on one scale, or figures.
local check = require "mnemo.plot.check"
local colour_bar = require "mnemo.plot.colour_bar"
local describe = require "mnemo.plot.describe"
local expect = require "mnemo.text.expect"
local page = require "mnemo.plot.page"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

local map_keys = {
  "xlabels", "ylabels", "xlim", "ylim", "aspect", "marked_rows", "marks_name", "xlabel", "ylabel",
  "palette", "min", "max", "zlabel", "width", "height",
}
local all_keys = table.move(map_keys, 1, #map_keys, 4, { "frames", "path", "title" })

local where = "plot.animate"

--- Reads the frames: all maps, or all figures.
-- @treturn string `matrix` or `figure`
local function read_frames(frames, is_figure)
  if type(frames) ~= "table" or #frames == 0 then
    expect.fail("%s: frames is %s; a list such as { { label = 1, matrix = … } } is expected", where,
      frames == nil and "missing" or type(frames) == "table" and "empty"
      or "a " .. expect.kind(frames))
  end
  local kind
  for i, frame in ipairs(frames) do
    local name = ("%s, frame %d"):format(where, i)
    check.options(frame, { "label", "matrix", "figure" }, name, "matrix")
    check.texts(frame, { "label" }, name)
    local own = frame.matrix ~= nil and "matrix" or "figure"
    if (frame.matrix == nil) == (frame.figure == nil) then
      expect.fail("%s: one of matrix and figure is expected", name)
    elseif own == "figure" and not is_figure(frame.figure) then
      expect.fail("%s: figure is no figure", name)
    end
    kind = kind or own
    if own ~= kind then
      expect.fail("%s: has a %s, the first a %s; all frames are of one kind", name, own, kind)
    end
  end
  return kind
end

--- Describes the map of each frame, with the options that all share.
local function described_maps(options)
  local maps = {}
  for i, frame in ipairs(options.frames) do
    local name, given = ("%s, frame %d"):format(where, i), { matrix = frame.matrix }
    for _, key in ipairs(map_keys) do given[key] = options[key] end
    maps[i] = describe.heatmap(given, name)
    local first, rows = maps[1].matrix, maps[i].matrix
    if #rows ~= #first or #rows[1] ~= #first[1] then
      expect.fail("%s: matrix is %d × %d, that of the first frame %d × %d", name, #rows, #rows[1],
        #first, #first[1])
    end
  end
  return maps
end

--- Tells the page what colours values have.
local function paint_of(palette, low, high)
  local colours = {}
  for i, colour in ipairs(style.palette(palette)) do colours[i] = style.channels(colour) end
  return { palette = colours, missing = style.channels(style.missing), low = low, high = high }
end

--- Makes the content of a page of maps: one picture of axes and colour bar, and each frame's cells.
local function content_of_maps(options)
  local maps, rows = described_maps(options), {}
  for _, map in ipairs(maps) do table.move(map.matrix, 1, #map.matrix, #rows + 1, rows) end
  local palette, base = options.palette or "blues", maps[1]
  local low, high = colour_bar.limits(options, palette, values.extent(rows))
  base.options.min, base.options.max, base.unpainted = low, high, true
  local picture, panels = page.drawn(base, where)
  panels[1].matrix = nil
  local content = {
    picture = picture, panel = panels[1], paint = paint_of(palette, low, high),
    width = base.width, height = base.height, frames = {},
  }
  for i, map in ipairs(maps) do content.frames[i] = { matrix = page.cells(map) } end
  return content
end

--- Makes the content of a page of figures, all of the first one's size.
local function content_of_figures(options)
  for _, key in ipairs(map_keys) do
    if options[key] ~= nil then
      expect.fail("%s: %s belongs to maps; frames that are figures have their own", where, key)
    end
  end
  local first = options.frames[1].figure
  local content = { width = first.width, height = first.height, frames = {} }
  for i, frame in ipairs(options.frames) do
    local one = frame.figure
    if one.width ~= first.width or one.height ~= first.height then
      expect.fail("%s, frame %d: figure has %g × %g pixels, that of the first frame %g × %g", where,
        i, one.width, one.height, first.width, first.height)
    end
    local picture, panels = page.drawn(one, where)
    content.frames[i] = { picture = picture, panels = panels }
  end
  return content
end

--- Reads the options of `plot.animate`.
-- @tparam table options
-- @tparam function is_figure tells whether a value is a figure
-- @treturn string the page
-- @treturn string where it goes
return function(options, is_figure)
  check.options(options, all_keys, where, "frames")
  check.texts(options, { "title" }, where)
  local path = options.path
  if type(path) ~= "string" or not path:lower():match "%.html$" then
    expect.fail("%s: path is %s; one that ends in .html is expected", where,
      path == nil and "missing" or "'" .. tostring(path) .. "'")
  end
  local kind = read_frames(options.frames, is_figure)
  local content = kind == "matrix" and content_of_maps(options) or content_of_figures(options)
  for i, frame in ipairs(options.frames) do
    content.frames[i].label = tostring(frame.label or i)
  end
  return page.text(content, options.title, options.title), path
end
