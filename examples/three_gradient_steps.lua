-- E8  An induction head in three gradient steps
--
-- W_K⁰, W_K¹ and W_O¹ begin at zero, so that attention is uniform. Then comes one large gradient
-- step on W_O¹, one on W_K¹, one on W_K⁰, of the loss at the second occurrence of a trigger. Tokens
-- are uniform, and so are the K triggers of each sequence and what follows them. In infinite width,
-- embeddings that do not overlap, the theorem says that each step stores one of the memories. That
-- limit is exact here: tokens, positions, their copies by layer 0 and outputs have coordinates of
-- their own.
--
-- What should be seen: recall of W_O¹ is 1 after the first step, that of W_K¹ after the second.
-- After the third, W_K⁰ has .25 to .40 with step sizes 320, 200, 200 and 8192 sequences in a step,
-- and grows with the sequences; with a second step of 2e4 it has .9. That is no head yet: every key
-- also reads the positions, and accuracy on repeats does not rise. If each matrix reads only what
-- is meant for it (`cross_talk = false`), three steps do make a head, with an accuracy over .98.
-- Random embeddings of N = T = 16 come near to that as the width grows. What W_K⁰ stores falls with
-- the position: an average over t tokens has a t-th of each.
--
-- After the theorem of Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint".
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Makes an induction head in three gradient steps (E8).",
  sweep = true,
  quick = { sequences = 1024, seeds = 3 },
  full = { sequences = 131072 },
  { "sequences", 8192, "sequences in a step; down to a sixteenth of them are tried", min = 16 },
  { "scale", 1.0, "factor of all step sizes" },
  { "seeds", 5, "runs of each kind", min = 1 },
  { "seed", 1, "first seed of data and embeddings" },
  { "out", "runs/three_gradient_steps", "folder for results", type = "folder" },
}
local wide = { vocab = 32, length = 64, triggers = 5 }
local narrow = { vocab = 16, length = 16, triggers = 3 }
local widths, narrow_sizes = { 64, 128, 256, 512 }, { 160, 2e4, 2e5 }
local circuits = {
  { name = "cross-talk, second step 200", cross_talk = true, sizes = { 320, 200, 200 } },
  { name = "cross-talk, second step 2e4", cross_talk = true, sizes = { 320, 2e4, 200 } },
  { name = "idealised", cross_talk = false, sizes = { 320, 4e5, 2e6 } },
}
local counts = {}
for i = 1, 5 do counts[i] = options.sequences >> (5 - i) end

-- The model --------------------------------------------------------------------------------

--- Returns embeddings with coordinates of their own, and the matrix that copies to others. Layer 0
-- of the idealised circuit copies no positions, so that their copies need none.
local function orthonormal(of, cross_talk)
  local all = of.vocab + of.length
  local copied = cross_talk and all or of.vocab
  local unit = mnemo.eye(all + copied + of.vocab)
  local function rows(first, count) return unit:narrow(1, first, count) end
  return {
    ["tok_embeddings.weight"] = rows(1, of.vocab), pe = rows(of.vocab + 1, of.length),
    ["output.weight"] = rows(all + copied + 1, of.vocab),
    ["layers.0.attention.wv.weight"] =
      mnemo.cat({ rows(1, all) * 0, rows(1, copied), rows(1, of.vocab) * 0 }, 1),
  }
end

--- Returns random embeddings of length 1, and a random matrix.
local function gaussian(of, dim, seed)
  local function rows(count, which)
    return mnemo.memory.embeddings(count, dim, { kind = "sphere", seed = 4 * seed + which })
  end
  return {
    ["tok_embeddings.weight"] = rows(of.vocab, 0), pe = rows(of.length, 1),
    ["output.weight"] = rows(of.vocab, 2),
    ["layers.0.attention.wv.weight"] = mnemo.randn(dim, dim, { seed = 4 * seed + 3 })
      / math.sqrt(dim),
  }
end

local trained = {
  "layers.1.attention.wo.weight", "layers.1.attention.wk.weight", "layers.0.attention.wk.weight",
}

