-- E1  The birth of an induction head
--
-- In each sequence five trigger characters are always followed by an output drawn for that
-- sequence. Whoever has seen a trigger once can answer the next time: look back to the token
-- after the trigger's earlier occurrence, and copy it. Two layers of attention can do it, with
-- three associative memories:
--
--   W_K⁰  finds the previous position, so that each token learns what came before it (wk0),
--   W_K¹  finds the token that came after the current one (wk1),
--   W_O¹  writes that token into the prediction (wo1).
--
-- These names, the paper's, count layers from 0: W_K⁰ is in the first layer, the others in the
-- second.
--
-- Where an output is its own trigger the sequence repeats it to the end, and whoever repeats what
-- it reads is right there. What is concluded is concluded from the rest of the answers, on
-- sequences that training has not seen (acc_rest).
--
-- What should be seen: acc_rest leaves the level of chance within the first 100 steps and ends near
-- 0.98. Recall of wk1 comes first, a choice among five triggers, then that of wo1, a choice among
-- all characters, and last wk0, at small positions first (wk0_64: the first 64). In one unit for
-- all three, the cosine of a matrix's change with the sum of outer products that it should hold,
-- the order is from the top down: W_O¹, W_K¹, W_K⁰. In the figure, the first layer looks at the
-- previous token, the second at the token after the trigger's earlier occurrence.
--
-- W_K⁰ stays incomplete, yet answers are right: where the second layer looks, which is mostly early
-- in the sequence, the first layer does look at the token before (the last lines tell how often).
-- On sequences twice as long (acc_long) fewer are: training has met none of the positions there.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", §4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains the simplified transformer until an induction head is born (E1).",
  quick = { seq_len = 64, batch = 128, steps = 200 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03 },
  { "dim", 128, "width of the model", min = 1 },
  { "seq_len", 128, "tokens in a sequence", min = 2 },
  { "batch", 256, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 400, "training steps", min = 1 },
  { "seeds", 1, "how many runs; curves get a band if there are several", min = 1 },
  { "seed", 1, "the first seed of data and initial weights" },
  { "out", "runs/induction_head", "folder for results", type = "folder" },
}

-- What to follow -------------------------------------------------------------------------------

local corpus = mnemo.corpus.shakespeare()
local chance = 1 / corpus.vocab_size -- outputs are drawn uniformly

--- Returns the task with a seed, and sequences of a length.
local function bigrams(seed, length)
  return mnemo.data.bigram {
    corpus = corpus, triggers = 5, trigger_kind = "fixed", outputs = "uniform", seq_len = length,
    seed = seed,
  }
end

--- Returns a new model with a seed for sequences up to a length.
local function transformer(seed, length)
  return mnemo.model.simplified {
    vocab = corpus.vocab_size, dim = options.dim, max_len = length, seed = seed,
  }
end

--- Returns mean and error over sequences of the hits at which a 0/1 vector is 1.
local function share(answers, where)
  return mnemo.stats.share(answers.hits, answers.sequences, where)
end

--- Returns the probes of a run: accuracies, recalls, and of each memory the cosine of its matrix's
-- change with Σ v uᵀ, what it should hold; 0 as long as nothing has changed.
local function followed(task, model)
  local probes = mnemo.probes.induction(task)
  local metrics = mnemo.probes.batch_metrics(task)
  probes.acc_tot, probes.acc_end = metrics.acc_tot, metrics.acc_end
  probes.acc_rest = metrics.acc_end_test_rest
  for name, cosine in pairs(mnemo.probes.change_cosines(task, model)) do
    probes["cos_" .. name:match "change_(.*)"] = function(ctx)
      local value = cosine(ctx)
      return value == value and value or 0
    end
  end
  return probes
end

-- Training ---------------------------------------------------------------------------------

local columns = {
  "loss", "acc_end", "acc_rest", "wk0", "wk0_64", "wk1", "wo1", "cos_wk0", "cos_wk1", "cos_wo1",
}

