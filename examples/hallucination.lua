-- E17  Why a plausible answer comes before the right one
--
-- A model is asked for facts: a subject s and a relation r stand somewhere among noise tokens, and
-- one of relation r's D answers is right. The model is linear attention on one-hot embeddings,
-- logits Vᵀ Σ_t (x_Tᵀ A x_t) x_t, both matrices 10⁻⁵ at first, and plain gradient descent trains
-- it. Facts are structured: of each relation, subject s has answer ⌊s D/S⌋, counted from 0.
--
-- What should be seen: three stages. First nothing is known, and the loss is log A for A = R D
-- answers. Then the relation is: the mass on its answers goes to 1, and what the model says follows
-- p(a|r), a plausible answer whoever is asked about. Accuracy is 1/D, and the loss rests at log D
-- for more than a thousand steps. Only then come the facts. With the learning rate 0.1 the
-- relation-only loss, −log of the mass on the relation's answers, is below 0.1 at step 1920; the
-- loss stays near log D = 2.08 to step 3700, and is below 0.1 at step 4992.
--
-- Theory: as long as little is known, attention to a token and what it adds to the logits grow as
-- exp(η λ t), λ = P(token) ‖P(answer | token) − P(answer)‖. Of a relation that is √((R − 1)/A)/R,
-- of a subject √((D − 1)/A)/S: their ratio says which comes first.
--
-- After Nichani, Lee, Bietti 2024, "Understanding Factual Recall in Transformers via Associative
-- Memories", Figure 5.
local mnemo = require "mnemo"
local stats = mnemo.stats