--- Returns a model with these embeddings and nothing learned.
local function begun(of, weights, cross_talk)
  local dim = weights.pe:size(2)
  local model = mnemo.model.simplified {
    vocab = of.vocab, dim = dim, max_len = of.length, cross_talk = cross_talk,
    score_scale = "none", seed = 1,
  }
  for _, name in ipairs { "layers.0.attention.wo.weight", "layers.1.attention.wv.weight" } do
    model:set(name, mnemo.eye(dim))
  end
  for name, weight in pairs(weights) do model:set(name, weight) end
  for _, name in ipairs(trained) do model:set(name, mnemo.zeros(dim, dim)) end
  model:freeze "*"
  return model
end

-- The steps --------------------------------------------------------------------------------

--- Takes one gradient step on a matrix, of the loss where a trigger comes for the second time.
local function step(model, name, batch, size)
  model:unfreeze(name)
  model:loss(batch, batch.occurrence:eq(2)):backward()
  local weight = model:get(name)
  model:set(name, weight:detach() - size * weight.grad)
  model:freeze(name)
end

--- Returns the recall of the three memories, the accuracy on repeats, and what W_K⁰ scores from
-- each position to the one before, as shares of the largest.
local function measured(model, task)
  local memories, found = mnemo.probes.induction_memories(model, task), {}
  for name, memory in pairs(memories) do
    found[name] = mnemo.memory.recall(memory.matrix, memory.inputs, memory.outputs)
  end
  found.accuracy = mnemo.probes.answers(model, task).hits:mean():item()
  local wk0 = memories.wk0
  local right = (wk0.inputs:matmul(wk0.matrix:t()) * wk0.outputs):sum(2)
  local largest = right:abs():max():item()
  found.right = (largest > 0 and right / largest or right):totable()
  return found
end

--- Takes the three steps of a point and returns what is measured before and after each.
local function taken(point)
  local of = point.task == "wide" and wide or narrow
  local task = mnemo.data.bigram {
    corpus = mnemo.corpus.uniform(of.vocab), triggers = of.triggers, trigger_kind = "random",
    seq_len = of.length, seed = point.seed,
  }
  local embeddings = point.dim and gaussian(of, point.dim, point.seed)
    or orthonormal(of, point.cross_talk)
  local model = begun(of, embeddings, point.cross_talk)
  local found = { measured(model, task) }
  for i, name in ipairs(trained) do
    step(model, name, task:batch(point.sequences, i), options.scale * point.sizes[i])
    found[i + 1] = measured(model, task)
  end
  return { measured = found }
end

local settings, lists = {}, {}

