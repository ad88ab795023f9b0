-- E23  Facts written into a transformer
--
-- The factual-recall model, one layer read at the last position, holds S R facts (s, r) → a. It is
-- written down in two ways, without training, and the model itself answers, among noise tokens:
--
--   attention alone   half the heads attend to the subject, half to the relation. The value of s is
--                     the sum of the R answers about it, that of r the sum of its D answers: the
--                     right answer alone is in both. Theory: d ≳ R + D, as many answers as lie on
--                     top of each other, and H d_h ≳ S + R, a dimension for each token
--   attention + MLP   values copy u_s + u_r, and the MLP, its first layer random, stores one pair
--                     for each fact: m d ≳ S R. Three ways to its second layer: a gradient step;
--                     one with a threshold, b₁ = −t σ where what neurons read has the spread σ;
--                     and least squares
--
-- What should be seen, S = R = 32, D = 8: attention alone is right in .04, .2, .5, .85, .985 of the
-- facts at d = 64 … 1024, so that d ≈ 25 (R + D) is needed, and in .1, .3, .55, .85 at H d_h = 16,
-- 32, 48, 64 for d = 512. One step with ReLU and no threshold stays near .25 however wide the MLP
-- is, because facts that share s or r disturb each other at a fixed ratio. With a threshold it
-- reaches .77 and more at d = 512, m = 4096; least squares .96 and 1 at m = 256 and 1024. Training
-- does it with far less.
--
-- After Nichani, Lee, Bietti 2024, "Understanding Factual Recall in Transformers via Associative
-- Memories", the theorems on transformers.
local mnemo = require "mnemo"
local linalg, stats = mnemo.linalg, mnemo.stats