local options = require "mnemo.arguments" {
  about = "Trains linear attention on facts and shows the stage of plausible answers (E17).",
  sweep = true,
  quick = { lr = 0.4, batch = 256, steps = 2048 },
  full = { seeds = 20 },
  { "subjects", 16, "subjects S", min = 1 },
  { "relations", 4, "relations R", min = 2 },
  { "answers", 8, "answers D of each relation", min = 2 },
  { "noise", 20, "noise tokens", min = 1 },
  { "seq_len", 32, "tokens in a sequence T", min = 3 },
  { "batch", 1024, "sequences in a step", min = 1 },
  { "lr", 0.1, "learning rate", min = 0 },
  { "steps", 8192, "training steps", min = 1 },
  { "seeds", 5, "runs, with data of their own", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/hallucination", "folder for results", type = "folder" },
}
local S, R, D = options.subjects, options.relations, options.answers
local level = math.log(D)

-- Training -------------------------------------------------------------------------------------

--- Asks a model for ten facts. Returns the step, a table of what it says, how often that is one of
-- the relation's answers, and how often it is right.
local function ask(model, step, task)
  local batch, plausible, right = task:held_out(10), 0, 0
  local p = model(batch.tokens):softmax(2)
  local said = p:argmax(2)
  local function name(class)
    return ("relation %d, answer %d"):format((class - 1) // D + 1, (class - 1) % D + 1)
  end
  local rows = { { "asked", "said", "with p", "right", "with p", "on p(a|r)" } }
  for i = 1, 10 do
    local r, answer, target = batch.relations[i]:item(), said[i]:item(), batch.targets[i]:item()
    local known = task:explain { batch.subjects[i]:item(), S + r }
    plausible = plausible + ((answer - 1) // D + 1 == r and 1 or 0)
    right = right + (answer == target and 1 or 0)
    rows[i + 1] = { table.concat(known, ", "), name(answer), ("%.3f"):format(p[i][answer]:item()),
      name(target), ("%.3f"):format(p[i][target]:item()),
      ("%.3f"):format(p[i]:narrow(1, (r - 1) * D + 1, D):sum():item()) }
  end
  return { step = step, rows = rows, plausible = plausible, right = right }
end

--- Trains a model; what it says is from the middle of the time when it knows the relation and not
-- the facts, if there is one.
local function train(seed)
  local task = mnemo.data.factual {
    subjects = S, relations = R, answers = D, noise = options.noise,
    seq_len = options.seq_len, structured = true, seed = seed,
  }
  local model = mnemo.model.factual {
    vocab = task.vocab_size, answers = task.classes, attention = "linear",
  }
  local between = {}
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch,
    optimizer = mnemo.optim.sgd { lr = options.lr }, probes = mnemo.probes.factual(task),
    eval_every = math.max(1, options.steps // 128),
    on_record = function(record)
      if record.loss_relation < 0.1 and record.loss > 0.95 * level then
        between[#between + 1] = { step = record.step, model = model:clone() }
      end
    end,
  }
  local middle = between[(#between + 1) // 2]
  return {
    history = run.history, said = middle and ask(middle.model, middle.step, task),
  }
end

local runs = mnemo.sweep {
  name = "hallucination", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  seeds = options.seeds, first_seed = options.seed,
  run = function(point) return train(point.seed) end,
}

-- When it happens --------------------------------------------------------------------------------

local function is_low(loss) return loss < 0.1 end
local function is_level(loss) return math.abs(loss - level) < 0.03 end

--- Returns the last measured step at which the loss is level; nil if it still is at the end.
local function leaves_level(run)
  local last
  for _, record in ipairs(run.history) do
    if is_level(record.loss) then last = record.step end
  end
  return last ~= run.history[#run.history].step and last or nil
end

--- Returns the first step of a column that fulfils a condition, for a run.
local function first_step(name, condition)
  return function(run) return mnemo.runs.first_step(run, name, condition) end
end

local crossings = {
  { "relation-only loss below 0.1", first_step("loss_relation", is_low) },
  { "loss within 0.03 of log D, from", first_step("loss", is_level) },
  { "loss within 0.03 of log D, to", leaves_level },
  { "accuracy 0.99", first_step("acc", function(acc) return acc >= 0.99 end) },
  { "loss below 0.1", first_step("loss", is_low) },
}
local are_crossed = true
local rows = { { "crossing", "step" } }
for i, crossing in ipairs(crossings) do
  local steps = {}
  for _, run in ipairs(runs) do steps[#steps + 1] = crossing[2](run) end
  local by_all = #steps == options.seeds
  crossing.steps, crossing.mean, are_crossed = steps, stats.of(steps), are_crossed and by_all
  rows[i + 1] = { crossing[1], by_all and stats.text(crossing.mean, 0)
    or ("in %d of %d runs"):format(#steps, options.seeds) }
end
print(("%d facts, log A = %.3f, log D = %.3f; learning rate %g, %d seed(s):\n\n%s"):format(
  S * R, math.log(R * D), level, options.lr, options.seeds,
  mnemo.runs.columns(rows)))

--- Returns the step at which theory has the right answers of a token stand out by a logit of 1:
-- with equal weights w at first the logits are apart by w² exp(2 η λ t) g/(4 ‖…‖), where g is how
-- far their probabilities are apart, given the token.
-- @tparam number share the probability of the token
-- @tparam integer right how many answers go with it
local function expected(share, right)
  local norm = math.sqrt(1 / right - 1 / (R * D))
  return math.log(4 * right * norm / 1e-5 ^ 2) / (2 * options.lr * share * norm)
end

rows = { { "a logit of 1 apart are", "in theory at step", "at step" } }
for _, one in ipairs {
  { "the relation's answers", expected(1 / R, D), "loss_relation", R },
  { "the subject's answers", expected(1 / S, R), "loss_subject", D },
} do
  local name, step, column, rivals = table.unpack(one)
  -- Then the mass on them is e/(e + rivals − 1).
  local found, limit = {}, math.log(1 + (rivals - 1) / math.exp(1))
  for _, run in ipairs(runs) do
    found[#found + 1] = first_step(column, function(loss) return loss < limit end)(run)
  end
  rows[#rows + 1] = { name, ("%.0f"):format(step), #found == options.seeds
    and stats.text(stats.of(found), 0) or ("in %d of %d runs"):format(#found, options.seeds) }
end
print("\n" .. mnemo.runs.columns(rows))

--- Returns the mean of a column at a record, over the seeds.
local function at(index, name)
  local values = {}
  for i, run in ipairs(runs) do values[i] = run.history[index][name] end
  return stats.of(values)
end

local columns = { "loss", "loss_relation", "loss_subject", "acc", "mass_relation" }
local first = runs[1]
local records = #first.history
rows = { { "step", "loss", "relation only", "subject only", "accuracy", "mass on p(a|r)" } }
for index = 1, records, math.max(1, records // 16) do
  local row = { first.history[index].step }
  for i, name in ipairs(columns) do row[i + 1] = stats.text(at(index, name)) end
  rows[#rows + 1] = row
end
print(("\nLosses in nats over the steps:\n\n%s"):format(mnemo.runs.columns(rows)))

-- The figure -----------------------------------------------------------------------------------

--- Draws columns over the steps, with the stages where all runs have them.
local function panel(ylabel, names, given)
  local series, ends = {}, { 0, crossings[1].mean.mean, crossings[3].mean.mean, options.steps }
  for i, column in ipairs(names) do
    series[i] = { name = column[1], y = mnemo.runs.series(runs, column[2]) }
  end
  given.x = mnemo.runs.series(runs, "step")[1]
  given.xlim, given.xlabel = { 0, options.steps }, "step"
  given.series, given.ylabel, given.legend, given.from_zero = series, ylabel, "below", true
  given.vspans = {}
  for i, name in ipairs(are_crossed and { "nothing known", "plausible answers", "facts" } or {}) do
    given.vspans[i] = { from = ends[i], to = ends[i + 1], name = name }
  end
  return mnemo.plot.lines(given)
end

mnemo.plot.grid({
  panel("loss in nats", {
    { "loss", "loss" }, { "relation only", "loss_relation" }, { "subject only", "loss_subject" },
  }, { hlines = { { at = level, name = "log D" }, { at = math.log(R * D), name = "log A" } } }),
  panel("share", { { "accuracy", "acc" }, { "mass on p(a|r)", "mass_relation" } },
    { hlines = { { at = 1 / D, name = "1/D" } } }),
}, { title = "A plausible answer comes before the right one", columns = 1, width = 800 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

local gaps = {}
for i, step in ipairs(crossings[5].steps) do gaps[i] = step - (crossings[1].steps[i] or step) end
local gap, said = stats.of(gaps), first.said
if are_crossed and said and stats.compare(gap, 0) == "more" then
  print(("\nTen facts asked for at step %d, seed %d:\n\n%s"):format(said.step, options.seed,
    mnemo.runs.columns(said.rows)))
  local index = math.tointeger(said.step / first.history[2].step) + 1
  local loss = at(index, "loss")
  print(("\nPlausible answers come first: the relation is known at step %s, the facts %s steps "
    .. "later."):format(stats.text(crossings[1].mean, 0), stats.text(gap, 0)))
  print(("Between, at step %d, the loss is %s, log D being %.3f, and accuracy %s, 1/D being %.3f.")
    :format(said.step, stats.text(loss), level, stats.text(at(index, "acc")), 1 / D))
  print(("Of ten answers then, %d are of the relation asked for, and %d right."):format(
    said.plausible, said.right))
elseif options.seeds > 1 and not said and #gaps == options.seeds
  and #crossings[1].steps == options.seeds then
  print "\nThere is no stage of plausible answers: subjects are known as soon as relations."
else
  print(("\nNothing can be said about what comes first: %d of %d runs know the relation, %d the "
    .. "facts."):format(#crossings[1].steps, options.seeds, #crossings[5].steps))
end
print("Results are in " .. options.out)