--- Adds a setting and returns the list that its points come into, one for each seed.
local function add(setting)
  settings[#settings + 1], lists[#lists + 1] = setting, {}
  return lists[#lists]
end

local by_count, by_width, widest = {}, {}, {} -- [circuit or 1, 2][count or width][seed]
for c, circuit in ipairs(circuits) do
  by_count[c] = {}
  for i, count in ipairs(counts) do
    by_count[c][i] = add {
      task = "wide", cross_talk = circuit.cross_talk, sizes = circuit.sizes, sequences = count,
    }
  end
end

--- Adds a setting of N = T = 16, with embeddings of a width or, without one, orthonormal ones.
local function add_narrow(cross_talk, dim)
  return add {
    task = "narrow", cross_talk = cross_talk, sizes = narrow_sizes,
    sequences = options.sequences // 2, dim = dim,
  }
end

for c, cross_talk in ipairs { false, true } do
  by_width[c] = {}
  for i, dim in ipairs(widths) do by_width[c][i] = add_narrow(cross_talk, dim) end
  widest[c] = add_narrow(cross_talk)
end

local points = mnemo.sweep {
  name = "three_gradient_steps", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true, points = settings, seeds = options.seeds, first_seed = options.seed,
  run = taken,
}
-- They come in the order of the settings, and of the seeds in each.
for i, point in ipairs(points) do table.insert(lists[(i - 1) // options.seeds + 1], point) end

-- The tables -------------------------------------------------------------------------------

local names = { "wo1", "wk1", "wk0", "accuracy" }
local label = { wo1 = "W_O¹", wk1 = "W_K¹", wk0 = "W_K⁰", accuracy = "accuracy" }

--- Lists one number of each seed after a step, the last if none is given.
local function values(seeds, name, after)
  local list = {}
  for j, found in ipairs(seeds) do list[j] = found.measured[(after or 3) + 1][name] end
  return list
end

local function of_seeds(seeds, name, after) return mnemo.stats.of(values(seeds, name, after)) end

--- Returns the cells of a row: the three recalls and the accuracy.
local function row(seeds, after, ...)
  local cells = { ... }
  for _, name in ipairs(names) do
    cells[#cells + 1] = mnemo.stats.text(of_seeds(seeds, name, after), 3)
  end
  return cells
end

local head = { "W_O¹", "W_K¹", "W_K⁰", "accuracy" }
local rows = { { "circuit", "step", table.unpack(head) } }
for c, circuit in ipairs(circuits) do
  for after = 0, 3 do rows[#rows + 1] = row(by_count[c][#counts], after, circuit.name, after) end
end
print(("Recall of the memories and accuracy on repeats after each step, %d sequences in each, "
  .. "N = %d,\nT = %d, orthonormal embeddings, %d seed(s):\n"):format(counts[#counts], wide.vocab,
  wide.length, options.seeds))
print(mnemo.runs.columns(rows))

rows = { { "circuit", "sequences", table.unpack(head) } }
for c, circuit in ipairs(circuits) do
  for i, count in ipairs(counts) do
    rows[#rows + 1] = row(by_count[c][i], 3, circuit.name, count)
  end
end
print "\nAfter three steps, by the number of sequences in each:\n"
print(mnemo.runs.columns(rows))

rows = { { "circuit", "width", table.unpack(head) } }
for c, circuit in ipairs { "idealised", "cross-talk" } do
  for i, dim in ipairs(widths) do rows[#rows + 1] = row(by_width[c][i], 3, circuit, dim) end
  rows[#rows + 1] = row(widest[c], 3, circuit, "orthonormal")
end
print(("\nAfter three steps of %d sequences, N = T = %d, random embeddings, by width:\n"):format(
  options.sequences // 2, narrow.vocab))
print(mnemo.runs.columns(rows))

-- What each seed's W_K⁰ of the idealised circuit scores right, as a share of its largest.
local shares = values(by_count[3][#counts], "right")

--- Returns the share at a position, from 2 on.
local function share_at(position)
  return mnemo.stats.of(mnemo.runs.transposed(shares)[position - 1])
end

rows = { { "position" }, { "right score" } }
for _, position in ipairs { 2, 4, 9, 16, 25, 36, 49, 64 } do
  table.insert(rows[1], position)
  table.insert(rows[2], mnemo.stats.text(share_at(position), 3))
end
print "\nIdealised: what W_K⁰ scores from a position to the one before, over its largest:\n"
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

--- Draws one number along x, with a band of the seeds, for each of some lists of settings.
local function panel(title, given)
  given.title, given.ylim, given.legend = title, { 0, 1.03 }, "below"
  return mnemo.plot.lines(given)
end

--- Returns a curve over settings, each a list of seeds.
local function curve(name, by, what, after)
  local y = {}
  for i, seeds in ipairs(by) do y[i] = values(seeds, what, after) end
  return { name = name, y = mnemo.runs.transposed(y), style = "linespoints" }
end

--- Returns a curve over the steps of one setting.
local function steps_curve(name, seeds, what)
  local y = {}
  for after = 0, 3 do y[after + 1] = values(seeds, what, after) end
  return { name = name, y = mnemo.runs.transposed(y), style = "linespoints" }
end

local recalls, accuracies, wk0s, heads, by_dim = {}, {}, {}, {}, {}
for i = 1, 3 do
  recalls[i] = steps_curve(label[names[i]], by_count[3][#counts], names[i])
  accuracies[i] = steps_curve(circuits[i].name, by_count[i][#counts], "accuracy")
  wk0s[i] = curve(circuits[i].name, by_count[i], "wk0")
  heads[i] = curve(circuits[i].name, by_count[i], "accuracy")
end
for c, circuit in ipairs { "idealised", "cross-talk" } do
  for _, what in ipairs { "accuracy", "wk0" } do
    by_dim[#by_dim + 1] = curve(("%s, %s"):format(label[what], circuit), by_width[c], what)
  end
end
local limit = of_seeds(widest[1], "accuracy").mean
local positions, after = {}, { 0, 1, 2, 3 }
for t = 2, wide.length do positions[t - 1] = t end

mnemo.plot.grid({
  panel("idealised: recall", { x = after, series = recalls, xlabel = "steps", ylabel = "recall" }),
  panel("accuracy on repeats", { x = after, series = accuracies, xlabel = "steps",
    ylabel = "accuracy" }),
  panel("after three steps: recall of W_K⁰", { x = counts, xscale = "log", series = wk0s,
    xlabel = "sequences in a step", ylabel = "recall" }),
  panel("after three steps: accuracy on repeats", { x = counts, xscale = "log", series = heads,
    xlabel = "sequences in a step", ylabel = "accuracy" }),
  panel("random embeddings, N = T = 16", { x = widths, xscale = "log", series = by_dim,
    xlabel = "width", ylabel = "recall, accuracy",
    hlines = { { at = limit, name = "accuracy, orthonormal, idealised" } } }),
  mnemo.plot.lines { title = "idealised: right score of W_K⁰", x = positions,
    series = { { name = "over its largest", y = shares } }, xlabel = "position",
    ylabel = "share of the largest", legend = "below" },
}, { title = "An induction head in three gradient steps", width = 900, height = 1260 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

local compare, text = mnemo.stats.compare, mnemo.stats.text
local ideal, best = of_seeds(by_count[3][#counts], "accuracy"), circuits[3].name

--- Says whether a number is more at the end of a list of settings than at its beginning.
local function say_growth(what, first, last, name, from, to)
  local a, b = of_seeds(first, name), of_seeds(last, name)
  local verdict = compare(b, a)
  print(("%s: %s with %s, %s with %s: %s."):format(what, text(a), from, text(b), to,
    verdict == "more" and "it grows" or verdict == "less" and "it falls" or "not told apart"))
end

print()
if compare(ideal, of_seeds(by_count[3][#counts], "accuracy", 2)) == "more" then
  print(("%s: the third step makes a head: accuracy is %s, %s .98."):format(best, text(ideal),
    compare(ideal, 0.98) == "more" and "more than" or compare(ideal, 0.98) == "less"
      and "less than" or "not told apart from"))
  for c = 1, 2 do
    local own = of_seeds(by_count[c][#counts], "accuracy")
    print(("%s: accuracy is %s, %s."):format(circuits[c].name, text(own),
      compare(own, ideal) == "less" and "less than idealised" or "not told apart from idealised"))
    say_growth("  recall of W_K⁰", by_count[c][1], by_count[c][#counts], "wk0",
      counts[1] .. " sequences", tostring(counts[#counts]))
  end
  for c, circuit in ipairs { "idealised", "cross-talk" } do
    say_growth(("random embeddings, %s, accuracy"):format(circuit), by_width[c][1],
      by_width[c][#widths], "accuracy", "d = " .. widths[1], tostring(widths[#widths]))
  end
  local early, late = share_at(4), share_at(49)
  print(("W_K⁰'s right score falls with the position: %s of the largest at 4, %s at 49%s."):format(
    text(early), text(late), compare(early, late) == "more" and "" or ", which is not told apart"))
else
  print(("Nothing can be said about a head: the third step does not raise the idealised circuit's "
    .. "accuracy, %s, by\nmore than its error."):format(text(ideal)))
end
print("Results are in " .. options.out)
