-- E9  Maximal updates: how much a step changes what a layer gives
--
-- A layer's weights W₀ ~ N(0, 1/d) and an update of n memories, ΔW = α Σ_j v_j u_jᵀ, meet inputs
-- u_j of norm 1. In the maximal scaling α does not depend on d: ‖W₀ u_j‖ and ‖ΔW u_j‖ are both near
-- 1 at any width, although ‖ΔW‖ / ‖W₀‖ = √(n/d) falls. In the scaling of the neural tangent kernel
-- α = 1/√d, and so what the layer gives changes by 1/√d: wide layers learn nothing. The same is
-- seen of a gradient step of size 1 of a hidden layer under a readout N(0, 1/d²), and of one of
-- size 1/d under a readout N(0, 1/d).
--
-- In a shallow network one large step shows what maximal updates learn. With x ~ N(0, I), targets
-- y = g(w₁·x) of mean 0 and n = r·d samples it turns weights towards w₁; their overlap with it is
-- about √(κ r / (1 + κ r)), κ = E[g′]² / (2 Var g), .367 of a ReLU. Where E[g′] = 0, as for
-- He₂(z) = (z² − 1)/√2, a neuron w knows w₁ by its own ρ = w·w₁ ~ 1/√d alone: κ = ρ² 2/π, and so
-- it takes about d times as many samples. Of y = w₁·x + He₂(w₂·x) one step learns w₁, not w₂.
--
-- What should be seen: sizes .96 to 1.01 and 1.11 → 1.00, the ratio .50 → .06, and .139 → .0156 in
-- the scaling of the kernel, d = 64 … 4096; overlaps .65, .87, .95 at n = 2d, 8d, 32d with a ReLU,
-- .3 at 32d and .78 at 2048d with He₂; .93 to .99 with w₁ and chance with w₂ of the sum.
--
-- After Bietti's lectures on associative memories, with Yang and Hu 2021, "Feature Learning in
-- Infinite-Width Neural Networks", and Ba et al. 2022, "High-dimensional Asymptotics of Feature
-- Learning: How One Gradient Step Improves the Representation".
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Compares maximal updates with the tangent kernel's, and takes one large step (E9).",
  quick = { dim = 1024, ratio = 512 },
  full = { dim = 8192, ratio = 8192, seeds = 10 },
  { "dim", 4096, "largest width; from 64 on widths double", min = 64 },
  { "pairs", 16, "memories in an update", min = 1 },
  { "inputs", 128, "width of the shallow network's inputs", min = 2 },
  { "neurons", 64, "of the shallow network", min = 1 },
  { "ratio", 2048, "largest number of samples over inputs", min = 1 },
  { "lr", 1000.0, "size of the large step, in units of what is learned", min = 0 },
  { "seeds", 5, "runs", min = 1 },
  { "seed", 1, "first seed of all that is drawn" },
  { "out", "runs/maximal_updates", "folder for results", type = "folder" },
}

--- Returns a seed for what is drawn n-th.
local function seed_of(s, n)
  return 100 * (options.seed + s) + n
end

