-- E18  What holds everywhere drowns what the context says, and truncation brings it back
--
-- One trigger q is followed by an output o that is drawn for each sequence, or, with probability α,
-- by a noise token τ that is the same in all of them. Where q comes again two answers are right so
-- far as the loss can tell: τ, which is global and needs no context, and o, which has to be looked
-- up. The simplified transformer with an MLP in both layers is trained on the second and later
-- occurrences of q. Then it is asked in clean sequences (α = 0), whole and with layer 1's MLP cut
-- down: of its input matrix the largest share ρ of the singular values is kept, at ρ = 0 none.
--
-- What should be seen: the feed-forwards know τ within a dozen steps (P(τ) is .58 by step 12);
-- attention finds o later, between steps 100 and 200. At the end both are about as likely, P(τ)
-- near .51 and P(o) near .47, and which of them is the larger swings from step to step. With ρ = .1
-- and less the answer is o in .95 to .99: the MLP held τ, and attention o. It is layer 1's MLP
-- alone: cutting down layer 0's, which attention reads through, makes it τ in .8 to .9.
--
-- After Chen, Bruna, Bietti 2024, "Distributional Associations vs In-Context Reasoning".
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Truncates the feed-forward of a model that learned from noisy answers (E18).",
  sweep = true,
  quick = { seeds = 1, batch = 64, steps = 250 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03, seeds = 1 },
  { "dim", 128, "width of the model", min = 1 },
  { "seq_len", 64, "tokens in a sequence", min = 2 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "noise", 0.5, "probability α of τ in training", min = 0, max = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 400, "training steps", min = 1 },
  { "seeds", 3, "runs", min = 1 },
  { "seed", 1, "first seed of data and initial weights" },
  { "out", "runs/noisy_recall", "folder for results", type = "folder" },
}
local shares = { 1, 0.5, 0.1, 0.05, 0.01, 0 }

-- The data ---------------------------------------------------------------------------------

-- The language with one symbol more, τ, which only noise writes; after it a sequence begins anew.
local language = mnemo.corpus.shakespeare()
local letters = language.vocab_size
local tau = letters + 1
local bigram = mnemo.zeros(tau, tau)
bigram:narrow(1, 1, letters):narrow(2, 1, letters):copy_(language.bigram)
local corpus = mnemo.corpus.counts {
  unigram = mnemo.cat({ language.unigram, mnemo.zeros(1) }), bigram = bigram,
}

--- Returns the task with some noise. Outputs are letters other than the trigger: such a sequence
-- would repeat it to its end.
local function noisy_task(noise, seed)
  return mnemo.data.bigram {
    corpus = corpus, triggers = 1, outputs_range = { 1, letters }, no_repeat = true,
    noise_token = tau, noise_prob = noise, seq_len = options.seq_len, seed = seed,
  }
end

-- Training ---------------------------------------------------------------------------------

--- Returns a function from a model to what it answers where the trigger comes again in clean
-- sequences: measurements of P(τ), of P(o), and of how often o is the likeliest.
local function asked(seed)
  local batch = noisy_task(0, seed):held_out(256)
  local mask = batch.occurrence:ge(2)
  local outputs = batch.targets:masked_select(mask)
  local rows = mnemo.arange(1, batch.tokens:size(1)):reshape(-1, 1):expand(mask:shape())
  local sequences = rows:masked_select(mask)
  return function(model)
    local p = mnemo.no_grad(function() return model(batch.tokens, mask):softmax(2) end)
    return {
      tau = mnemo.stats.share(p:select(2, tau), sequences),
      o = mnemo.stats.share(p:gather(2, outputs:reshape(-1, 1)):reshape(-1), sequences),
      right = mnemo.stats.share(p:argmax(2):eq(outputs), sequences),
    }
  end
end

