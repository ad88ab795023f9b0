-- The points of a sweep, from a grid or a list, as texts by which the store knows them.
local engine = require "mnemo.sweep.engine"
local expect = require "mnemo.text.expect"

--- Refuses a part of the points.
local function refuse(option, reason, ...)
  expect.fail("bad option '%s' to 'sweep' (%s)", option, reason:format(...))
end

--- Checks that a value can be written as JSON.
local function json(value, path)
  local text, sentence = engine.json(value, path)
  if not text then expect.fail("%s", "sweep: " .. sentence) end
  return text
end

--- Returns the axes of a grid: a name and its values each, in order.
local function axes(grid)
  expect.option("grid", "sweep", grid, "table")
  local names, all = {}, {}
  for name in pairs(grid) do
    if type(name) ~= "string" then
      refuse("grid", "names as keys expected, got a %s", type(name))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = grid[name]
    if type(values) ~= "table" then
      refuse("grid", "%s: list of values expected, got %s", name, expect.kind(values))
    end
    if #values == 0 then refuse("grid", "%s has no values, so there are no points", name) end
    for i, value in ipairs(values) do json(value, ("grid.%s[%d]"):format(name, i)) end
    all[#all + 1] = { name, values }
  end
  if #all == 0 then refuse("grid", "it is empty, so there are no points") end
  return all
end

--- Returns a copy of a point with one value more.
local function with(point, name, value)
  local more = {}
  for key, known in pairs(point) do more[key] = known end
  more[name] = value
  return more
end

-- A sweep of more points would not end, and a slip in a number makes one.
local most_points = 1000000

--- Returns each point with each value of one more parameter.
local function crossed(points, name, values)
  if #points * #values > most_points then
    expect.fail("sweep: more than %d points", most_points)
  end
  local all = {}
  for _, point in ipairs(points) do
    for _, value in ipairs(values) do all[#all + 1] = with(point, name, value) end
  end
  return all
end

--- Returns the list of seeds.
local function list_of(seeds, first)
  local count = math.tointeger(seeds)
  if type(seeds) == "number" then
    if not count or count < 1 or count > 1e6 then
      refuse("seeds", "1 to 1000000, or a list of seeds, expected, got %s", seeds)
    end
    seeds = {}
    for i = 1, count do seeds[i] = first + i - 1 end
  end
  expect.option("seeds", "sweep", seeds, "table")
  if #seeds == 0 then refuse("seeds", "the list is empty, so there are no points") end
  for i, seed in ipairs(seeds) do
    if not math.tointeger(seed) then refuse("seeds", "[%d]: integer expected, got %s", i, seed) end
  end
  return seeds
end

--- Returns the first seed, where only their number is given.
local function first_seed(options)
  if options.first_seed == nil then return 1 end
  local first = math.tointeger(options.first_seed)
  if not first then
    refuse("first_seed", "integer expected, got %s", tostring(options.first_seed))
  elseif type(options.seeds) ~= "number" then
    refuse("first_seed", "it belongs to a number of seeds")
  end
  return first
end

--- Returns the points that were given as a list.
local function listed(points)
  expect.option("points", "sweep", points, "table")
  for i, point in ipairs(points) do
    if type(point) ~= "table" then
      refuse("points", "[%d]: table expected, got %s", i, expect.kind(point))
    end
    for name in pairs(point) do
      if type(name) ~= "string" then
        refuse("points", "[%d]: names as keys expected, got a %s", i, type(name))
      end
    end
  end
  if #points == 0 then refuse("points", "the list is empty, so there are no points") end
  return points
end

--- Returns the points of a sweep in their order.
-- @tparam table options those of `mnemo.sweep`: grid or points, seeds and first_seed
-- @treturn {string,...} each point's parameters as JSON
return function(options)
  if options.grid ~= nil and options.points ~= nil then
    expect.fail "sweep: grid or points expected, not both"
  elseif options.grid == nil and options.points == nil and options.seeds == nil then
    expect.fail "sweep: grid, points or seeds expected"
  end
  local points = options.points and listed(options.points) or { {} }
  for _, axis in ipairs(options.grid and axes(options.grid) or {}) do
    points = crossed(points, axis[1], axis[2])
  end
  if options.seeds ~= nil then
    for _, point in ipairs(points) do
      if point.seed ~= nil then refuse("seeds", "the points have a seed already") end
    end
    points = crossed(points, "seed", list_of(options.seeds, first_seed(options)))
  end
  local texts, places = {}, {}
  for i, point in ipairs(points) do
    local name = point.state ~= nil and "state" or point.error ~= nil and "error"
    if name then
      expect.fail("sweep: a parameter cannot be called '%s', which points have besides", name)
    end
    local text = next(point) == nil and "{}" or json(point, ("points[%d]"):format(i))
    if places[text] then
      expect.fail("sweep: points %d and %d are the same, %s", places[text], i, text)
    end
    texts[i], places[text] = text, i
  end
  return texts
end
