--- Calls a function for each point of a grid, in as many processes as are wanted, and keeps what
-- it returns in a store, so that nothing is measured twice and nothing is lost:
--
--     local points = mnemo.sweep {
--       name = "rates",
--       grid = { lr = { 0.01, 0.1, 1 }, dim = { 16, 32 } }, seeds = 5,
--       run = function(point)
--         local run = train(point.lr, point.dim, point.seed)
--         return { loss = run:series("loss")[run.step] }
--       end,
--     }
--     for _, point in ipairs(points) do print(point.lr, point.dim, point.seed, point.loss) end
--
-- Whatever ends a sweep, the script started again goes on where it was; started while it runs,
-- here or in another process on this machine, it joins in.
local engine = require "mnemo.sweep.engine"
local expect = require "mnemo.text.expect"
local grid = require "mnemo.sweep.grid"
local mnemo = require "mnemo"
local share = require "mnemo.sweep.share"

local keys = {
  "name", "grid", "points", "seeds", "first_seed", "run", "store", "options", "workers", "retry",
  "force", "overwrite", "stop_on_error", "task", "tasks", "progress",
}

-- Whether a point is being measured: a sweep inside of one is this process's own affair.
local is_inside = false

--- The sweep that this process was started for by another one; nil if it was not.
local function sweep_of_worker()
  return not is_inside and os.getenv "MNEMO_SWEEP" or nil
end

--- Returns what the engine gives; a sentence in its place is an error of the caller's.
local function wanted(value, sentence)
  if value == nil then expect.fail("%s", sentence) end
  return value
end

--- Returns the options with what mnemo.arguments read in place of what is not given.
local function with_arguments(options)
  expect.keys(options, keys, "sweep")
  expect.option("options", "sweep", options.options, "table", "nil")
  local all = {}
  for _, name in ipairs { "workers", "retry", "force", "overwrite" } do
    all[name] = (options.options or {})[name]
  end
  for name, value in pairs(options) do all[name] = value end
  all.retry_words = options.options and "--retry" or "retry = true"
  return all
end

--- Checks the options that are not the points.
local function check(options)
  expect.option("name", "sweep", options.name, "string")
  expect.option("run", "sweep", options.run, "function")
  expect.option("store", "sweep", options.store, "string", "nil")
  for _, name in ipairs { "retry", "force", "overwrite", "stop_on_error", "progress" } do
    expect.option(name, "sweep", options[name], "boolean", "nil")
  end
  local workers = options.workers == nil and 1 or math.tointeger(options.workers)
  if not workers or workers < 1 or workers > 1024 then
    expect.fail("bad option 'workers' to 'sweep' (1 to 1024 expected, got %s)",
      tostring(options.workers))
  end
  return workers
end