--- Returns by how much the logit of τ exceeds all others where a layer's feed-forward reads the
-- trigger's embedding alone, W_U F(E[q]).
local function margin(model, layer, trigger)
  local function weight(name) return model:get(name .. ".weight"):detach() end
  local at = ("layers.%d.ff."):format(layer)
  local hidden = weight(at .. "w1"):matmul(weight("tok_embeddings")[trigger]):relu()
  local logits = weight("output"):matmul(weight(at .. "w2"):matmul(hidden))
  return (logits[tau] - logits:narrow(1, 1, letters):max()):item()
end

--- Trains a model and asks it; `layer0[i]` has the answers for the i-th share of layer 0's MLP.
local function trained(seed)
  local task, ask = noisy_task(options.noise, seed), asked(seed)
  local trigger = task.triggers[1]:item()
  local model = mnemo.model.simplified {
    vocab = tau, dim = options.dim, max_len = options.seq_len, ffn = { "mlp", "mlp" }, seed = seed,
  }
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    loss_on = "repeats", eval_every = math.max(1, options.steps // 50),
    dir = ("%s/seed_%d"):format(options.out, seed),
    probes = {
      p = function(ctx)
        local answers = ask(ctx.model)
        return { tau = answers.tau.mean, o = answers.o.mean }
      end,
      margin0 = function(ctx) return margin(ctx.model, 0, trigger) end,
      margin1 = function(ctx) return margin(ctx.model, 1, trigger) end,
    },
  }
  local one = { history = run.history, layer0 = {}, layer1 = {} }
  for layer = 0, 1 do
    local name = ("layers.%d.ff.w1.weight"):format(layer)
    for i, share in ipairs(shares) do
      local energy = model:truncate { names = name, share = share }
      local answers = ask(model)
      answers.energy = energy[name]
      one["layer" .. layer][i] = answers
    end
    model:restore()
  end
  return one
end

local runs = mnemo.sweep {
  name = "noisy_recall", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  seeds = options.seeds, first_seed = options.seed,
  run = function(point) return trained(point.seed) end,
}

-- The tables -------------------------------------------------------------------------------

--- Returns a column of each run for the i-th share of a layer's MLP.
local function measured(layer, i, column)
  local values = {}
  for j, run in ipairs(runs) do values[j] = run["layer" .. layer][i][column] end
  return values
end

--- Returns the mean over seeds of one answer for the i-th share of a layer's MLP.
local function answered(layer, i, column)
  return mnemo.stats.over_seeds(measured(layer, i, column))
end

--- Returns the first step of each run at which a column has reached half of its due.
local function first_steps(column, due)
  local steps = {}
  for j, run in ipairs(runs) do
    steps[j] = mnemo.runs.first_step(run, column, function(value) return value >= due / 2 end)
      or 0 / 0
  end
  return steps
end

for _, layer in ipairs { 1, 0 } do
  local rows = { { "ρ", "energy", "P(τ)", "P(o)", "o likeliest" } }
  for i, share in ipairs(shares) do
    rows[i + 1] = { share, mnemo.stats.text(mnemo.stats.of(measured(layer, i, "energy"))) }
    for _, column in ipairs { "tau", "o", "right" } do
      table.insert(rows[i + 1], mnemo.stats.text(answered(layer, i, column)))
    end
  end
  print(("%sAnswers where the trigger comes again, of 256 clean sequences, with the share ρ of\n"
    .. "the singular values of layer %d's MLP, after %d steps, over %d seed(s):\n"):format(
    layer == 1 and "" or "\n", layer, options.steps, options.seeds))
  print(mnemo.runs.columns(rows))
end

-- The figure -------------------------------------------------------------------------------

local steps = mnemo.runs.series(runs, "step")[1]

--- Draws answers for each share of a layer's MLP. A logarithmic axis has no 0: ranks are raised by
-- one.
local function over_shares(layer)
  local function curve(name, column)
    local values = {}
    for i in ipairs(shares) do
      values[i] = {}
      for j, answer in ipairs(measured(layer, i, column)) do values[i][j] = answer.mean end
    end
    return { name = name, y = mnemo.runs.transposed(values), style = "linespoints" }
  end
  local ranks = {}
  for i, share in ipairs(shares) do ranks[i] = 1 + math.ceil(share * options.dim - 1e-9) end
  return mnemo.plot.lines {
    title = ("layer %d's MLP truncated"):format(layer), x = ranks, xscale = "log",
    series = { curve("P(τ)", "tau"), curve("P(o)", "o"), curve("o likeliest", "right") },
    xlabel = "1 + singular values kept", ylabel = "share of answers", ylim = { 0, 1.02 },
    legend = "below",
  }
