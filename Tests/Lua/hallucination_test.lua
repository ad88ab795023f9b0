--- The stages of learning facts, against the published code's curve in Tests/Fixtures.
local mnemo = require "mnemo"
local lu = require "luaunit"

local here = arg[0]:match("^(.*)/[^/]*$") or "."

local tests = {}

local columns = { "step", "loss", "loss_relation", "loss_subject", "acc" }

--- Reads the published curve as records of a run.
local function published()
  local records, lines = {}, io.lines(here .. "/../Fixtures/hallucination_curve.csv")
  lu.assertEquals(lines(), "step,loss,relation_loss,subject_loss,accuracy")
  for line in lines do
    local record, place = {}, 0
    for number in line:gmatch "[^,]+" do
      place = place + 1
      record[columns[place]] = tonumber(number)
    end
    records[#records + 1] = record
  end
  return { history = records }
end

--- Trains linear attention as in the published experiment, E17.
local function trained()
  local task = mnemo.data.factual {
    subjects = 16, relations = 4, answers = 8, noise = 20, structured = true, seq_len = 32,
    seed = 1,
  }
  return mnemo.train {
    model = mnemo.model.factual {
      vocab = task.vocab_size, answers = task.classes, attention = "linear",
    },
    data = task, steps = 8192, batch_size = 1024, optimizer = mnemo.optim.sgd { lr = 0.1 },
    eval_every = 64, probes = mnemo.probes.factual(task), progress = false,
  }
end

function tests.test_a_run_goes_as_the_published_one()
  local run, reference = trained(), published()
  lu.assertEquals(#run.history, #reference.history)
  for i, expected in ipairs(reference.history) do
    local record = run.history[i]
    lu.assertEquals(record.step, expected.step)
    lu.assertAlmostEquals(record.loss, expected.loss, 0.005, "loss at step " .. record.step)
    lu.assertAlmostEquals(record.loss_relation, expected.loss_relation, 0.005)
    lu.assertAlmostEquals(record.loss_subject, expected.loss_subject, 0.005)
    -- Until losses are well below log D, chance decides which of like answers is the largest.
    if expected.loss < 1.9 then lu.assertEquals(record.acc, 1) end
  end
  local level = math.log(8)
  for name, crossing in pairs {
    known = { "loss_relation", function(loss) return loss < 0.1 end },
    level = { "loss", function(loss) return loss < level + 0.03 end },
    leaves = { "loss", function(loss) return loss < level - 0.03 end },
    facts = { "loss", function(loss) return loss < 0.1 end },
  } do
    local column, condition = table.unpack(crossing)
    local step = mnemo.runs.first_step(run, column, condition)
    local expected = mnemo.runs.first_step(reference, column, condition)
    lu.assertTrue(math.abs(step - expected) <= 64, ("%s: %d, %d"):format(name, step, expected))
  end
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "hallucination", tests } })