--- Opens a sweep in a store, with a share of the points.
local function open(options, points, path, part)
  local texts, positions = {}, {}
  for position, text in ipairs(points) do
    if not part or (position - 1) % part.tasks + 1 == part.task then
      texts[#texts + 1], positions[#positions + 1] = text, position
    end
  end
  local worker = sweep_of_worker()
  return wanted(engine.open {
    store = path, name = options.name, points = texts, positions = positions,
    arguments = share.arguments(),
    force = options.force == true and not worker,
    overwrite = options.overwrite == true and not worker,
    retry = options.retry == true and not worker,
    progress = options.progress ~= false and not worker and not is_inside,
  })
end

--- Says on standard error how many points failed, and why the first did.
local function tell_failures(name, results, retry_words)
  local count, first = 0, nil
  for _, point in ipairs(results) do
    if point.state == "failed" then
      count, first = count + 1, first or point
    end
  end
  if count > 0 then
    io.stderr:write(("sweep '%s': %d of %d points failed, the first by: %s\n"
      .. "%s tries them again\n"):format(name, count, #results, first.error, retry_words))
  end
end

--- Raises the error of the first point that failed, if there is one.
local function raise_failure(results, hint)
  for _, point in ipairs(results) do
    if point.state == "failed" then error(point.error .. hint, 0) end
  end
end

--- Works on a sweep until nothing of it is left, or a point failed and that is to end it.
local function work(options, points, path, part, workers)
  local session <close> = open(options, points, path, part)
  if options.stop_on_error then
    raise_failure(session:results(), ("; %s tries it again"):format(options.retry_words))
  end
  if sweep_of_worker() then
    engine.threads(tonumber(os.getenv "MNEMO_SWEEP_THREADS") or 1)
  elseif not is_inside then
    wanted(session:start(math.min(workers, #points) - 1))
  end
  local outer = is_inside
  local _ <close> = setmetatable({}, { __close = function() is_inside = outer end })
  is_inside = true
  repeat
    local what = wanted(session:work(options.run))
  until what == "done" or what == "failed" and options.stop_on_error
  local results = session:results()
  if options.stop_on_error then raise_failure(results, "") end
  return results
end

--- The results of a whole sweep that a store holds already; nil if there is none.
local function finished(options, points, path)
  local file = io.open(path, "rb")
  if not file then return nil end
  file:close()
  local ok, results = pcall(function() return mnemo.store(path):results(options.name) end)
  if not ok or #results ~= #points then return nil end
  for _, point in ipairs(results) do
    if point.state ~= "done" and point.state ~= "failed" then return nil end
  end
  return results
end

--- Calls a function for each point of a grid and returns what came of them. Points are taken from a
-- store, one at a time, by every process that works on the sweep; one whose process died is taken
-- again, and one that raised an error is kept with it and not tried again. Ctrl-C gives the points
-- at hand back and ends the script with status 130. Inside run, mnemo.train writes into the same
-- store. With task and tasks, or in an array of Slurm's, the script works on its share of the
-- points alone, in a store of its own beside the other, and ends then; `mnemo runs merge` joins
-- them. docs/runs.md shows all of it.
-- @function sweep
-- @tparam string options.name the sweep's name in the store
-- @tparam[opt] table options.grid name to a list of values; every combination is a point, names in
-- alphabetical order, the last and then the seeds varying fastest; seeds alone will do
-- @tparam[opt] {table,...} options.points the points themselves, in place of a grid
-- @tparam[opt] integer|table options.seeds how many seeds, or a list; each point has then a `seed`
-- @tparam[opt=1] integer options.first_seed the first, where it says how many
-- @tparam function options.run from a point's parameters to a table with names: numbers, texts,
-- lists of them
-- @tparam[opt="runs/store.sqlite"] string options.store the file; made if it is not there
-- @tparam[opt] table options.options what mnemo.arguments read: its workers, retry, force and
-- overwrite hold where they are not given here
-- @tparam[opt=1] integer options.workers processes that work on it, this one among them; the others
-- run the same script, and the threads are shared out
-- @tparam[opt=false] boolean options.retry whether points that failed are tried again
-- @tparam[opt=false] boolean options.force whether to go on, with the results that there are,
-- although the script, its arguments, the points or mnemo are others than those that the sweep was
-- begun with
-- @tparam[opt=false] boolean options.overwrite whether to begin anew in that case, without them
-- @tparam[opt=false] boolean options.stop_on_error whether the first point that raises an error
-- ends the sweep with it
-- @tparam[opt] integer options.task which share of the points, 1 to tasks; else as --task says, or
-- SLURM_ARRAY_TASK_ID
-- @tparam[opt] integer options.tasks how many shares; else as --tasks says, or
-- SLURM_ARRAY_TASK_COUNT
-- @tparam[opt=true] boolean options.progress whether progress is told on standard error
-- @treturn {table,...} the points in the order of the grid: parameters, what run returned, state
-- ("done" or "failed") and error
-- @usage
-- local points = mnemo.sweep{name = "squares", grid = {x = {1, 2, 3}}, store = "squares.sqlite",
--   progress = false, run = function(point) return {y = point.x ^ 2} end}
-- for _, point in ipairs(points) do print(point.x, point.y) end
local function sweep(options)
  options = with_arguments(options)
  local workers = check(options)
  local points = grid(options)
  local part = not is_inside and share.part(options) or nil
  local path = options.store or "runs/store.sqlite"
  local name = sweep_of_worker()
  if name and name ~= options.name then
    -- A sweep before the one that this process was started for.
    return finished(options, points, path)
      or expect.fail("sweep: '%s' is not finished; it stands before '%s'", options.name, name)
  end
  if part and finished(options, points, path) then
    -- All shares are merged: what comes after the sweep is to be done.
    part = nil
  elseif part then
    path = share.path(path, part)
  end
  local results = work(options, points, path, part, workers)
  if name then os.exit(0) end
  tell_failures(options.name, results, options.retry_words)
  if part then
    io.stderr:write(("sweep '%s': task %d of %d has its %d points in %s\n"):format(options.name,
      part.task, part.tasks, #results, path))
    os.exit(0)
  end
  return results
end

return sweep
