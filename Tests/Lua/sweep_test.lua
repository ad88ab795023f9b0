--- Sweeps in one process: points, results, what is refused. Several processes are tested by
-- SweepCommandTests.
local luaunit = require "luaunit"

local tests = {}

--- Calls a function with the path of a store that is not there yet, which is removed afterwards.
local function with_store(body)
  local path = os.tmpname()
  os.remove(path)
  path = path .. ".sqlite"
  local ok, problem = xpcall(body, debug.traceback, path)
  for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
  if not ok then error(problem, 0) end
end

local function assert_error(pattern, body, ...)
  local ok, message = pcall(body, ...)
  luaunit.assertFalse(ok)
  luaunit.assertStrContains(tostring(message), pattern)
end

--- A sweep whose points return what they are given.
local function sweep(path, options)
  options.name, options.store, options.progress = options.name or "test", path, false
  options.run = options.run or function() return {} end
  return mnemo.sweep(options)
end

--- One column of points.
local function column(points, name)
  local values = {}
  for i, point in ipairs(points) do values[i] = point[name] end
  return values
end

function tests.test_points_come_in_the_order_of_the_grid()
  with_store(function(path)
    local order = {}
    local points = sweep(path, {
      grid = { b = { 2, 1 }, a = { "x", "y" } }, seeds = 2,
      run = function(point)
        order[#order + 1] = ("%s%d%d"):format(point.a, point.b, point.seed)
        return { sum = point.b + point.seed, list = { 1, point.b } }
      end,
    })
    luaunit.assertEquals(column(sweep(path, { name = "later", seeds = 2, first_seed = 7 }), "seed"),
      { 7, 8 })
    luaunit.assertEquals(order, { "x21", "x22", "x11", "x12", "y21", "y22", "y11", "y12" })
    luaunit.assertEquals(column(points, "sum"), { 3, 4, 2, 3, 3, 4, 2, 3 })
    luaunit.assertEquals(points[1],
      { a = "x", b = 2, seed = 1, sum = 3, list = { 1, 2 }, state = "done" })
    luaunit.assertEquals(mnemo.store(path):results "test", points)
  end)
end

function tests.test_nothing_is_measured_twice()
  with_store(function(path)
    local calls = 0
    local function run(count)
      local points = {}
      for x = 1, count do points[x] = { x = x } end
      return sweep(path, {
        points = points,
        run = function(point)
          calls = calls + 1
          return { y = point.x ^ 2, nothing = 0 / 0, much = math.huge }
        end,
      })
    end
    run(2)
    luaunit.assertEquals(calls, 2)
    local points = run(3)
    luaunit.assertEquals(calls, 3)
    luaunit.assertEquals(column(points, "y"), { 1.0, 4.0, 9.0 })
    luaunit.assertTrue(points[1].nothing ~= points[1].nothing)
    luaunit.assertEquals(points[1].much, math.huge)
    assert_error("the points have changed (point 3 was {\"x\":3})", run, 2)
  end)
end

function tests.test_options_of_the_command_line()
  with_store(function(path)
    local calls = 0
    local function run(x, options)
      return sweep(path, {
        points = { { x = x } }, options = options,
        run = function()
          calls = calls + 1
          if calls == 1 then error "no luck" end
          return { call = calls }
        end,
      })
    end
    luaunit.assertEquals(run(1, {})[1].state, "failed")
    luaunit.assertEquals(run(1, { retry = true, steps = 3 })[1].call, 2)
    assert_error("the points have changed", run, 2, {})
    luaunit.assertEquals(run(2, { overwrite = true })[1].call, 3)
    luaunit.assertEquals(#mnemo.store(path):results "test", 1)
    assert_error("bad option 'options' to 'sweep' (table expected, got boolean)", run, 2, true)
  end)
end

function tests.test_a_point_that_raises_is_recorded()
  with_store(function(path)
    local calls = 0
    local function run(retry)
      return sweep(path, {
        grid = { x = { 1, 2, 3 } }, retry = retry,
        run = function(point)
          calls = calls + 1
          if point.x == 2 and calls < 5 then error("no luck", 0) end
          return {}
        end,
      })
    end
    local points = run()
    luaunit.assertEquals(column(points, "state"), { "done", "failed", "done" })
    luaunit.assertStrContains(points[2].error, "no luck")
    run()
    luaunit.assertEquals(calls, 3)
    luaunit.assertEquals(run(true)[2].state, "failed")
    points = run(true)
    luaunit.assertEquals(points[2].state, "done")
    luaunit.assertNil(points[2].error)
    luaunit.assertEquals(calls, 5)
  end)
end

function tests.test_an_error_can_end_the_sweep()
  with_store(function(path)
    local calls = 0
    local function run(retry)
      return sweep(path, {
        grid = { x = { 1, 2, 3 } }, stop_on_error = true, retry = retry,
        run = function(point)
          calls = calls + 1
          if point.x == 2 and calls < 3 then error("no luck", 0) end
          return {}
        end,
      })
    end
    assert_error("no luck", run)
    luaunit.assertEquals(column(mnemo.store(path):results "test", "state"),
      { "done", "failed", "open" })
    assert_error("no luck; retry = true tries it again", run)
    luaunit.assertEquals(mnemo.store(path):results("test")[2].error, "no luck")
    luaunit.assertEquals(calls, 2)
    luaunit.assertEquals(column(run(true), "state"), { "done", "done", "done" })
  end)
end

function tests.test_training_inside_writes_into_the_store()
  with_store(function(path)
    local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
    sweep(path, {
      grid = { lr = { 0.1, 0.2 } },
      run = function(point)
        local vocab = task.vocab_size
        local run = mnemo.train {
          model = mnemo.model.simplified { vocab = vocab, dim = 8, max_len = 16, seed = 1 },
          data = task, steps = 2, batch_size = 2, optimizer = mnemo.optim.sgd { lr = point.lr },
        }
        return { loss = run:series("loss")[2] }
      end,
    })
    local store = mnemo.store(path)
    local runs = store:runs { sweep = "test" }
    luaunit.assertEquals(column(runs, "position"), { 1, 2 })
    luaunit.assertEquals(runs[2].last.loss, store:results("test")[2].loss)
    luaunit.assertEquals(store:sweeps()[1].done, 2)
    local rows = store:sql(
      "SELECT position, json_extract(parameters, '$.lr') AS lr FROM sweep_results")
    luaunit.assertEquals(rows[2], { position = 2, lr = 0.2 })
  end)
end

function tests.test_results_while_it_runs_and_sweeps_in_sweeps()
  with_store(function(path)
    local seen = {}
    sweep(path, {
      grid = { x = { 1, 2 } },
      run = function(point)
        seen[point.x] = column(mnemo.store(path):results "test", "state")
        local inner = sweep(path, { name = "inner" .. point.x, grid = { z = { 5 } } })
        return { z = inner[1].z }
      end,
    })
    luaunit.assertEquals(seen, { { "running", "open" }, { "done", "running" } })
    luaunit.assertEquals(#mnemo.store(path):sweeps(), 3)
  end)
end

function tests.test_two_sweeps_on_one_store_at_once()
  with_store(function(path)
    local process = io.popen "readlink /proc/$PPID/exe"
    local command, script = process:read "l", path .. ".lua"
    process:close()
    local file = io.open(script, "w")
    file:write([[
      local xs = {}
      for x = 1, 20 do xs[x] = x end
      local points = mnemo.sweep { name = arg[1], grid = { x = xs }, store = arg[2],
        progress = false, run = function(point) return { y = arg[1] .. point.x } end }
      print(#points, points[20].y)
    ]])
    file:close()
    local pipe = io.popen(("'%s' '%s' a '%s' & '%s' '%s' b '%s'; wait"):format(command, script,
      path, command, script, path))
    local lines = {}
    for line in pipe:lines() do lines[#lines + 1] = line end
    pipe:close()
    os.remove(script)
    table.sort(lines)
    luaunit.assertEquals(lines, { "20\ta20", "20\tb20" })
  end)
end

function tests.test_bad_points()
  local function refused(message, options)
    with_store(function(path) assert_error(message, sweep, path, options) end)
  end
  refused("sweep: grid, points or seeds expected", {})
  refused("sweep: grid or points expected, not both", { grid = { x = { 1 } }, points = {} })
  refused("x has no values, so there are no points", { grid = { x = {} } })
  refused("it is empty, so there are no points", { grid = {} })
  refused("the list is empty, so there are no points", { points = {} })
  refused("the list is empty, so there are no points", { grid = { x = { 1 } }, seeds = {} })
  refused("grid.f[2]: a function cannot be written as JSON", { grid = { f = { 1, print } } })
  refused("grid.x[1]: nan cannot be written as JSON", { grid = { x = { 0 / 0 } } })
  refused("points[1].t: a Tensor", { points = { { t = mnemo.zeros(1) } } })
  refused("points 1 and 2 are the same, {\"x\":1}", { grid = { x = { 1, 1 } } })
  refused("a parameter cannot be called 'error'", { grid = { error = { 1 } } })
  refused("x: list of values expected, got number", { grid = { x = 3 } })
  refused("[1]: table expected, got number", { points = { 3 } })
  refused("bad option 'seeds' to 'sweep' (1 to 1000000", { grid = { x = { 1 } }, seeds = 0 })
  refused("sweep: more than 1000000 points", { grid = { x = { 1, 2 } }, seeds = 1000000 })
  refused("bad option 'first_seed' to 'sweep' (integer expected, got a",
    { grid = { x = { 1 } }, seeds = 2, first_seed = "a" })
  refused("bad option 'first_seed' to 'sweep' (it belongs to a number of seeds",
    { grid = { x = { 1 } }, seeds = { 3 }, first_seed = 2 })
  refused("the points have a seed already", { grid = { seed = { 1 } }, seeds = 2 })
  refused("bad option 'workers' to 'sweep' (1 to 1024", { grid = { x = { 1 } }, workers = 0 })
  refused("unknown option 'gird'; did you mean 'grid'?", { gird = {} })
  refused("bad option 'run' to 'sweep' (function expected, got number)",
    { grid = { x = { 1 } }, run = 3 })
  refused("task and tasks belong together", { grid = { x = { 1 } }, task = 1 })
  refused("task 3 of 2", { grid = { x = { 1 } }, task = 3, tasks = 2 })
end

function tests.test_bad_results()
  local function refused(message, result)
    with_store(function(path)
      local function run() return result end
      assert_error(message, sweep, path, { grid = { x = { 1 } }, run = run })
      -- The point is given back.
      luaunit.assertEquals(mnemo.store(path):results("test")[1].state, "open")
    end)
  end
  refused("run must return a table with names, got number", 3)
  refused("run must return a table with names, got nothing", nil)
  refused("run must return a table with names, got a list", { 1, 2 })
  refused("run returns 'x', which is a parameter", { x = 2 })
  refused("run returns 'state'", { state = 2 })
  refused("result of run.loss: a Tensor", { loss = mnemo.zeros(1) })
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "sweep", tests } })