end

--- Draws columns of the histories over the steps.
local function over_steps(title, ylabel, ylim, names)
  local series = {}
  for i, one in ipairs(names) do
    series[i] = { name = one[2], y = mnemo.runs.series(runs, one[1]) }
  end
  return mnemo.plot.lines {
    title = title, x = steps, series = series, xlabel = "step", ylabel = ylabel, ylim = ylim,
    legend = "below",
  }
end

mnemo.plot.grid({
  over_steps("probabilities in clean sequences", "probability", { 0, 1.02 },
    { { "p.tau", "P(τ)" }, { "p.o", "P(o)" } }),
  over_shares(1),
  over_steps("τ over the best other, W_U F(E[q])", "margin", nil,
    { { "margin0", "layer 0's MLP" }, { "margin1", "layer 1's MLP" } }),
  over_shares(0),
}, { title = "Noise that the feed-forward learned", width = 900, height = 800 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Tells whether every run knows both: whole it gives τ more often than one of all symbols, and
-- without layer 1's MLP it gives o at least half as often as training did.
local function have_learned()
  for _, run in ipairs(runs) do
    local whole, dropped = run.layer1[1], run.layer1[#shares]
    if mnemo.stats.compare(whole.tau, 1 / tau, 0.999) ~= "more"
      or mnemo.stats.compare(dropped.o, (1 - options.noise) / 2) ~= "more" then
      return false
    end
  end
  return true
end

--- Says how an answer's share changes from the whole model to one whose MLP is dropped: seed by
-- seed, and of one seed by the errors over sequences.
local function change(layer, column)
  local whole, dropped = answered(layer, 1, column), answered(layer, #shares, column)
  local sign
  if #runs == 1 then
    sign = mnemo.stats.compare(dropped, whole)
  else
    local differences, before = {}, measured(layer, 1, column)
    for j, after in ipairs(measured(layer, #shares, column)) do
      differences[j] = after.mean - before[j].mean
    end
    sign = mnemo.stats.compare(mnemo.stats.of(differences), 0)
  end
  return ("%s from %.3f to %.3f"):format(
    sign == "more" and "rises" or sign == "less" and "falls" or "is not seen to change,",
    whole.mean, dropped.mean)
end

print()
if have_learned() then
  local of_tau = first_steps("p.tau", options.noise)
  local of_o = first_steps("p.o", 1 - options.noise)
  local earlier = 0
  for j in ipairs(runs) do if of_tau[j] < of_o[j] then earlier = earlier + 1 end end
  print(("P(τ) reaches α/2 at step %s, P(o) reaches (1 − α)/2 at step %s;\nτ comes first in %d of "
    .. "%d runs."):format(mnemo.stats.text(mnemo.stats.of(of_tau), 0),
    mnemo.stats.text(mnemo.stats.of(of_o), 0), earlier, #runs))
  for _, layer in ipairs { 1, 0 } do
    print(("Without layer %d's MLP P(τ) %s\nand P(o) %s; o is the likeliest in %.3f of the places, "
      .. "before in %.3f."):format(layer, change(layer, "tau"), change(layer, "o"),
      answered(layer, #shares, "right").mean, answered(layer, 1, "right").mean))
  end
else
  print(("Nothing can be said about truncation: not every run has learned both τ and o; P(τ) is\n"
    .. "%s, and P(o) without layer 1's MLP is %s."):format(
    mnemo.stats.text(answered(1, 1, "tau")), mnemo.stats.text(answered(1, #shares, "o"))))
end
print("Results are in " .. options.out)