--- Returns 1 … n doubled or fourfold up to a limit.
local function sizes(first, factor, limit)
  local list = { first }
  while list[#list] * factor <= limit do list[#list + 1] = list[#list] * factor end
  return list
end

-- Layers of many widths ----------------------------------------------------------------------

--- Returns the mean norm of what a matrix gives for inputs.
local function size(W, X)
  return X:matmul(W:t()):norm(2, 2, true):mean():item()
end

--- Returns by how much a gradient step on the targets 1 changes what a hidden layer gives, as a
-- part of it. What the network gives before is taken as 0, so that −f has the loss's gradient.
local function changed(d, s, readout, lr)
  local X = mnemo.randn(options.pairs, d, { seed = seed_of(s, 1) })
  local W = (mnemo.randn(d, d, { seed = seed_of(s, 2) }) / math.sqrt(d)):requires_grad(true)
  local a = mnemo.randn(d, { seed = seed_of(s, 3) }) * readout
  X:matmul(W:t()):relu():matmul(a):mean():backward()
  return size(W.grad * lr, X) / size(W:detach(), X)
end

--- Measures a layer of width d.
local function layer(d, s)
  local W0 = mnemo.randn(d, d, { seed = seed_of(s, 4) }) / math.sqrt(d)
  local U = mnemo.memory.embeddings(options.pairs, d, { kind = "sphere", seed = seed_of(s, 5) })
  local V = mnemo.memory.embeddings(options.pairs, d, { kind = "sphere", seed = seed_of(s, 6) })
  local update = mnemo.memory.outer(V, U)
  return {
    before = size(W0, U), maximal = size(update, U), kernel = size(update / math.sqrt(d), U),
    weights = (update:norm() / W0:norm()):item(),
    maximal_step = changed(d, s, 1 / d, 1), kernel_step = changed(d, s, 1 / math.sqrt(d), 1 / d),
  }
end

local measures = {
  { "before", "‖W₀u‖", 0 }, { "maximal", "‖ΔWu‖", 0 }, { "kernel", "‖ΔWu‖, kernel", -0.5 },
  { "weights", "‖ΔW‖/‖W₀‖", -0.5 }, { "maximal_step", "by a step, maximal", 0 },
  { "kernel_step", "by a step, kernel", -0.5 },
}
local widths, layers = sizes(64, 2, options.dim), {}
for i, d in ipairs(widths) do
  layers[i] = {}
  for s = 1, options.seeds do layers[i][s] = layer(d, s) end
end

--- Returns what each seed's layer of a width measured.
local function values(i, name)
  local list = {}
  for s, one in ipairs(layers[i]) do list[s] = one[name] end
  return list
end

--- Returns the slope on d, over seeds.
local function slope(name)
  local list = {}
  for s = 1, options.seeds do
    local y = {}
    for i in ipairs(widths) do y[i] = layers[i][s][name] end
    list[s] = #widths > 1 and mnemo.memory.slope(widths, y).mean or math.abs(0 / 0)
  end
  return mnemo.stats.of(list)
end

-- One large step -----------------------------------------------------------------------------

local ratios = sizes(1, 2, options.ratio)

-- A ReLU, He₂ and the sum, of z = w₁·x and z₂ = w₂·x: `y`; `gain`, κ of neurons with ρ; and
-- `noise`, the gradient's variance along w₁ over that along others, E[y² z²] / E[y²].
local targets = {
  { y = function(z) return z:relu() - 1 / math.sqrt(2 * math.pi) end, noise = 3,
    gain = function() return 0.25 / (1 - 1 / math.pi) end },
  { y = function(z) return (z:square() - 1) / math.sqrt(2) end, noise = 5,
    gain = function(rho) return rho:square() * (2 / math.pi) end },
  { y = function(z, z2) return z + (z2:square() - 1) / math.sqrt(2) end, noise = 2,
    gain = function() return 0.25 end },
}

--- Returns the mean overlap of neurons with each direction, |cos|, as a list.
local function overlaps(W, directions)
  return (W:matmul(directions:t()) / W:norm(2, 2, true)):abs():mean(1):totable()
end

--- Takes the step with more and more of one seed's samples; returns overlaps, [target][ratio],
-- and those before the step.
--
-- Neurons come in pairs with one w and opposite signs in the readout, so that the network gives 0
-- before the step. There the gradient of ½(y − f)² is that of −y f, and pairs stay together.
local function one_step(s)
  local d, m = options.inputs, options.neurons
  local directions = mnemo.memory.embeddings(2, d, { kind = "orthonormal", seed = seed_of(s, 7) })
  local W0 = mnemo.memory.embeddings(m, d, { kind = "sphere", seed = seed_of(s, 8) })
  local a = mnemo.rand(m, { seed = seed_of(s, 9) }):gt(0.5) * 2 - 1
  local found, weights, seen = { {}, {}, {} }, {}, 0
  for k in ipairs(targets) do weights[k] = W0:clone():requires_grad(true) end
  for i, ratio in ipairs(ratios) do
    while seen < ratio * d do
      local count = math.min(8192, ratio * d - seen)
      local X = mnemo.randn(count, d, { seed = 1000003 * seed_of(s, 10) + seen })
      local z = X:matmul(directions:t())
      for k, target in ipairs(targets) do
        local y = target.y(z:select(2, 1), z:select(2, 2));
        (X:matmul(weights[k]:t()):relu():matmul(a) * y):sum():backward()
      end
      seen = seen + count
    end
    for k in ipairs(targets) do
      found[k][i] = overlaps(W0 + weights[k].grad * (options.lr / seen), directions)
    end
  end
  return found, overlaps(W0, directions)
end

--- Returns the overlap that theory expects at a ratio, averaged over neurons and samples: that of
-- a signal √(κ r) along w₁ with noise of size 1.
local function expected(target, ratio)
  local d, n = options.inputs, 20000
  local rho = mnemo.randn(n, { seed = 1 }) / math.sqrt(d)
  local noise = mnemo.randn(n, { seed = 2 }) * math.sqrt(target.noise / d)
  local along = noise + mnemo.full(n, ratio):mul_(target.gain(rho)):sqrt()
  return (along / (along:square() + 1 - 1 / d):sqrt()):abs():mean():item()
end

local steps, before = {}, {}
for s = 1, options.seeds do
  local found, at_first = one_step(s)
  steps[s], before[s] = found, at_first[1]
end

--- Returns each seed's overlap of a target's neurons with a direction at a ratio.
local function overlap(k, i, direction)
  local list = {}
  for s, found in ipairs(steps) do list[s] = found[k][i][direction] end
  return list
end

-- The tables -------------------------------------------------------------------------------

local of, text, compare = mnemo.stats.of, mnemo.stats.text, mnemo.stats.compare

local head, rows, last = { "d" }, {}, { "slope" }
for k, measure in ipairs(measures) do
  head[k + 1], last[k + 1] = measure[2], text(slope(measure[1]))
end
rows[1] = head
for i, d in ipairs(widths) do
  local row = { d }
  for k, measure in ipairs(measures) do row[k + 1] = text(of(values(i, measure[1])), 4) end
  rows[#rows + 1] = row
end
rows[#rows + 1] = last
print(("Layers of width d, updates of %d memories, %d seed(s):\n"):format(options.pairs,
  options.seeds))
print(mnemo.runs.columns(rows))

rows = { { "n/d", "ReLU", "theory", "He₂", "theory", "the sum, w₁", "theory", "the sum, w₂" } }
for i, ratio in ipairs(ratios) do
  local row = { ratio }
  for k, target in ipairs(targets) do
    row[2 * k] = text(of(overlap(k, i, 1)))
    row[2 * k + 1] = ("%.3f"):format(expected(target, ratio))
  end
  row[#row + 1] = text(of(overlap(3, i, 2)))
  rows[#rows + 1] = row
end
print(("\nOverlap of %d neurons after one step on n samples of %d inputs; before it, %s:\n"):format(
  options.neurons, options.inputs, text(of(before))))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

--- Describes a measure of layers, over the widths.
local function sized(name, label)
  local points = {}
  for i in ipairs(widths) do points[i] = values(i, name) end
  local text_of_slope = ("%.2f"):format(slope(name).mean):gsub("^%-(0%.00)$", "%1")
  return { name = label .. ": " .. text_of_slope, y = mnemo.runs.transposed(points),
    style = "linespoints" }
end

--- Draws sizes, with a line ∝ 1/√d through the first of a measure.
local function layer_panel(title, ylabel, series, through)
  local line = {}
  for i, d in ipairs(widths) do
    line[i] = mnemo.runs.summary(values(1, through)) * math.sqrt(widths[1] / d)
  end
  series[#series + 1] = { name = "∝ 1/√d", y = line, style = "reference" }
  return mnemo.plot.lines {
    title = title, x = widths, xlabel = "width d", ylabel = ylabel, xscale = "log",
    yscale = "log", legend = "below", series = series,
  }
end

--- Describes overlaps with a direction over the ratios, and what theory expects.
local function learned(k, direction, name)
  local points = {}
  for i in ipairs(ratios) do points[i] = overlap(k, i, direction) end
  return { name = name, y = mnemo.runs.transposed(points), style = "linespoints" }
end
local function theory(k, name)
  local line = {}
  for i, ratio in ipairs(ratios) do line[i] = expected(targets[k], ratio) end
  return { name = name, y = line, style = "reference" }
end

--- Draws overlaps, with a line where they are by chance.
local function step_panel(title, series)
  return mnemo.plot.lines {
    title = title, x = ratios, xlabel = "samples n/d", ylabel = "overlap", xscale = "log",
    ylim = { 0, 1.02 }, legend = "below", series = series,
    hlines = { { at = mnemo.runs.summary(before), name = "before the step" } },
  }
end

mnemo.plot.grid({
  layer_panel("updates of memories: sizes and their slopes", "size", {
    sized("before", "‖W₀u‖"), sized("maximal", "‖ΔWu‖, maximal"),
    sized("kernel", "‖ΔWu‖, kernel"), sized("weights", "‖ΔW‖/‖W₀‖"),
  }, "kernel"),
  layer_panel("a gradient step: change of a hidden layer", "‖ΔWx‖ / ‖W₀x‖", {
    sized("maximal_step", "maximal"), sized("kernel_step", "kernel"),
  }, "kernel_step"),
  step_panel("one step: a single direction", {
    learned(1, 1, "ReLU"), learned(2, 1, "He₂"), theory(1, "theory"), theory(2),
  }),
  step_panel("one step: y = w₁·x + He₂(w₂·x)", {
    learned(3, 1, "w₁"), learned(3, 2, "w₂"), theory(3, "theory, w₁"),
  }),
}, { title = "What an update changes", width = 900, height = 800 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Says what becomes of updates as layers grow wider.
local function say_layers()
  for _, measure in ipairs(measures) do
    local found = slope(measure[1])
    print(("%s: the slope on d is %s, %s the %g expected of wide layers."):format(measure[2],
      text(found), math.abs(found.mean - measure[3]) < 0.05 and "near" or "not near", measure[3]))
  end
end

--- Says how much more than before the step neurons know of a direction, and what was expected.
local function say_step(k, direction, name)
  local found = of(overlap(k, #ratios, direction))
  print(("After a step on n = %dd samples the overlap with %s is %s, %s."):format(ratios[#ratios],
    name, text(found), compare(found, of(before)) == "more"
    and ("%.1f times that before"):format(found.mean / of(before).mean)
    or "not told to be more than before"))
end

print()
if options.seeds > 1 and #widths > 2 then
  say_layers()
else
  print("Nothing can be said about widths: it takes two seeds and three widths or more.")
end
if compare(of(overlap(1, #ratios, 1)), of(before)) == "more" then
  say_step(1, 1, "the ReLU's direction")
  say_step(2, 1, "He₂'s direction")
  say_step(3, 1, "w₁ of the sum")
  say_step(3, 2, "w₂ of the sum")
else
  print("Nothing can be said about the large step: it does not turn weights towards even a ReLU's "
    .. "direction, as far as the seeds tell.")
end
print("Results are in " .. options.out)
