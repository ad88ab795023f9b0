-- E16  How many facts a model holds
--
-- One layer reads a subject and a relation among noise tokens and answers with the fact's answer,
-- one of D = 8 that its relation has. With S subjects and R relations there are S·R facts. It has
-- H heads of d_h dimensions, frozen random embeddings of width d, and an MLP of m hidden units.
--
--   facts   the largest S = R at which accuracy reaches 0.99, by bisection, for widths d with
--           H·d_h = α·d and m = β·d: facts grow in proportion to trained parameters
--   phase   accuracy at S = R = 32, d = 32 over heads and hidden units: attention with an MLP holds
--           the facts where H·d_h ≳ S + R and m·d ≳ S·R; attention alone where d ≳ R + D and
--           H·d_h ≳ S
--   noise   models that hold S = R = 16, by noise tokens and by the length T: the theorem says
--           that noise costs a logarithm only
--
-- What should be seen: at d = 16, with 3104 trained parameters, S = R = 16 passes and 18 does not.
-- What passes does so in some hundred steps; what does not rises ever more slowly, so training ends
-- on a plateau, and how long is waited there decides what counts as held. After 800 steps the
-- corners of the phase diagram are far apart: 0.40 with two heads, 0.45 without an MLP, 0.92 with
-- 128 hidden units. Large m does not make up for few heads.
--
-- After Nichani, Lee, Bietti 2024, "Understanding Factual Recall in Transformers via Associative
-- Memories", figure 4 and the theorems of section 4.
local mnemo = require "mnemo"
local stats = mnemo.stats

