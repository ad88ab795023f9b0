--- What probes, measurements and runs say when they are given something else.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

local task = mnemo.data.bigram { seq_len = 8, triggers = 2, seed = 1 }
local simplified = mnemo.model.simplified { vocab = task.vocab_size, dim = 4, max_len = 8 }
local transformer = mnemo.model.transformer { vocab = 5, dim = 4, heads = 2, max_len = 8 }
local custom = mnemo.data.custom {
  vocab = 3, seq_len = 2, sample = function() return { 1, 2, 3 } end,
}
local E, W = mnemo.ones(5, 4), mnemo.ones(4, 4)

--- Asserts what calls of functions say, each at its own line of this file.
local function assert_errors(calls)
  for message, call in pairs(calls) do
    local line = debug.getinfo(call, "S").linedefined
    local done, found = pcall(call)
    luaunit.assertFalse(done, message)
    luaunit.assertEquals(found:gsub("^.*probe_errors_test.lua:", ""), line .. ": " .. message)
  end
end

function tests.test_arguments_that_are_missing_or_of_another_kind()
  local probes = mnemo.probes
  assert_errors {
    ["bad argument #1 to 'probes.induction' (Task expected, got nil)"] =
      function() probes.induction() end,
    ["bad argument #1 to 'probes.induction' (Task expected, got Model)"] =
      function() probes.induction(simplified) end,
    ["bad argument #1 to 'probes.induction_memories' (Model expected, got Task)"] =
      function() probes.induction_memories(task, simplified) end,
    ["bad argument #2 to 'probes.induction_memories' (Task expected, got nil)"] =
      function() probes.induction_memories(simplified) end,
    ["bad argument #2 to 'probes.change_cosines' (Model expected, got nil)"] =
      function() probes.change_cosines(task) end,
    ["bad argument #1 to 'probes.feed_forward_kl' (Task expected, got nil)"] =
      function() probes.feed_forward_kl() end,
    ["bad argument #1 to 'probes.feed_forward_kl' (a task with a corpus expected)"] =
      function() probes.feed_forward_kl(custom) end,
    ["bad argument #1 to 'probes.batch_metrics' (Task expected, got nil)"] =
      function() probes.batch_metrics() end,
    ["bad option 'long' to 'probes.batch_metrics' (Task expected, got number)"] =
      function() probes.batch_metrics(task, { long = 3 }) end,
    ["bad option 'others.ood' to 'probes.batch_metrics' (Task expected, got string)"] =
      function() probes.batch_metrics(task, { others = { ood = "x" } }) end,
    ["bad option 'held_out' to 'probes.answers' (number expected, got string)"] =
      function() probes.answers(simplified, task, { held_out = "x" }) end,
    ["bad argument #2 to 'probes.answers' (Task expected, got nil)"] =
      function() probes.answers(simplified) end,
    ["bad argument #1 to 'probes.head_scores' (Model expected, got nil)"] =
      function() probes.head_scores() end,
    ["bad argument #2 to 'probes.head_scores' (IntTensor or table expected, got nil)"] =
      function() probes.head_scores(simplified) end,
    ["bad argument #2 to 'probes.head_scores' (shape [B, T] expected, got [3])"] =
      function() probes.head_scores(simplified, { 1, 2, 3 }) end,
    ["bad argument #1 to 'probes.norms' (Model expected, got number)"] =
      function() probes.norms(3) end,
    ["bad argument #1 to 'probes.recall' (Tensor expected, got number)"] =
      function() probes.recall(1, 2, 3) end,
    ["bad argument #3 to 'probes.recall' (Tensor expected, got nil)"] =
      function() probes.recall(W, E) end,
    ["bad argument #2 to 'probes.cosine' (Tensor expected, got string)"] =
      function() probes.cosine(W, "x") end,
    ["bad argument #5 to 'probes.decompose' (number expected, got Tensor)"] =
      function() probes.decompose(W, W, E, E, E) end,
  }
end

function tests.test_probes_take_a_context()
  local wk0 = mnemo.probes.induction(task).wk0
  local acc_end = mnemo.probes.batch_metrics(task).acc_end
  assert_errors {
    ["bad argument #1 to 'wk0' (ProbeContext or table expected, got Model)"] =
      function() local _ = wk0(simplified) end,
    ["bad argument #1 to 'acc_end' (ProbeContext or table expected, got nil)"] =
      function() local _ = acc_end() end,
  }
end