--- Prints a record as a line, before the first one their head.
local function print_record(record)
  if record.step == 0 then
    print("  step" .. ("%9s"):rep(#columns):format(table.unpack(columns)))
  end
  local cells = { ("%6d"):format(record.step) }
  for _, name in ipairs(columns) do cells[#cells + 1] = ("%9.3f"):format(record[name]) end
  print(table.concat(cells))
end

-- The start of a sequence that training has not seen; more tokens would be too small to read.
local shown = { length = math.min(options.seq_len, 24), frames = {} }

--- Keeps where the second layer of the first run looks in that sequence.
local function keep_frame(record, run)
  local attention = mnemo.no_grad(function() return run.model:attention(shown.tokens, 2) end)
  table.insert(shown.frames, { label = "step " .. record.step, matrix = attention[1][1] })
end

local tasks, runs = {}, {}
for s = 1, options.seeds do
  local seed = options.seed + s - 1
  tasks[s] = bigrams(seed, options.seq_len)
  local model = transformer(seed, options.seq_len)
  if s == 1 then
    local batch = tasks[s]:held_out(1)
    shown.tokens = batch.tokens:narrow(2, 1, shown.length)
    shown.occurrence = batch.occurrence:narrow(2, 1, shown.length)
  end
  if options.seeds > 1 then print(("seed %d"):format(seed)) end
  runs[s] = mnemo.train {
    model = model, data = tasks[s], steps = options.steps, batch_size = options.batch,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    loss_on = "repeats", eval_every = 10, probes = followed(tasks[s], model),
    dir = options.out .. (options.seeds > 1 and "/seed-" .. seed or ""),
    overwrite = options.overwrite,
    on_record = function(record, run)
      print_record(record)
      if s == 1 then keep_frame(record, run) end
    end,
  }
end

-- The figure -------------------------------------------------------------------------------

--- Draws columns of the histories over the steps: of several seeds their mean, with a band.
local function curves(title, ylabel, names)
  local series = {}
  for i, name in ipairs(names) do
    series[i] = { name = name, y = mnemo.runs.series(runs, name) }
  end
  return mnemo.plot.lines {
    title = title, x = runs[1]:series("step"), series = series, xlabel = "step", ylabel = ylabel,
    ylim = { 0, 1.02 }, legend = "below",
  }
end

--- Draws where one layer looks in that sequence.
local function attention_map(layer)
  return mnemo.plot.attention {
    title = ("attention of layer %d"):format(layer), model = runs[1].model, layer = layer,
    tokens = shown.tokens, occurrence = shown.occurrence, corpus = corpus,
  }
end

mnemo.plot.grid({
  mnemo.plot.grid({
    curves("accuracy on outputs", "accuracy", { "acc_rest", "acc_end", "acc_tot" }),
    curves("recall", "recall", { "wk1", "wo1", "wk0_64", "wk0" }),
    curves("change along what is stored", "cosine", { "cos_wo1", "cos_wk1", "cos_wk0" }),
  }, { columns = 3 }),
  mnemo.plot.grid { attention_map(1), attention_map(2) },
}, {
  title = "The birth of an induction head"
    .. (options.seeds == 1 and " (one seed, so without a band)" or ""),
  columns = 1, width = 900, height = 860, heights = { 0.8, 1 },
}):save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")
  :save(options.out .. "/figure.html")

local symbols = {}
for i, id in ipairs(shown.tokens[1]:totable()) do symbols[i] = corpus.symbols[id] end
mnemo.plot.animate {
  title = "attention of layer 2 over training", frames = shown.frames, min = 0, max = 1,
  xlabels = symbols, ylabels = symbols, xlabel = "key", ylabel = "query",
  path = options.out .. "/attention.html",
}

-- The verdict, from these runs' numbers ----------------------------------------------------

--- Returns the accuracies off the self-loops on sequences of twice training's length: on all, and
-- in their second half. The positions there are as they were drawn, unknown to every matrix.
local function on_longer(model, seed)
  local length = 2 * options.seq_len
  local long, task = transformer(seed, length), bigrams(seed, length)
  local state = model:parameters()
  state.pe = long:get "pe"
  long:load_state(state)
  local batch, answers = task:held_out(512), mnemo.probes.answers(long, task)
  local places = mnemo.arange(1, length):expand(512, length)
  local second = places:masked_select(batch.occurrence:ge(2)):gt(options.seq_len)
  local rest = answers.own:eq(0)
  return share(answers, rest), share(answers, rest * second)
end

--- Returns what held-out answers say of a model: the accuracy on self-loops, on the rest, and on
-- the rest by the number of earlier occurrences; that on longer sequences; how often the first
-- layer looks most at the token before, everywhere and where the second layer looks most; and how
-- early that is.
local function measurements(model, task, seed)
  local long, beyond = on_longer(model, seed)
  local batch, answers = task:held_out(512), mnemo.probes.answers(model, task)
  local asked, rest = batch.occurrence:ge(2), answers.own:eq(0)
  local earlier = batch.occurrence:masked_select(asked):tensor() - 1
  local first = model:attention(batch.tokens, 1):select(2, 1):argmax(3):tensor() -- [B, T]
  local second = model:attention(batch.tokens, 2):select(2, 1):argmax(3)
  local before = first:eq(mnemo.arange(1, options.seq_len) - 1)
  local there = before:gather(2, second):masked_select(asked)
  local is_early = second:le(options.seq_len // 2):masked_select(asked)
  return {
    share(answers, answers.own), share(answers, rest), share(answers, rest * earlier:eq(1)),
    share(answers, rest * earlier:eq(2)), share(answers, rest * earlier:ge(3)), long, beyond,
    mnemo.stats.of(before:narrow(2, 2, options.seq_len - 1):mean(2):totable()),
    mnemo.stats.share(there, answers.sequences),
    share({ hits = there, sequences = answers.sequences }, rest),
    share({ hits = is_early, sequences = answers.sequences }, rest),
    own = answers.own:mean():item(),
  }
end

local labels = {
  "accuracy on self-loops", "accuracy on the rest", "  with one earlier occurrence",
  "  with two", "  with more",
  "  on sequences twice as long (acc_long)", "    in their second half",
  "layer 1 looks at the token before",
  "  where layer 2 looks (score_cond_acc)", "  where it looks from the rest",
  "layer 2 looks at the first half, from the rest",
}

--- Returns the mean of the i-th measurement over seeds.
local function measured(found, i)
  local values = {}
  for s, of in ipairs(found) do values[s] = of[i] end
  return mnemo.stats.over_seeds(values)
end

local found = {}
for s, run in ipairs(runs) do
  found[s] = mnemo.no_grad(function()
    return measurements(run.model, tasks[s], options.seed + s - 1)
  end)
end
local rows = { { "repeated triggers of held-out sequences", "share" } }
for i, label in ipairs(labels) do
  rows[i + 1] = { label, mnemo.stats.text(measured(found, i)) }
end
print(("\nAfter %d steps, with standard errors over %s; %.0f %% are self-loops:"):format(
  options.steps, options.seeds > 1 and options.seeds .. " seeds" or "the sequences of one seed",
  100 * found[1].own))
print(mnemo.runs.columns(rows))

--- Returns the step at which each run first measured a column of at least a value; nil if one
-- never did.
local function steps_to(name, least)
  local steps = {}
  for i, run in ipairs(runs) do
    steps[i] = mnemo.runs.first_step(run, name, function(value) return value >= least end)
    if not steps[i] then return nil end
  end
  return steps
end

--- Tells whether the second of two lists of steps is later: in the one run, or in the mean of
-- several by more than the error.
local function later(first, second)
  local differences = {}
  for i in ipairs(first) do differences[i] = second[i] - first[i] end
  if #differences == 1 then return differences[1] > 0 end
  return mnemo.stats.compare(mnemo.stats.of(differences), 0) == "more"
end

--- Writes the order in which columns reached a value.
local function order(names, least)
  local reached, missing, text = {}, {}, ""
  for _, name in ipairs(names) do
    local steps = steps_to(name, least)
    if steps then
      table.insert(reached, { name = name, steps = steps, mean = mnemo.runs.summary(steps) })
    else
      table.insert(missing, name)
    end
  end
  table.sort(reached, function(a, b) return a.mean < b.mean end)
  for i, this in ipairs(reached) do
    local joint = i == 1 and "" or later(reached[i - 1].steps, this.steps) and ", then "
      or ", not told apart from it "
    text = ("%s%s%s (step %s)"):format(text, joint, this.name,
      mnemo.stats.text(mnemo.stats.of(this.steps), 0))
  end
  if #missing == 0 then return text end
  return ("%s%s%s not reached"):format(text, text == "" and "" or "; ",
    table.concat(missing, ", "))
end

local rest = measured(found, 2)
local is_there = mnemo.stats.compare(rest, 0.9) == "more"
if is_there or mnemo.stats.compare(rest, 0.5) == "more" then
  print(("\nThe induction head is %s: accuracy off the self-loops is %s; chance is %.3f."):format(
    is_there and "there" or "half-grown", mnemo.stats.text(rest), chance))
  print("Recall of 0.9: " .. order({ "wk1", "wo1", "wk0_64" }, 0.9) .. ".")
  print("Cosine of 0.2: " .. order({ "cos_wo1", "cos_wk1", "cos_wk0" }, 0.2) .. ".")
else
  print(("\nNothing can be said about the order of the memories: there is no induction head.\n"
    .. "Accuracy off the self-loops is %s; chance is %.3f."):format(mnemo.stats.text(rest), chance))
end
print("Results are in " .. options.out)