local options = require "mnemo.arguments" {
  about = "Measures how many facts a one-layer model holds (E16).",
  sweep = true,
  quick = { widest = 16, seeds = 3, steps = 500, phase_steps = 300, noise_steps = 256,
    noise = 256, batch = 256 },
  full = { widest = 64, steps = 2048, cells = 13, length = 256, noise_steps = 1024 },
  { "part", "all", "what is measured", choices = { "all", "facts", "phase", "noise" } },
  { "widest", 24, "largest width d, of 8, 12, 16, 24, 32, 48, 64, 96, 128", min = 8, max = 128 },
  { "alpha", 2, "α: the heads have α·d dimensions together", min = 1 },
  { "beta", 2, "β: the MLP has β·d hidden units", min = 0 },
  { "steps", 1536, "steps of a width's models at most", min = 1 },
  { "size", 32, "S = R of the phase diagram", min = 2 },
  { "cells", 5, "cells of the phase diagram, a side", min = 5, max = 13 },
  { "phase_steps", 800, "steps of its models at most", min = 1 },
  { "noise", 1024, "most noise tokens", min = 16 },
  { "length", 64, "longest sequences", min = 16 },
  { "noise_steps", 768, "steps of the models among noise at most", min = 1 },
  { "batch", 1024, "sequences in a step", min = 1 },
  { "lr", 0.01, "learning rate of AdamW", min = 0 },
  { "seeds", 5, "seeds of facts and models; the phase diagram has one", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/factual_capacity", "folder for results", type = "folder" },
}
local answers, held = 8, 0.99
local store = options.out .. "/sweep.sqlite"

-- Training -----------------------------------------------------------------------------------

--- Draws facts and a model for them.
-- @tparam integer size S = R
-- @tparam table sizes `dim`, `heads`, `head_dim`, `mlp_width`
-- @tparam[opt] table among `noise` and `seq_len`
local function drawn(size, seed, sizes, among)
  among = among or {}
  local task = mnemo.data.factual {
    subjects = size, relations = size, answers = answers, noise = among.noise,
    seq_len = among.seq_len, seed = seed,
  }
  return task, mnemo.model.factual {
    vocab = task.vocab_size, answers = task.classes, dim = sizes.dim, heads = sizes.heads,
    head_dim = sizes.head_dim, mlp_width = sizes.mlp_width, seed = seed,
  }
end

--- Trains a model until its accuracy reaches what counts as held.
-- @tparam integer every steps between two looks at it
-- @tparam boolean is_hasty whether to end, too, where accuracy stays where it is
-- @treturn table the last record: step and accuracy
local function train(task, model, steps, every, is_hasty)
  local run = mnemo.train {
    model = model, data = task, steps = steps, batch_size = options.batch,
    probes = { accuracy = mnemo.probes.factual(task, { held_out = 4096 }).acc_test },
    eval_every = every, optimizer = mnemo.optim.adamw { lr = options.lr, weight_decay = 0 },
    progress = false,
    stop = function(record, run)
      return record.accuracy >= held or is_hasty
        and mnemo.runs.on_plateau(run, "accuracy", { patience = 6, min_delta = 0.005 })
    end,
  }
  return run.history[#run.history]
end

local verdict, panels = {}, {}
local function say(text, ...) verdict[#verdict + 1] = text:format(...) end

local function tell(title, rows)
  print(title .. "\n\n" .. mnemo.runs.columns(rows) .. "\n")
end

--- Writes a slope with its interval, that of 95 cases in 100.
local function interval(fit)
  if not fit.error then return stats.text(fit, 2) end
  return ("%.2f ± %.2f"):format(fit.mean, stats.t_quantile(fit.freedom) * fit.error)
end

--- Says how measurements compare.
local function beside(a, b, more, less, alike)
  return ({ more = more, less = less })[stats.compare(a, b)] or alike
end

--- Fits a power law to each seed's numbers; returns the exponent with its error over seeds, and the
-- mean `factor`. NaN where there are too few numbers, or one is 0.
-- @tparam {number,...} x
-- @tparam {table,...} y a list for each x, by seed
local function slope(x, y)
  local slopes, factor = {}, 0
  for s = 1, options.seeds do
    local own = {}
    for i, values in ipairs(y) do own[i] = values[s] end
    if #x < 2 or math.min(table.unpack(own)) <= 0 then return { mean = 0 / 0 } end
    local fit = mnemo.memory.slope(x, own)
    slopes[s], factor = fit.mean, factor + math.log(fit.factor) / options.seeds
  end
  local fit = stats.of(slopes)
  fit.factor = math.exp(factor)
  return fit
end

-- Facts by parameters ------------------------------------------------------------------------

local function sizes_of(d)
  return { dim = d, heads = 8, head_dim = math.max(1, options.alpha * d // 8),
    mlp_width = options.beta * d }
end

local function parameters_of(d)
  local _, model = drawn(1, 1, sizes_of(d))
  local count = 0
  for _, name in ipairs(model:trainable()) do count = count + model:get(name):numel() end
  return count
end

--- Finds the largest S = R that a model of some width holds, which is not far from the width.
local function capacity(d, seed)
  return mnemo.memory.capacity {
    low = 0, high = 8 * d, near = d, tolerance = 0.03, seeds = { seed },
    holds = function(n)
      if n == 0 then return true end
      local task, model = drawn(n, seed, sizes_of(d))
      return train(task, model, options.steps, 64, true).accuracy >= held
    end,
  }.values[1]
end

local function measure_facts()
  local widths = {}
  for _, d in ipairs { 8, 12, 16, 24, 32, 48, 64, 96, 128 } do
    if d <= options.widest then widths[#widths + 1] = d end
  end
  local points = mnemo.sweep {
    name = "factual_capacity facts", store = store, options = options, stop_on_error = true,
    grid = { dim = widths }, seeds = options.seeds, first_seed = options.seed,
    run = function(point) return { side = capacity(point.dim, point.seed) } end,
  }
  local x, y, sides = {}, {}, {}
  local rows = { { "d", "parameters", "S = R", "facts", "a parameter" } }
  for i, d in ipairs(widths) do
    local found, facts = mnemo.runs.where(points, { dim = d }, "side"), {}
    for s, side in ipairs(found) do facts[s] = side ^ 2 end
    x[i], y[i], sides[i] = parameters_of(d), facts, stats.of(found)
    rows[i + 1] = { d, x[i], stats.text(sides[i], 1), stats.text(stats.of(facts), 0),
      ("%.3f"):format(stats.of(facts).mean / x[i]) }
  end
  tell(("Facts held by width, H·d_h = %d d, m = %d d, over %d seed(s):"):format(options.alpha,
    options.beta, options.seeds), rows)

  local fit = slope(x, y)
  local curves = {
    { name = "facts held", x = x, y = mnemo.runs.transposed(y), style = "linespoints" },
    { name = "a twelfth of a fact a parameter", x = x, y = mnemo.tensor(x) / 12,
      style = "reference" },
  }
  if #x < 3 or stats.compare(fit, 0) ~= "more" then
    say("Nothing can be said about facts by parameters: %d width(s), %d seed(s), S = R = %s at the "
      .. "largest.", #x, options.seeds, stats.text(sides[#sides], 1))
  else
    say("Facts grow as parameters^(%s): %s.", interval(fit), beside(fit, 1,
      "more than in proportion, by more than the error",
      "less than in proportion, by more than the error",
      "in proportion, as 1 is within the interval"))
    local y_fit = {}
    for i, count in ipairs(x) do y_fit[i] = fit.factor * count ^ fit.mean end
    curves[3] = { name = ("fit, parameters^(%s)"):format(interval(fit)), x = x, y = y_fit,
      style = "reference" }
  end
  panels[#panels + 1] = mnemo.plot.lines {
    title = "facts held", xlabel = "trained parameters", ylabel = "facts S·R", xscale = "log",
    yscale = "log", series = curves, legend = "below",
  }
end

-- The phase diagram --------------------------------------------------------------------------

local all_heads = { 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24 }
local all_hidden = { 0, 4, 8, 12, 16, 24, 32, 48, 64, 80, 96, 112, 128 }

--- Returns as many of thirteen as the diagram has cells: the first, the middle and the last, and
-- others at like distances.
local function thinned(all)
  local some = {}
  for i = 1, options.cells do
    some[i] = all[1 + math.floor((i - 1) * 12 / (options.cells - 1) + 0.5)]
  end
  return some
end

--- Counts the numbers of a list that are below a bound.
local function below(list, bound)
  local count = 0
  for _, value in ipairs(list) do count = count + (value < bound and 1 or 0) end
  return count
end

local function measure_phase()
  local size, d, d_h = options.size, 32, 8
  local heads, hidden = thinned(all_heads), thinned(all_hidden)
  local points = mnemo.sweep {
    name = "factual_capacity phase", store = store, options = options, stop_on_error = true,
    grid = { heads = heads, mlp_width = hidden }, seeds = { options.seed },
    run = function(point)
      local task, model = drawn(size, point.seed,
        { dim = d, heads = point.heads, head_dim = d_h, mlp_width = point.mlp_width })
      return { accuracy = train(task, model, options.phase_steps, 64, true).accuracy }
    end,
  }
  local columns, groups, alone = {}, { {}, {}, {}, {} }, 0
  for j, H in ipairs(heads) do columns[j] = mnemo.runs.where(points, { heads = H }, "accuracy") end
  for _, point in ipairs(points) do
    local H, m = point.heads, point.mlp_width
    if m > 0 then
      local group = 1 + (H * d_h < 2 * size and 1 or 0) + (m * d < size * size and 2 or 0)
      table.insert(groups[group], point.accuracy)
    else
      alone = math.max(alone, point.accuracy)
    end
  end
  local matrix, names, heads_text = {}, {}, {}
  local head, rows = { "m \\ H" }, {}
  for j, H in ipairs(heads) do heads_text[j], head[j + 1] = tostring(H), H end
  for i = #hidden, 1, -1 do
    local row = { hidden[i] }
    matrix[#matrix + 1], names[#names + 1] = {}, tostring(hidden[i])
    for j, column in ipairs(columns) do
      matrix[#matrix][j], row[j + 1] = column[i], ("%.2f"):format(column[i])
    end
    rows[#rows + 1] = row
  end
  table.insert(rows, 1, head)
  tell(("Accuracy by heads H and hidden units m, S = R = %d, d = %d, d_h = %d, one seed:"):format(
    size, d, d_h), rows)
  local means = {}
  rows = { { "H·d_h ≥ S + R", "m·d ≥ S·R", "models", "accuracy" } }
  for i, group in ipairs(groups) do
    means[i] = stats.of(group)
    rows[i + 1] = { i % 2 == 1 and "yes" or "no", i < 3 and "yes" or "no", #group,
      stats.text(means[i], 2) }
  end
  tell("The same by theory's two conditions, of models with an MLP:", rows)

  if means[1].mean < 0.5 then
    say("Nothing can be said about the phase diagram: where both conditions hold accuracy is %s.",
      stats.text(means[1], 2))
  else
    for i, name in ipairs { "too few heads", "too few hidden units" } do
      if #groups[i + 1] > 1 then
        say("Phase diagram: with %s accuracy is %s, %s %s where both conditions hold.", name,
          stats.text(means[i + 1], 2), beside(means[i + 1], means[1], "more than", "less than",
            "not told from"), stats.text(means[1], 2))
      end
    end
    say("Attention alone gets %.2f at the most: theory asks for d of about R + D = %d; d is %d.",
      alone, size + answers, d)
  end
  panels[#panels + 1] = mnemo.plot.heatmap {
    title = ("S = R = %d, d = %d"):format(size, d), matrix = matrix, xlabels = heads_text,
    ylabels = names, xlabel = "heads H", ylabel = "hidden units m", zlabel = "accuracy",
    min = 0, max = 1, vlines = {
      { at = below(heads, 2 * size / d_h) + 0.5, name = "H·d_h = S + R" },
      { at = below(heads, size / d_h) + 0.5, name = "H·d_h = S" },
    }, hlines = { { at = #hidden - below(hidden, size * size / d) + 0.5, name = "m·d = S·R" } },
  }
end

-- Noise --------------------------------------------------------------------------------------

--- Returns the point of a width among as much noise as another has.
local function among(setting, d)
  return { dim = d, noise = setting.noise, seq_len = setting.seq_len }
end

--- Tells how models of two widths fared by the number of noise tokens, or by the length.
-- @tparam {table,...} points what was measured
-- @tparam string name of the number
-- @tparam string letter its sign
-- @tparam string key what points call it
-- @tparam {table,...} settings `noise` and `seq_len` of each
local function tell_over(points, name, letter, key, settings)
  local rows, by_accuracy, by_steps = { { letter, "d", "accuracy", "steps" } }, {}, {}
  for _, d in ipairs { 32, 64 } do
    local x, accuracies, held_x, held_steps = {}, {}, {}, {}
    for i, setting in ipairs(settings) do
      local value = setting[key]
      local found = mnemo.runs.where(points, among(setting, d), "accuracy")
      local steps = mnemo.runs.where(points, among(setting, d), "steps")
      local is_held = math.min(table.unpack(found)) >= held
      -- A logarithmic axis has no place for 0.
      x[i], accuracies[i] = math.max(value, 1), found
      if is_held and value > 0 then
        held_x[#held_x + 1], held_steps[#held_steps + 1] = value, steps
      end
      rows[#rows + 1] = { value, d, stats.text(stats.of(found)),
        is_held and stats.text(stats.of(steps), 0) or "not all" }
    end
    local first, last = stats.of(accuracies[1]), stats.of(accuracies[#settings])
    if first.mean < 0.9 or not last.error then
      say("Nothing can be said about %s, d = %d: with %s = %d accuracy is %s, over %d seed(s).",
        name, d, letter, settings[1][key], stats.text(first), options.seeds)
    else
      local fit = slope(held_x, held_steps)
      say("d = %d: with %s = %d accuracy is %s, %s.%s", d, letter, settings[#settings][key],
        stats.text(last),
        math.min(table.unpack(accuracies[#settings])) >= held and "0.99 with every seed"
          or beside(last, held, "more than 0.99", "less than 0.99", "not told from 0.99"),
        fit.error and (" Steps to it grow as %s^(%s)."):format(letter, interval(fit)) or "")
    end
    local label = ("d = %d"):format(d)
    by_accuracy[#by_accuracy + 1] = { name = label, x = x, y = mnemo.runs.transposed(accuracies),
      style = "linespoints" }
    if #held_x > 0 then
      by_steps[#by_steps + 1] = { name = label, x = held_x,
        y = mnemo.runs.transposed(held_steps), style = "linespoints" }
    end
  end
  tell(("S = R = 16 among noise, H = 8, d_h = 8, m = 64, over %d seed(s), by %s; steps are those "
    .. "to 0.99:"):format(options.seeds, name), rows)
  local function draw(what, ylabel, series, limits)
    panels[#panels + 1] = mnemo.plot.lines {
      title = ("%s by %s"):format(what, name), series = series, xscale = "log",
      xlabel = name .. " " .. letter, ylabel = ylabel, ylim = limits,
      from_zero = not limits or nil, legend = "below",
    }
  end
  draw("accuracy", "accuracy", by_accuracy, { 0, 1.02 })
  if #by_steps > 0 then draw("steps to 0.99", "steps", by_steps) end
end

local function measure_noise()
  -- Without noise tokens there is nothing beside subject, relation and end.
  local noises, lengths, all = { { noise = 0, seq_len = 3 } }, {}, {}
  for i = 1, 5 do
    local power = 1 << 2 * i
    if i > 1 and power <= options.noise then noises[i] = { noise = power, seq_len = 32 } end
    if i < 5 and power <= options.length then lengths[i] = { noise = 32, seq_len = power } end
  end
  for _, settings in ipairs { noises, lengths } do
    for _, setting in ipairs(settings) do
      for _, d in ipairs { 32, 64 } do all[#all + 1] = among(setting, d) end
    end
  end
  local points = mnemo.sweep {
    name = "factual_capacity noise", store = store, options = options, stop_on_error = true,
    points = all, seeds = options.seeds, first_seed = options.seed,
    run = function(point)
      local task, model = drawn(16, point.seed,
        { dim = point.dim, heads = 8, head_dim = 8, mlp_width = 64 }, point)
      local last = train(task, model, options.noise_steps, 16, false)
      return { accuracy = last.accuracy, steps = last.step }
    end,
  }
  tell_over(points, "noise tokens", "N", "noise", noises)
  tell_over(points, "length", "T", "seq_len", lengths)
end

-- All of it ----------------------------------------------------------------------------------

local parts = { facts = measure_facts, phase = measure_phase, noise = measure_noise }
for _, name in ipairs { "facts", "phase", "noise" } do
  if options.part == "all" or options.part == name then parts[name]() end
end
mnemo.plot.grid(panels, {
  title = "How many facts a model holds", columns = 2, width = 1000,
  height = 440 * ((#panels + 1) // 2),
}):save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")
for _, line in ipairs(verdict) do print(line) end
print("Results are in " .. options.out)
