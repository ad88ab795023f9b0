--- Stores of runs: what training writes into them, and what is read back.
local luaunit = require "luaunit"
local engine = require "mnemo.sweep.engine"

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

local task = mnemo.data.bigram { seq_len = 16, seed = 1 }

local function model()
  return mnemo.model.simplified { vocab = task.vocab_size, dim = 8, max_len = 16, seed = 1 }
end

--- Trains a small model.
local function train(options)
  options.model = options.model or model()
  options.data, options.batch_size, options.progress = task, 2, false
  options.steps, options.eval_every = options.steps or 4, options.eval_every or 2
  options.optimizer = options.optimizer or mnemo.optim.sgd { lr = 0.1 }
  return mnemo.train(options)
end

local function assert_error(pattern, body, ...)
  local ok, message = pcall(body, ...)
  luaunit.assertFalse(ok)
  luaunit.assertStrContains(tostring(message), pattern)
end

function tests.test_a_run_is_written_as_it_is_measured()
  with_store(function(path)
    local run = train {
      store = path,
      probes = { nothing = function() return 0 / 0 end, one = function() return 1 end },
    }
    local store = mnemo.store(path)
    local all = store:runs()
    luaunit.assertEquals(#all, 1)
    local found = all[1]
    luaunit.assertEquals({ found.id, found.state, found.step, found.version },
      { 1, "finished", 4, mnemo.version })
    luaunit.assertEquals(found.settings.optimizer.lr, 0.1)
    luaunit.assertEquals(found.settings.model.dim, 8)
    luaunit.assertEquals(found.last.loss, run:series("loss")[3])
    luaunit.assertTrue(found.last.nothing ~= found.last.nothing)
    luaunit.assertStrContains(found.script, "store_test.lua")
    luaunit.assertEquals(#found.script_hash, 64)
    local records = store:metrics(1)
    luaunit.assertEquals(mnemo.runs.series({ { history = records } }, "loss"),
      mnemo.runs.series({ run }, "loss"))
    luaunit.assertEquals(records[2].one, 1)
    luaunit.assertEquals(tostring(store), "Store " .. path)
  end)
end

function tests.test_a_run_that_goes_on_and_runs_side_by_side()
  with_store(function(path)
    local run = train { store = path }
    run:resume(2)
    local runs = train { store = path, model = { model(), model() } }
    local store = mnemo.store(path)
    luaunit.assertEquals(#store:runs(), 3)
    local steps = {}
    for i, record in ipairs(store:metrics(1)) do steps[i] = record.step end
    luaunit.assertEquals(steps, { 0, 2, 4, 6 })
    luaunit.assertEquals(store:runs({ id = 3 })[1].last.loss, runs[2]:series("loss")[3])
    luaunit.assertEquals(#store:runs { limit = 2 }, 2)
    luaunit.assertEquals(store:runs({ limit = 1 })[1].id, 3)
    luaunit.assertEquals(store:runs { state = "failed" }, {})
    luaunit.assertEquals(#store:runs { script = "store_test.lua" }, 3)
  end)
end

function tests.test_a_run_that_fails_says_so()
  with_store(function(path)
    pcall(train, { store = path, at = { [2] = function() error "enough" end } })
    local found = mnemo.store(path):runs()[1]
    luaunit.assertEquals({ found.state, found.step }, { "failed", 0 })
  end)
end

function tests.test_files_of_a_run_are_known()
  with_store(function(path)
    local folder = path .. ".run"
    train { store = path, dir = folder }
    local files = mnemo.store(path):artifacts(1)
    luaunit.assertEquals({ files[1].kind, files[2].kind }, { "history", "model" })
    luaunit.assertEquals(#files[2].hash, 64)
    local columns = mnemo.runs.collect({ folder }, { "loss", "step" })
    luaunit.assertEquals(columns.step, { 4 })
    for _, file in ipairs(files) do os.remove(file.path) end
    os.execute("rm -r " .. folder)
  end)
end

function tests.test_questions_in_sql()
  with_store(function(path)
    train { store = path }
    local store = mnemo.store(path)
    local rows, names = store:sql("SELECT step, name, ? AS x FROM metrics WHERE step > :least "
      .. "ORDER BY step", { 7, 0 })
    luaunit.assertEquals(names, { "step", "name", "x" })
    luaunit.assertEquals(rows,
      { { step = 2, name = "loss", x = 7 }, { step = 4, name = "loss", x = 7 } })
    luaunit.assertEquals(store:sql("SELECT :a AS a, NULL AS b", { a = "é" }), { { a = "é" } })
    assert_error("a query that reads is expected", store.sql, store, "DELETE FROM runs")
    assert_error("sql: near", store.sql, store, "nonsense")
    assert_error("cannot be written as JSON", store.sql, store, "SELECT ?", { print })
    luaunit.assertEquals(#store:runs(), 1)
  end)
end

function tests.test_export()
  with_store(function(path)
    train { store = path }
    local file = path .. ".csv"
    luaunit.assertEquals(mnemo.store(path):export(file), 3)
    local lines = {}
    for line in io.lines(file) do lines[#lines + 1] = line end
    os.remove(file)
    luaunit.assertEquals(lines[1], "run,step,name,value")
    luaunit.assertStrMatches(lines[4], "1,4,loss,%d+%.%d+")
    assert_error("ending in .csv or .jsonl", function() mnemo.store(path):export "x.txt" end)
  end)
end

function tests.test_columns_of_many_runs()
  with_store(function(path)
    for _, lr in ipairs { 0.1, 0.5 } do
      train { store = path, optimizer = mnemo.optim.sgd { lr = lr } }
    end
    local store = mnemo.store(path)
    local columns = mnemo.runs.collect(store, { "lr", "optimizer.lr", "loss", "last.loss", "id" })
    luaunit.assertEquals(columns.lr, { 0.1, 0.5 })
    luaunit.assertEquals(columns["optimizer.lr"], columns.lr)
    luaunit.assertEquals(columns["last.loss"], columns.loss)
    luaunit.assertEquals(columns.id, { 1, 2 })
    luaunit.assertEquals(mnemo.runs.collect(path, { "lr" }).lr, columns.lr)
    assert_error("unknown column 'los'; did you mean 'loss'?", mnemo.runs.collect, store, { "los" })
    assert_error("both model.kind and ", mnemo.runs.collect, store,
      { "kind" })
    assert_error("Store, path of one or list of folders expected, got number", mnemo.runs.collect,
      3, {})
    assert_error("'nowhere' has no history.jsonl", mnemo.runs.collect, { "nowhere" }, { "loss" })
    assert_error("there is no such file", mnemo.runs.collect, "nowhere.sqlite", { "loss" })
  end)
end

function tests.test_bad_stores()
  with_store(function(path)
    assert_error("there is no such file", mnemo.store, path)
    local file = io.open(path, "w")
    file:write(("no database "):rep(100))
    file:close()
    assert_error("is no store of runs: it is no SQLite file", mnemo.store, path)
    assert_error("is no store of runs: it is no SQLite file", train, { store = path })
  end)
  assert_error("has no run 9", function()
    with_store(function(path)
      train { store = path }
      mnemo.store(path):metrics(9)
    end)
  end)
  assert_error("bad option 'store' to 'train' (string expected, got number)", train, { store = 3 })
end

function tests.test_json()
  local function text(value)
    local written, sentence = engine.json(value, "x")
    return written or sentence
  end
  luaunit.assertEquals(text { b = { 1, 2.0, "é" }, a = true }, '{"a":true,"b":[1,2.0,"é"]}')
  luaunit.assertEquals(text { a = { 1, print } }, "x.a[2]: a function cannot be written as JSON")
  luaunit.assertEquals(text(0 / 0), "x: nan cannot be written as JSON")
  luaunit.assertEquals(text { [1] = 1, x = 2 },
    "x: a table that is no list and has the key 1 cannot be written as JSON")
  luaunit.assertEquals(text { mnemo.zeros(2) },
    "x[1]: a Tensor (item() and totable() give numbers) cannot be written as JSON")
  local endless = {}
  endless[1] = endless
  luaunit.assertStrContains(text(endless), "a table nested more than 50 deep")
  luaunit.assertEquals(engine.decode '{"a":[1,1e999,{}]}', { a = { 1, math.huge, {} } })
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "store", tests } })