function tests.test_shapes_that_do_not_fit()
  local probes = mnemo.probes
  assert_errors {
    ["bad argument #1 to 'probes.recall' (shape [d_out, d_in] expected, got [4])"] =
      function() probes.recall(W[1], E, E) end,
    ["bad argument #2 to 'probes.recall' (shape [n, 4] expected, got [5, 3])"] =
      function() probes.recall(W, mnemo.ones(5, 3), E) end,
    ["bad argument #4 to 'probes.recall' (shape [5] expected, got [4])"] =
      function() probes.recall(W, E, E, W[1]) end,
    ["bad argument #2 to 'probes.agreement' (shape [4, 4] expected, got [5, 4])"] =
      function() probes.agreement(W, E, E, E) end,
    ["bad argument #2 to 'probes.cosine' (shape [4, 4] expected, got [4])"] =
      function() probes.cosine(W, W[1]) end,
    ["bad argument #4 to 'probes.decompose' (shape [m, 4] expected, got [4, 5])"] =
      function() probes.decompose(W, W, E, E:t()) end,
  }
end

function tests.test_models_with_query_matrices()
  for _, name in ipairs { "induction_memories", "change_cosines" } do
    local done, message = pcall(function()
      local given = name == "change_cosines" and { task, transformer } or { transformer, task }
      local found = mnemo.probes[name](table.unpack(given))
      return found
    end)
    luaunit.assertFalse(done)
    luaunit.assertStrMatches(message,
      ".*probe_errors_test.lua:%d+: probes." .. name .. " needs the simplified transformer.*")
  end
end

function tests.test_runs()
  local runs, one = mnemo.runs, { history = { { step = 0, loss = 2 }, { step = 10, loss = 1 } } }
  assert_errors {
    ["bad argument #1 to 'runs.series' (list of Run expected, got one run)"] =
      function() runs.series(one, "loss") end,
    ["bad argument #1 to 'runs.series' (list of Run expected, got nil)"] =
      function() runs.series() end,
    ["bad argument #2 to 'runs.series' (run 1: no column 'los'; there are loss, step; "
      .. "did you mean 'loss'?)"] = function() runs.series({ one }, "los") end,
    ["bad argument #2 to 'runs.last' (run 1: no column 'acc'; there are loss, step)"] =
      function() runs.last({ one }, "acc") end,
    ["bad argument #1 to 'runs.last' (run 2: Run expected, got number)"] =
      function() runs.last({ one, 3 }, "loss") end,
    ["bad argument #1 to 'runs.last' (run 1: the run has measured nothing)"] =
      function() runs.last({ { history = {} } }, "loss") end,
    ["bad argument #1 to 'runs.first_step' (Run expected, got nil)"] =
      function() runs.first_step(nil, "loss", print) end,
    ["bad argument #3 to 'runs.first_step' (function expected, got nil)"] =
      function() runs.first_step(one, "loss") end,
    ["bad argument #1 to 'runs.spread' (list of number expected, got number)"] =
      function() runs.spread(3) end,
    ["bad argument #1 to 'runs.summary' ([2]: number expected, got string)"] =
      function() runs.summary { 1, "x" } end,
    ["bad argument #1 to 'runs.columns' (table expected, got nil)"] =
      function() runs.columns() end,
  }
end

function tests.test_a_run_is_no_list_of_runs()
  local run = mnemo.train {
    model = simplified, data = task, steps = 1, batch_size = 2, progress = false,
    optimizer = mnemo.optim.sgd { lr = 0.1 },
  }
  assert_errors {
    ["bad argument #1 to 'runs.series' (list of Run expected, got Run)"] =
      function() mnemo.runs.series(run, "loss") end,
  }
end

function tests.test_measurements()
  local stats = mnemo.stats
  assert_errors {
    ["bad argument #1 to 'stats.of' (list of number expected, got nil)"] =
      function() stats.of() end,
    ["bad argument #1 to 'stats.share' (Tensor expected, got table)"] =
      function() stats.share({ 1 }, W) end,
    ["bad argument #2 to 'stats.share' (shape [4] expected, got [3])"] =
      function() stats.share(W[1], mnemo.int_tensor { 1, 1, 2 }) end,
    ["bad argument #2 to 'stats.compare' (measurement or number expected, got nil)"] =
      function() stats.compare(3) end,
    ["bad argument #1 to 'stats.text' (measurement or number expected, got a table without mean)"] =
      function() stats.text {} end,
    ["bad argument #1 to 'stats.text' (table expected, got number)"] =
      function() stats.text(3) end,
  }
end

-- Without triggers of its own, a task's wk1 is about all tokens.
function tests.test_tasks_without_triggers()
  local model = mnemo.model.simplified { vocab = 3, dim = 4, max_len = 2 }
  luaunit.assertNil(custom.triggers)
  local wk1 = mnemo.probes.induction_memories(model, custom).wk1
  luaunit.assertEquals(wk1.inputs:shape(), { 3, 4 })
  luaunit.assertTrue(mnemo.probes.induction(custom).wk1 { model = model } >= 0)
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "probe errors", tests } })
