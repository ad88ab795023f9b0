--- Pages for a browser: what is in them, and what their script does with it.
-- luacheck: globals io.stderr
local json = require "mnemo.plot.json"
local luaunit = require "luaunit"
local plot = require "mnemo.plot"
local style = require "mnemo.plot.style"

local tests = {}

local nan = 0 / 0

-- What figures say of gaps is tested elsewhere.
local standard_error = io.stderr

function tests.setUp() io.stderr = { write = function() end } end

function tests.tearDown() io.stderr = standard_error end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

--- Calls a function with the path of a page, and returns what was written there.
local function written(write)
  local stem = os.tmpname()
  write(stem .. ".html")
  local text = read(stem .. ".html")
  for _, ending in ipairs { "", ".html", ".csv" } do os.remove(stem .. ending) end
  return text
end

local function animated(options)
  return written(function(path)
    options.path = path
    luaunit.assertEquals(plot.animate(options), path)
  end)
end

---- A small reader of JSON: null becomes `null`, for lists keep their length. ----

local null = setmetatable({}, { __tostring = function() return "null" end })

local read_value

local function read_string(text, at)
  local parts = {}
  while true do
    local plain, mark = text:match('^([^"\\]*)(["\\])', at)
    parts[#parts + 1] = plain
    at = at + #plain + 1
    if mark == '"' then return table.concat(parts), at end
    local code = text:match("^u(%x%x%x%x)", at)
    assert(code, "an escape that is none of ours")
    parts[#parts + 1] = utf8.char(tonumber(code, 16))
    at = at + 5
  end
end

local function read_entries(text, at, closing, read_entry)
  if text:sub(at, at) == closing then return at + 1 end
  while true do
    at = read_entry(at)
    local mark = text:sub(at, at)
    at = at + 1
    if mark == closing then return at end
    assert(mark == ",", "no comma at " .. at)
  end
end

function read_value(text, at)
  local mark = text:sub(at, at)
  if mark == '"' then return read_string(text, at + 1) end
  for word, value in pairs { ["null"] = null, ["true"] = true, ["false"] = false } do
    if text:sub(at, at + #word - 1) == word then return value, at + #word end
  end
  local found = {}
  if mark == "[" then
    return found, read_entries(text, at + 1, "]", function(place)
      found[#found + 1], place = read_value(text, place)
      return place
    end)
  elseif mark == "{" then
    return found, read_entries(text, at + 1, "}", function(place)
      local key
      key, place = read_string(text, place + 1)
      assert(text:sub(place, place) == ":")
      found[key], place = read_value(text, place + 1)
      return place
    end)
  end
  local digits = text:match("^-?[%d.e+-]+", at)
  return assert(tonumber(digits)), at + #digits
end

--- Returns the data in a page.
local function data_in(text)
  local data = text:match '<script type="application/json" id="data">([^<]*)</script>'
  luaunit.assertIsString(data, "no data, or markup in them")
  local value, at = read_value(data, 1)
  luaunit.assertEquals(at, #data + 1)
  return value
end

---- What is in the pages ----

function tests.test_json_is_what_it_says()
  luaunit.assertEquals(json.text { b = { 1, 2.5, nan, -math.huge }, a = "x", c = true },
    '{"a":"x","b":[1,2.5,null,null],"c":true}')
  luaunit.assertEquals(json.text(json.list {}), "[]")
  luaunit.assertEquals(json.text {}, "{}")
  luaunit.assertEquals(json.text '</a>&"\\\'',
    '"\\u003c/a\\u003e\\u0026\\u0022\\u005c\\u0027"')
  luaunit.assertEquals(json.text "a\nb\u{2028}c", '"a b c"')
  luaunit.assertEquals(json.text "a\xff", '"a\u{FFFD}"')
end

function tests.test_frames_are_the_matrices()
  local mnemo = require "mnemo"
  local frames = {
    { label = "step 0", matrix = { { 0, 1, 2 }, { 3, nan, 5 } } },
    { label = 10, matrix = mnemo.tensor { { 5, 4, 3 }, { 2, 1, -7 } } },
    { matrix = { { 1, 1, 1 }, { 1, 1, 1 / 3 } } },
  }
  local text = animated { frames = frames, title = "growth", xlabels = { "a", " ", "c" },
    palette = "greys" }
  local data = data_in(text)
  luaunit.assertEquals(#data.frames, 3)
  luaunit.assertEquals(data.frames[1],
    { label = "step 0", matrix = { { 0, 1, 2 }, { 3, null, 5 } } })
  luaunit.assertEquals(data.frames[2], { label = "10", matrix = { { 5, 4, 3 }, { 2, 1, -7 } } })
  luaunit.assertEquals(data.frames[3].label, "3")
  luaunit.assertAlmostEquals(data.frames[3].matrix[2][3], 1 / 3, 1e-9)
  -- One scale for all, and one picture, which has no cells.
  luaunit.assertEquals(data.paint, {
    low = -7, high = 5, missing = style.channels(style.missing),
    palette = { { 255, 255, 255 }, { 0, 0, 0 } },
  })
  luaunit.assertEquals(data.panel.xlabels, { "a", "␣", "c" })
  luaunit.assertStrContains(data.picture, "</svg>")
  luaunit.assertStrContains(data.picture, ">-6<")
  luaunit.assertEquals(select(2, text:gsub("</svg", "")), 0)
  luaunit.assertStrContains(text, 'max="2"')
  luaunit.assertStrContains(text, "<h1>growth</h1>")
  -- Where the cells stand: squares, inside of the picture.
  local box = data.panel.box
  luaunit.assertAlmostEquals((box[3] - box[1]) / (box[4] - box[2]), 3 / 2, 0.02)
  luaunit.assertTrue(box[1] > 0 and box[3] < data.width and box[2] > 0 and box[4] < data.height)
end

function tests.test_a_part_of_the_maps_is_shown()
  local data = data_in(animated { frames = { { matrix = { { 1, 2, 3 }, { 4, 5, 6 } } } },
    xlim = { 2, 3 }, ylim = { 2, 2 }, ylabels = { "r", "s" } })
  luaunit.assertEquals(data.frames[1].matrix, { { 5, 6 } })
  luaunit.assertEquals({ data.panel.firstRow, data.panel.firstColumn }, { 2, 2 })
  luaunit.assertEquals(data.panel.ylabels, { "s" })
  luaunit.assertEquals({ data.paint.low, data.paint.high }, { 1, 6 })
end

function tests.test_frames_are_figures()
  local frames = {}
  for i = 1, 3 do
    frames[i] = { label = "l" .. i, figure = plot.grid {
      plot.lines { y = { 1, i }, name = "curve" }, plot.heatmap { matrix = { { i } } },
    } }
  end
  local data = data_in(animated { frames = frames })
  luaunit.assertEquals(#data.frames, 3)
  for i, frame in ipairs(data.frames) do
    luaunit.assertEquals(frame.label, "l" .. i)
    luaunit.assertStrContains(frame.picture, "</svg>")
    luaunit.assertEquals(frame.panels[1].series[1].y, { 1, i })
    luaunit.assertEquals(frame.panels[2].matrix, { { i } })
    -- Side by side.
    luaunit.assertTrue(frame.panels[1].box[3] < frame.panels[2].box[1])
  end
end

function tests.test_a_figure_is_a_page_with_its_numbers()
  local stem = os.tmpname()
  local figure = plot.lines { title = "t", xlabel = "step", xscale = "log", series = {
    { name = "a", x = { 1, 10, 100 }, y = { { 1, 2, 3 }, { 1, 3, nan } } },
    { y = { 3, 2 }, style = "reference" },
  } }
  luaunit.assertIs(figure:save(stem .. ".html"), figure)
  local text = read(stem .. ".html")
  luaunit.assertEquals(read(stem .. ".csv"), figure:csv())
  for _, ending in ipairs { "", ".html", ".csv" } do os.remove(stem .. ending) end
  local data = data_in(text)
  local panel = data.frames[1].panels[1]
  luaunit.assertEquals(panel.kind, "lines")
  luaunit.assertEquals(panel.series[1].x, { 1, 10, 100 })
  luaunit.assertEquals(panel.series[1].y, { 1, 2.5, 3 })
  luaunit.assertEquals(panel.series[1].low[3], null)
  luaunit.assertAlmostEquals(panel.series[1].high[2], 2.5 + math.sqrt(0.5), 1e-8)
  luaunit.assertEquals(panel.series[2].name, "series 2")
  luaunit.assertEquals({ panel.x.log, panel.y.log }, { true, false })
  luaunit.assertTrue(panel.x.low < 1 and panel.x.high > 100)
  -- The title is in the picture.
  luaunit.assertStrContains(text, "<title>t</title>")
  luaunit.assertNotStrContains(text, "<h1>")
  luaunit.assertStrContains(data.frames[1].picture, ">t<")
end

function tests.test_panels_of_a_row_are_drawn_at_one_height()
  local series = {}
  for i = 1, 7 do series[i] = { name = "a curve with a long name " .. i, y = { i, i + 1 } } end
  local data = data_in(written(function(path)
    plot.grid({
      plot.lines { series = series, legend = "below", xlabel = "step", title = "many" },
      plot.scatter { x = { 1, 2 }, y = { 1, 2 } },
      plot.lines { y = { 1, 2 } },
    }, { columns = 3 }):save(path)
  end))
  local boxes = {}
  for i, panel in ipairs(data.frames[1].panels) do boxes[i] = panel.box end
  luaunit.assertEquals(#boxes, 3)
  for i = 2, 3 do
    luaunit.assertAlmostEquals(boxes[i][2], boxes[1][2], 0.01)
    luaunit.assertAlmostEquals(boxes[i][4], boxes[1][4], 0.01)
  end
end

function tests.test_no_text_is_markup()
  local evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
  local pages = {
    animated { title = evil, xlabel = evil, ylabel = evil, zlabel = evil, xlabels = { evil },
      ylabels = { evil }, marks_name = evil, marked_rows = { 1 },
      frames = { { label = evil, matrix = { { 1 } } }, { label = evil, matrix = { { 2 } } } } },
    written(function(path)
      plot.grid({
        plot.lines { y = { 1 }, name = evil, title = evil, xlabel = evil, ylabel = evil },
        plot.scatter { x = { 1 }, y = { 1 }, labels = { evil }, name = evil, colour = { 1 },
          zlabel = evil },
        plot.contour { z = { { 1, 2 }, { 3, 4 } }, title = evil },
      }, { title = evil }):save(path)
    end),
  }
  for _, text in ipairs(pages) do
    -- The page's own elements, no more: one of data, one of the script, one picture.
    luaunit.assertEquals(select(2, text:gsub("<script", "")), 2)
    luaunit.assertEquals(select(2, text:gsub("</script", "")), 2)
    luaunit.assertEquals(select(2, text:gsub("<img", "")), 1)
    luaunit.assertNotStrContains(text, "onerror=alert(2)>")
    -- Nothing is loaded from elsewhere.
    luaunit.assertStrContains(text, "default-src 'none'; img-src data:")
    luaunit.assertNil(text:gsub("www.w3.org", ""):match "[^%w]https?://[^\\]*%.js")
    luaunit.assertNil(text:gsub('"[^"]*"', '""'):match "<[^>]* src=")
  end
  luaunit.assertEquals(data_in(pages[1]).frames[2].label, evil)
end

function tests.test_wrong_frames_are_told()
  local one = plot.lines { y = { 1 } }
  for words, options in pairs {
    ["plot.animate: path is missing; one that ends in .html is expected"] = { frames = {} },
    ["plot.animate: path is 'a.svg'; one that ends in .html"] = { frames = {}, path = "a.svg" },
    ["plot.animate: frames is missing; a list such as"] = { path = "a.html" },
    ["plot.animate: frames is empty"] = { path = "a.html", frames = {} },
    ["plot.animate, frame 1: a table of options such as { matrix = … } is expected, got number"] =
      { path = "a.html", frames = { 3 } },
    ["plot.animate, frame 1: one of matrix and figure is expected"] =
      { path = "a.html", frames = { { label = 1 } } },
    ["plot.animate, frame 1: unknown option 'matrx'; did you mean 'matrix'?"] =
      { path = "a.html", frames = { { matrx = 1 } } },
    ["plot.animate, frame 1: figure is no figure"] =
      { path = "a.html", frames = { { figure = {} } } },
    ["plot.animate, frame 2: has a figure, the first a matrix; all frames are of one kind"] =
      { path = "a.html", frames = { { matrix = { { 1 } } }, { figure = one } } },
    ["plot.animate, frame 2: matrix is 1 × 2, that of the first frame 1 × 1"] =
      { path = "a.html", frames = { { matrix = { { 1 } } }, { matrix = { { 1, 2 } } } } },
    ["plot.animate, frame 1: matrix is empty"] =
      { path = "a.html", frames = { { matrix = {} } } },
    ["plot.animate, frame 1: 1 xlabels for 2 columns"] =
      { path = "a.html", frames = { { matrix = { { 1, 2 } } } }, xlabels = { "a" } },
    ["plot.animate: palette belongs to maps; frames that are figures have their own"] =
      { path = "a.html", frames = { { figure = one } }, palette = "greys" },
    ["plot.animate, frame 2: figure has 500 × 380 pixels, that of the first frame 600 × 380"] =
      { path = "a.html", frames = { { figure = one },
        { figure = plot.lines { y = { 1 }, width = 500 } } } },
    ["plot.animate: unknown option 'labels'"] = { path = "a.html", frames = {}, labels = {} },
    ["plot.animate: cannot write /no/such/folder/a.html"] =
      { path = "/no/such/folder/a.html", frames = { { matrix = { { 1 } } } } },
  } do
    luaunit.assertErrorMsgContains(words, plot.animate, options)
  end
end

---- What the script does ----

-- As much of a browser as the script needs. What it is asked to do comes as JSON: frames to be
-- shown and places of the pointer; it prints the lines beside the pointer, or the colours painted.
local browser = [[
const html = require("fs").readFileSync(process.argv[2], "utf8");
const width = Number(html.match(/id="figure" style="width: (\d+)px"/)[1]);
let painted = null, ticking = null;
function element() {
  const handlers = {};
  return {
    style: {}, children: [], clientWidth: width, offsetWidth: 50, textContent: "",
    addEventListener(name, handler) { handlers[name] = handler; },
    fire(name, event) { handlers[name](event); },
    append(...added) { this.children.push(...added); },
    replaceChildren(...added) { this.children = added; },
    getBoundingClientRect: () => ({ left: 5, top: 7 }),
    getContext: () => ({
      createImageData: (w, h) => ({ data: new Uint8ClampedArray(4 * w * h) }),
      putImageData: image => { painted = Array.from(image.data); },
    }),
  };
}
const elements = {};
global.document = {
  getElementById: id => elements[id] || (elements[id] = element()), createElement: element,
};
global.setInterval = action => { ticking = action; return 1; };
global.clearInterval = () => { ticking = null; };
document.getElementById("data").textContent = html.match(/id="data">([^<]*)</)[1];
(0, eval)(html.match(/<script>\n([^]*)<\/script>/)[1]);
for (const [action, a, b] of JSON.parse(process.argv[3])) {
  if (action === "show") {
    elements.step.value = String(a);
    elements.step.fire("input");
    console.log(elements.label.textContent, JSON.stringify(painted));
  } else if (action === "play") {
    elements.play.fire("click");
    if (ticking) ticking();
    console.log(elements.play.textContent, elements.label.textContent);
  } else {
    elements.figure.fire("pointermove", { clientX: a + 5, clientY: b + 7 });
    console.log(elements.tip.hidden ? "nothing" : elements.tip.children.map(row =>
      row.children.filter(child => typeof child === "string").join("")).join("; "));
  }
}
]]

--- Opens a page in that browser and returns what it prints.
-- @tparam {table,...} actions such as { "show", 1 } or { "point", 100, 200 }
local function browsed(text, actions)
  local stem = os.tmpname()
  for ending, content in pairs { [".html"] = text, [".js"] = browser } do
    local file = assert(io.open(stem .. ending, "wb"))
    file:write(content)
    file:close()
  end
  local pipe = assert(io.popen(("node %s.js %s.html '%s' 2>&1"):format(stem, stem,
    json.text(actions))))
  local output = pipe:read("a")
  pipe:close()
  for _, ending in ipairs { "", ".html", ".js" } do os.remove(stem .. ending) end
  local lines = {}
  for line in output:gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

local function needs_node()
  luaunit.skipIf(not os.execute "command -v node > /dev/null", "node is not installed")
end

--- Returns the action of pointing to a share of the way across and down a panel.
local function point(panel, across, down)
  local box = panel.box
  return { "point", box[1] + across * (box[3] - box[1]), box[2] + down * (box[4] - box[2]) }
end

function tests.test_frames_are_painted_and_turned()
  needs_node()
  local text = animated { palette = "viridis", min = 0, max = 4, xlabels = { "a", "b" },
    zlabel = "attention", frames = {
      { label = "one", matrix = { { 0, 3 }, { nan, 4 } } },
      { label = "two", matrix = { { 1, 2 }, { 9, -1 } } },
    } }
  local panel = data_in(text).panel
  local lines = browsed(text, {
    { "show", 1 }, { "show", 0 }, point(panel, 0.9, 0.1), point(panel, 0.1, 0.9),
    { "point", 1, 1 }, { "play" }, { "play" },
  })
  local function painted(values)
    local bytes = {}
    for _, value in ipairs(values) do
      local colour = value == value and style.colour("viridis", value / 4) or style.missing
      for _, channel in ipairs(style.channels(colour)) do bytes[#bytes + 1] = channel end
      bytes[#bytes + 1] = 255
    end
    return json.text(bytes)
  end
  luaunit.assertEquals(lines, {
    "two " .. painted { 1, 2, 9, -1 }, "one " .. painted { 0, 3, nan, 4 },
    "row 1; column 2: b; attention 3", "row 2; column 1: a; attention no number", "nothing",
    "pause two", "play two",
  })
end

function tests.test_values_are_shown_where_the_pointer_is()
  needs_node()
  local text = written(function(path)
    plot.grid {
      plot.lines { xlabel = "step", series = {
        { name = "a", x = { 1, 2, 4 }, y = { { 1, 2, 3 }, { 1, 3, 5 } } },
        { name = "b", x = { 1, 4 }, y = { 5, 1 / 3 } },
      } },
      plot.scatter { x = { 1, 10, 100 }, y = { 1, 2, 3 }, xscale = "log", name = "tokens",
        labels = { "p", "q", "<r>" }, colour = { 7, 8, nan }, xlim = { 1, 100 }, ylim = { 1, 3 } },
      plot.contour { z = { { 1, 2, 3 }, { 4, 5, 6 } }, x = { 1, 2, 4 }, zlabel = "loss" },
    }:save(path)
  end)
  local panels = data_in(text).frames[1].panels
  luaunit.assertEquals(browsed(text, {
    point(panels[1], 0.3, 0.5), point(panels[1], 0.99, 0.5), point(panels[2], 0.5, 0.49),
    point(panels[2], 1, 0.01), point(panels[2], 0.25, 0.9), point(panels[3], 0.4, 0.1),
  }), {
    "step 2; a: 2.5 (1.79289 to 3.20711)", "step 4; a: 4 (2.58579 to 5.41421); b: 0.333333",
    "tokens; q; x 10; y 2; colour 8", "tokens; <r>; x 100; y 3; colour no number", "nothing",
    "x 2; y 2; loss 5",
  })
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "page", tests } })