local options = require "mnemo.arguments" {
  about = "Writes facts into a transformer, as attention alone and with an MLP (E23).",
  sweep = true,
  quick = { widths = 4, hidden = 3, steps = 200, seeds = 3 },
  full = { widths = 6, seeds = 10 },
  { "subjects", 32, "subjects S, and relations R", min = 2 },
  { "answers", 8, "answers D of each relation", min = 2 },
  { "widths", 5, "widths d = 64, 128, … of attention alone", min = 1, max = 7 },
  { "hidden", 4, "hidden widths m = 64, 256, … of the MLP", min = 1, max = 4 },
  { "threshold", 2.25, "t, in standard deviations", min = 0 },
  { "lr", 0.01, "learning rate of the trained models", min = 0 },
  { "steps", 600, "steps of training", min = 1 },
  { "seeds", 5, "draws of facts and embeddings", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/factual_construction", "folder for results", type = "folder" },
}
local S, D, heads = options.subjects, options.answers, 8
local R, facts = S, S * S
local enough = heads * math.ceil(2 * S / heads) -- the least H d_h with a dimension for each token
local few, many = 256, 512 -- widths of models with an MLP

--- Draws facts and a model for them.
local function made(point)
  local task = mnemo.data.factual { subjects = S, relations = R, answers = D, seed = point.seed }
  return mnemo.model.factual {
    vocab = task.vocab_size, answers = task.classes, dim = point.d, heads = heads,
    head_dim = point.head_dim, mlp_width = point.m, seed = point.seed,
  }, task
end

--- Returns a sequence for each fact: subject, relation, noise, and the end.
local function all_facts(task, seed)
  local from = S + R + 1
  return {
    tokens = mnemo.cat({
      mnemo.int_arange(1, S):reshape(S, 1):expand(S, R):reshape(facts, 1),
      mnemo.int_arange(S + 1, S + R):reshape(1, R):expand(S, R):reshape(facts, 1),
      mnemo.randint(from, task.vocab_size - 1, facts, task.seq_len - 3, { seed = seed }),
      mnemo.int_full(facts, 1, task.vocab_size),
    }, 2),
    targets = task.facts:reshape(facts),
  }
end

--- Returns the share of the facts that a model answers, among other noise than it was made with.
local function accuracy(model, task, seed)
  local batch = all_facts(task, 1000 + seed)
  return mnemo.no_grad(function()
    return model(batch.tokens):argmax(2):eq(batch.targets):mean():item()
  end)
end

-- Attention ------------------------------------------------------------------------------------

--- Splits the heads' columns: a matrix for each half of the heads becomes one for each head.
local function by_head(halves)
  local matrices = {}
  for i, half in ipairs(halves) do
    local d, width = table.unpack(half:shape())
    matrices[i] = half:reshape(d, heads // 2, width // (heads // 2)):permute(2, 1, 3)
  end
  return mnemo.cat(matrices, 1)
end

--- Makes half the heads attend to subjects and half to relations: the last token's query asks for a
-- key that is 1 for their embeddings and 0 for all others. Sums of embeddings are so but for
-- overlaps, least squares exactly if d is no less than the tokens.
-- @tparam boolean is_sum whether keys are sums
local function write_attention(model, is_sum)
  local embed = model:get "embed"
  local vocab, d = table.unpack(embed:shape())
  local head_dim = model.config.head_dim
  local eos, first = embed:narrow(1, vocab, 1), mnemo.zeros(1, head_dim)
  first:narrow(2, 1, 1):fill_(1)
  local query = (eos / eos:square():sum()):t():matmul(first)
  local queries, keys = {}, {}
  for half, count in ipairs { S, R } do
    local wanted = mnemo.zeros(vocab)
    wanted:narrow(1, 1 + (half - 1) * S, count):fill_(1)
    local key = is_sum and embed:t():matmul(wanted) or linalg.lstsq(embed, wanted)
    for _ = 1, heads // 2 do
      queries[#queries + 1] = query
      keys[#keys + 1] = (key * 30 * math.sqrt(head_dim)):reshape(d, 1):matmul(first)
    end
  end
  model:set("q", mnemo.stack(queries, 1)):set("k", mnemo.stack(keys, 1))
end

--- Returns the embeddings of subjects and of relations.
local function embeddings(model)
  local embed = model:get "embed"
  return embed:narrow(1, 1, S), embed:narrow(1, S + 1, R)
end

--- Fills a matrix with rows of zeros, or takes the first ones.
local function rows_of(matrix, count)
  local n, d = table.unpack(matrix:shape())
  return n >= count and matrix:narrow(1, 1, count)
    or mnemo.cat({ matrix, mnemo.zeros(count - n, d) }, 1)
end

--- Stores answers in the values: as many subjects and relations as there are dimensions.
local function store_answers(model, task)
  local unembed = model:get "unembed"
  local of_subject = unembed[task.facts]:sum(2)
  local of_relation = unembed:reshape(R, D, unembed:size(2)):sum(2)
  local half = heads // 2 * model.config.head_dim
  local subjects, relations = embeddings(model)
  model:set("v", by_head { rows_of(subjects, half):t(), rows_of(relations, half):t() })
  model:set("o", mnemo.cat({ rows_of(of_subject, half), rows_of(of_relation, half) }, 1))
end

local function written(point, is_sum)
  local model, task = made(point)
  write_attention(model, is_sum)
  store_answers(model, task)
  return accuracy(model, task, point.seed)
end

local function trained(point)
  local model, task = made(point)
  mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = 1024, progress = false,
    optimizer = mnemo.optim.adamw { lr = options.lr }, eval_every = options.steps,
  }
  return accuracy(model, task, point.seed)
end

-- Attention and MLP ------------------------------------------------------------------------------

--- Makes the values copy subject and relation: o = u_s + u_r.
local function copy(model)
  local bases = {}
  for half, vectors in ipairs { embeddings(model) } do
    bases[half] = rows_of(linalg.qr(vectors:t()):t(), heads // 2 * model.config.head_dim)
  end
  model:set("v", by_head { bases[1]:t(), bases[2]:t() }):set("o", mnemo.cat(bases, 1))
end

--- One gradient step of the second layer from 0, so large that what it leaves decides.
local function one_step(model, batch)
  model:set("mlp.w2", mnemo.zeros(model.config.mlp_width, model.config.dim))
  model:freeze "*"
  model:unfreeze "mlp.w2"
  model:loss(batch):backward()
  model:set("mlp.w2", -1e6 * model:get("mlp.w2").grad)
end

--- The second layer that brings every o + W₂ᵀ relu(…) nearest to the unembedding of its answer.
local function least_squares(model, batch)
  local seen = model:trace(batch.tokens, { "layers.0.ff_hidden", "layers.0.attention_output" })
  local missing = model:get("unembed")[batch.targets] - seen["layers.0.attention_output"]
  model:set("mlp.w2", linalg.lstsq(seen["layers.0.ff_hidden"]:relu(), missing))
end

local ways = {
  { name = "one step", write = one_step },
  { name = "one step, threshold", write = function(model, batch)
    local read = model:trace(batch.tokens, { "layers.0.ff_hidden" })["layers.0.ff_hidden"]
    local m = model.config.mlp_width
    model:set("mlp.b1", mnemo.full(m, -options.threshold * read:std():item()))
    one_step(model, batch)
  end },
  { name = "least squares", write = least_squares, most = 1024 },
}

local function with_mlp(point, write)
  local model, task = made(point)
  write_attention(model)
  copy(model)
  write(model, all_facts(task, point.seed))
  return accuracy(model, task, point.seed)
end

-- Measuring ------------------------------------------------------------------------------------

-- What answers the facts, by a point's way; each gives the share that is right.
local measures = {
  ["keys are sums"] = function(point) return written(point, true) end,
  ["least-squares keys"] = written, trained = trained,
}
for _, way in ipairs(ways) do
  measures[way.name] = function(point) return with_mlp(point, way.write) end
end

local points, asked = {}, {}

--- Notes what is to be measured, once.
-- @treturn table the measurement with its values, to be filled in by the sweep
local function ask(way, d, head_dim, m)
  local name = ("%s %d %d %d"):format(way, d, head_dim, m or 0)
  if not asked[name] then
    points[#points + 1] = { name = name, way = way, d = d, head_dim = head_dim, m = m or 0 }
    asked[name] = { values = {} }
  end
  return asked[name]
end

local function tell(head, at, columns)
  local rows = { head }
  for i, x in ipairs(at) do
    rows[i + 1] = { x }
    for j, column in ipairs(columns) do
      rows[i + 1][j + 1] = column[i] and stats.text(column[i]) or ""
    end
  end
  print(mnemo.runs.columns(rows) .. "\n")
end

--- Returns the share of facts that attention alone answers in theory. The right answer has the
-- score 2, R + D − 2 others 1. Each is off by a Gaussian, from the answers that lie on top of each
-- other, and from overlaps with other tokens, of which S/D subjects have the same answer.
local function expected(d)
  local error = math.sqrt((R + D + S / D) / d + (S * R + R * D) / d ^ 2)
  local x = mnemo.arange(-600, 600) / 100
  local below = (((x + 1 / error) / math.sqrt(2)):erf() + 1) / 2
  local density = (-x:square() / 2):exp() / math.sqrt(2 * math.pi)
  return (density * below ^ (R + D - 2)):sum():item() / 100
end

local head_dim = enough // heads
local widths, by_sum, by_width, taught, theory = {}, {}, {}, {}, {}
for i = 1, options.widths do
  local d = 32 << i
  widths[i], theory[i] = d, { mean = expected(d) }
  by_sum[i] = ask("keys are sums", d, head_dim)
  by_width[i] = ask("least-squares keys", d, head_dim)
  if d <= 128 then taught[i] = ask("trained", d, head_dim) end
end

local sizes, by_size, taught_by_size = {}, {}, {}
for i = 1, 4 do
  local part = math.max(1, head_dim * i // 4)
  if heads * part ~= sizes[#sizes] then
    sizes[#sizes + 1] = heads * part
    by_size[#sizes] = ask("least-squares keys", many, part)
    taught_by_size[#sizes] = ask("trained", 64, part)
  end
end

local hidden, by_way = {}, {}
for i = 1, options.hidden do hidden[i] = 16 << (2 * i) end
for _, d in ipairs { few, many } do
  by_way[d] = {}
  for j, way in ipairs(ways) do
    by_way[d][j] = {}
    for i, m in ipairs(hidden) do
      if m <= (way.most or m) then by_way[d][j][i] = ask(way.name, d, head_dim, m) end
    end
  end
end
local taught_both = ask("trained", 32, head_dim, 64)

local measured = mnemo.sweep {
  name = "factual_construction", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true, points = points, seeds = options.seeds, first_seed = options.seed,
  run = function(point) return { accuracy = measures[point.way](point) } end,
}
for _, point in ipairs(measured) do
  table.insert(asked[point.name].values, point.accuracy)
end
for _, found in pairs(asked) do
  for key, value in pairs(stats.of(found.values)) do found[key] = value end
end

print(("Facts right of S R = %d, D = %d, over %d seed(s). Attention alone, H d_h = %d:\n"):format(
  facts, D, options.seeds, enough))
tell({ "d", "keys are sums", "least-squares keys", "in theory", "trained" }, widths,
  { by_sum, by_width, theory, taught })
print(("Attention alone, least-squares keys at d = %d; trained at d = 64:\n"):format(many))
tell({ "H d_h", "written", "trained" }, sizes, { by_size, taught_by_size })
for _, d in ipairs { few, many } do
  print(("Attention and an MLP, three ways to its second layer at d = %d:\n"):format(d))
  tell({ "m", ways[1].name, ways[2].name, ways[3].name }, hidden, by_way[d])
end
print(("Trained, attention and an MLP at d = 32, m = 64: %s"):format(stats.text(taught_both)))

-- The figure -----------------------------------------------------------------------------------

local function curve(name, at, found)
  local series = { name = name, x = {}, y = {}, style = "linespoints" }
  for i, one in pairs(found) do
    series.x[i] = at[i]
    for j, value in ipairs(one.values) do
      series.y[j] = series.y[j] or {}
      series.y[j][i] = value
    end
  end
  return series
end

local function panel(title, xlabel, series, bound, others)
  return mnemo.plot.lines {
    title = title, xlabel = xlabel, ylabel = "facts right", series = series, ylim = { 0, 1.02 },
    xscale = "log", legend = "below", hlines = others, vlines = { bound },
  }
end

local function with_ways(d)
  local series = {}
  for j, way in ipairs(ways) do series[j] = curve(way.name, hidden, by_way[d][j]) end
  return panel(("attention and MLP, d = %d"):format(d), "hidden width m", series,
    { at = facts / d, name = "m d = S R" },
    { { at = taught_both.mean, name = "trained, d = 32, m = 64" } })
end

local in_theory = { name = "theory", x = widths, y = {}, style = "reference" }
for i, one in ipairs(theory) do in_theory.y[i] = one.mean end

mnemo.plot.grid({
  panel(("attention alone, H d_h = %d"):format(enough), "width d", {
    curve("keys are sums", widths, by_sum), curve("least-squares keys", widths, by_width),
    curve("trained", widths, taught), in_theory,
  }, { at = R + D, name = "d = R + D" }),
  panel("attention alone", "H d_h", {
    curve(("written, d = %d"):format(many), sizes, by_size),
    curve("trained, d = 64", sizes, taught_by_size),
  }, { at = S + R, name = "H d_h = S + R" }),
  with_ways(few), with_ways(many),
}, { title = "Facts written into a transformer", width = 900, height = 900 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

local chance = 1 / D -- of a model that knows the relation alone

--- Compares what was measured on the same seeds.
local function compare(a, b)
  local differences = {}
  for i, value in ipairs(a.values) do differences[i] = value - b.values[i] end
  return stats.compare(stats.of(differences), 0)
end

local function against(a, b) return compare(a, b) or "not told apart from" end

print()
local best = by_width[#widths]
if stats.compare(best, chance) == "more" then
  local sum = by_sum[#widths]
  print(("Attention alone answers %s at d = %d, which is %.1f (R + D); keys that are sums, %s: %s.")
    :format(stats.text(best), widths[#widths], widths[#widths] / (R + D), stats.text(sum),
      against(sum, best)))
  local half, all = by_size[(#sizes + 1) // 2], by_size[#sizes]
  print(("With %d of %d dimensions in the heads it answers %s, with all %s: %s."):format(
    sizes[(#sizes + 1) // 2], sizes[#sizes], stats.text(half), stats.text(all),
    against(half, all)))
else
  print(("Nothing can be said about attention alone: at d = %d it answers %s, the relation alone "
    .. "%.3f."):format(widths[#widths], stats.text(best), chance))
end
local last = math.min(#hidden, 3)
local step, threshold, least = by_way[many][1], by_way[many][2], by_way[many][3][last]
if stats.compare(least, chance) == "more" then
  local end_at = #hidden
  print(("MLP, d = %d, m = %d: one step answers %s, with a threshold %s, %s."):format(many,
    hidden[end_at], stats.text(step[end_at]), stats.text(threshold[end_at]),
    against(threshold[end_at], step[end_at])))
  print(("At m = %d a threshold answers %s, least squares %s, %s."):format(hidden[last],
    stats.text(threshold[last]), stats.text(least), against(least, threshold[last])))
else
  print(("Nothing can be said about the MLP: least squares answers %s."):format(stats.text(least)))
end
if compare(taught[1], by_width[1]) == "more" then
  print(("Trained at d = %d, attention alone answers %s where written down it answers %s."):format(
    widths[1], stats.text(taught[1]), stats.text(by_width[1])))
else
  print(("Nothing can be said about training: at d = %d it answers %s, written down %s."):format(
    widths[1], stats.text(taught[1]), stats.text(by_width[1])))
end
print("Results are in " .. options.out)
