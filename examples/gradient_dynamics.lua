-- E13  How gradient descent fills a memory
--
-- Two associations: the input u₁, of probability p, has the output v₁, and u₂ has v₂. The outputs
-- are orthonormal, the inputs unit vectors with u₁ᵀu₂ = c. Gradient descent on all data, from
-- W = 0, minimises
--
--   L(W) = p log(1 + exp(−γ₁)) + (1 − p) log(1 + exp(−γ₂)),   γ_z = (v_z − v_other)ᵀ W u_z
--
-- where the margin γ_z says by how much z is right. With a_z = p_z / (1 + exp γ_z), what z pulls
-- with, a step of size η is γ₁ += 2η (a₁ − c a₂), γ₂ += 2η (a₂ − c a₁): similar inputs pull
-- against each other, and first the frequent one wins. Once both are right the margins grow as
-- log t, the loss falls as 1 / ((1 − c) η t), and a₁ = a₂, so that γ₁ − γ₂ → log(p / (1 − p)). What
-- it was off by shrinks as t^(−(1 + c) / (1 − c)), slowly where c < 0, and that a_z is not quite
-- p_z exp(−γ_z) leaves 1/t.
--
-- The Hessian of L is Σ_z h_z (w wᵀ) ⊗ (u_z u_zᵀ) with w = (v₁ − v₂) / √2 and
-- h_z = 2 p_z / ((1 + exp γ_z) (1 + exp −γ_z)), so that its largest eigenvalue, the sharpness, is
-- that of a matrix of two rows: (h₁ + h₂ + √((h₁ + h₂)² − 4 (1 − c²) h₁ h₂)) / 2.
--
-- What should be seen, with c = −.5, .5, .95: with η = 1 the loss never rises. With η = 10 it
-- does at c = .95, on eight steps, up to 1.35, and the rare input's margin falls to −5.4; yet both
-- are right after 14 steps, where η = 1 takes 51, and the final loss is a tenth. At c = ±.5 it
-- does not rise, although the sharpness at W = 0, which is the greatest, is above 2/η there too.
-- Nothing is drawn by chance: only p, c and η matter.
--
-- After Cabannes, Simsek, Bietti 2024, "Learning Associative Memories with Gradient Descent".
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Follows gradient descent on a memory of two associations (E13).",
  quick = { steps = 300 },
  full = { steps = 20000 },
  { "p", 0.75, "probability of the first input", min = 0.01, max = 0.99 },
  { "lr", 1.0, "the small learning rate", min = 0, max = 100 },
  { "large_lr", 10.0, "the large one", min = 0, max = 100 },
  { "steps", 1000, "steps of gradient descent", min = 1 },
  { "out", "runs/gradient_dynamics", "folder for results", type = "folder" },
}
local overlaps, rates = { -0.5, 0.5, 0.95 }, { options.lr, options.large_lr }
local p = mnemo.tensor { options.p, 1 - options.p }
local ratio = math.log(options.p / (1 - options.p))

-- Gradient descent, all runs side by side --------------------------------------------------

local runs = {} -- of each pair of η and c
for _, lr in ipairs(rates) do
  for _, c in ipairs(overlaps) do runs[#runs + 1] = { lr = lr, c = c } end
end

--- Tells whether a step is kept for figures: the first ones, then 20 in a power of ten.
local function is_kept(step)
  local function place(t) return math.floor(20 * math.log(t, 10)) end
  return step <= 20 or step == options.steps or place(step) > place(step - 1)
end

local inputs, lr = {}, {}
for r, run in ipairs(runs) do
  inputs[r], lr[r] = { { 1, 0 }, { run.c, math.sqrt(1 - run.c ^ 2) } }, { { run.lr } }
end
local U, eta = mnemo.tensor(inputs), mnemo.tensor(lr) -- [run, z, d], [run, 1, 1]
local W, V = mnemo.zeros(#runs, 2, 2), mnemo.eye(2) -- [run, d, d]: the outputs are v_k = e_k
local scores, kept = {}, {} -- kept: steps

for step = 0, options.steps do
  scores[step + 1] = U:matmul(W:transpose(2, 3)) -- [run, z, k]
  if is_kept(step) then kept[#kept + 1] = step end
  local excess = (scores[step + 1]:softmax(3) - V) * p:reshape(2, 1)
  W = W - eta * excess:transpose(2, 3):matmul(U)
end

local of_steps = mnemo.stack(scores, 1) -- [step, run, z, k]
local margins = (of_steps:select(4, 1) - of_steps:select(4, 2)) * mnemo.tensor { 1, -1 }
local losses = ((-margins):softplus() * p):sum(3)
local curvature = 2 * p * margins:sigmoid() * (-margins):sigmoid() -- h_z, [step, run, z]
local both, product = curvature:sum(3), curvature:prod(3)
for r, run in ipairs(runs) do
  local h = both:select(2, r)
  run.sharpness = ((h + (h:square() - 4 * (1 - run.c ^ 2) * product:select(2, r)):sqrt()) / 2)
    :totable()
  -- The same by Lanczos, from the Hessian's products with directions.
  run.at_start = mnemo.memory.hessian_top(mnemo.zeros(2, 2), U[r], V, { weights = p })
end
for r, run in ipairs(runs) do
  run.gamma, run.loss = margins:select(2, r):t():totable(), losses:select(2, r):totable()
  run.rises, run.highest, run.last_error, run.least = 0, 1, 0, 0
  for i, loss in ipairs(run.loss) do
    run.least = math.min(run.least, run.gamma[2][i])
    if i > 1 and loss > run.loss[i - 1] then run.rises = run.rises + 1 end
    if loss > run.loss[run.highest] then run.highest = i end
    if not (run.gamma[1][i] > 0 and run.gamma[2][i] > 0) then run.last_error = i - 1 end
  end
  run.difference = run.gamma[1][#run.loss] - run.gamma[2][#run.loss]
  run.is_right = run.last_error < options.steps
end

-- The table --------------------------------------------------------------------------------

local rows = { { "η", "c", "sharpness at W = 0", "2/η", "loss rises on", "highest loss",
  "least γ₂", "last error", "final loss", "1/((1 − c) η t)", "γ₁ − γ₂" } }
for _, run in ipairs(runs) do
  rows[#rows + 1] = {
    ("%g"):format(run.lr), ("%g"):format(run.c), ("%.3f"):format(run.at_start),
    ("%.3g"):format(2 / run.lr), ("%d steps"):format(run.rises),
    ("%.3f at step %d"):format(run.loss[run.highest], run.highest - 1),
    ("%.2f"):format(run.least),
    run.is_right and ("step %d"):format(run.last_error) or "to the end",
    ("%.3g"):format(run.loss[#run.loss]),
    ("%.3g"):format(1 / ((1 - run.c) * run.lr * options.steps)), ("%.3f"):format(run.difference),
  }
end
print(("Gradient descent on two associations, p = %g and %g, %d steps; log(p₁/p₂) = %.3f:\n")
  :format(options.p, 1 - options.p, options.steps, ratio))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

local across, upward, landscape = {}, {}, {}
for i = 0, 26 do across[i + 1] = -2 + 0.5 * i end
for j = 0, 30 do upward[j + 1] = -6 + 0.5 * j end
for j, second in ipairs(upward) do
  landscape[j] = {}
  for i, first in ipairs(across) do
    landscape[j][i] = options.p * math.log(1 + math.exp(-first))
      + (1 - options.p) * math.log(1 + math.exp(-second))
  end
end

--- Lists what a run has at the steps that are kept.
local function at_kept(list)
  local values = {}
  for i, step in ipairs(kept) do values[i] = list[step + 1] end
  return values
end

--- Draws the paths of the margins with one learning rate over the loss.
local function paths(rate)
  local series = {}
  for _, run in ipairs(runs) do
    if run.lr == rate then
      series[#series + 1] = { name = ("c = %g"):format(run.c), x = at_kept(run.gamma[1]),
        y = at_kept(run.gamma[2]) }
    end
  end
  return mnemo.plot.contour {
    title = ("paths over the loss (nats), η = %g"):format(rate), x = across, y = upward,
    z = landscape, levels = { 0.003, 0.03, 0.1, 0.3, 0.7, 1.5, 3 }, palette = "greys",
    xlabel = "γ₁, frequent", ylabel = "γ₂, rare", series = series,
  }
end

--- Draws curves of the runs with one learning rate over the steps, without step 0.
-- @tparam function curves lists those of a run
local function over_steps(rate, title, ylabel, curves, others)
  local series = {}
  for _, run in ipairs(runs) do
    for _, curve in ipairs(run.lr == rate and curves(run) or {}) do
      curve.x = table.move(kept, 2, #kept, 1, {})
      curve.y = table.move(curve.y, 2, #curve.y, 1, {})
      series[#series + 1] = curve
    end
  end
  local figure = { title = ("%s, η = %g"):format(title, rate), xlabel = "step", ylabel = ylabel,
    xscale = "log", series = series, legend = "below" }
  for key, value in pairs(others or {}) do figure[key] = value end
  return mnemo.plot.lines(figure)
end

local panels = {}
for _, rate in ipairs(rates) do panels[#panels + 1] = paths(rate) end
for _, rate in ipairs(rates) do
  panels[#panels + 1] = over_steps(rate, "loss", "loss (nats)", function(run)
    local measured, theory = { name = ("c = %g"):format(run.c), y = at_kept(run.loss) }, {}
    if run.lr == 0 then return { measured } end
    for i, step in ipairs(kept) do theory[i] = 1 / ((1 - run.c) * run.lr * step) end
    return { measured, { name = run.c == overlaps[1] and "1/((1 − c) η t)" or nil, y = theory,
      style = "reference" } }
  end, { yscale = "log", ylim = { 3e-5, 3 } })
end
for _, rate in ipairs(rates) do
  panels[#panels + 1] = over_steps(rate, "margins", "margin", function(run)
    return { { name = ("γ₁, c = %g"):format(run.c), y = at_kept(run.gamma[1]) },
      { name = ("γ₂, c = %g"):format(run.c), y = at_kept(run.gamma[2]) } }
  end)
end
for _, rate in ipairs(rates) do
  panels[#panels + 1] = over_steps(rate, "sharpness", "largest eigenvalue", function(run)
    return { { name = ("c = %g"):format(run.c), y = at_kept(run.sharpness) } }
  end, { yscale = "log", hlines = rate > 0
    and { { at = 2 / rate, name = ("2/η = %g"):format(2 / rate) } } or nil })
end
mnemo.plot.grid(panels, { title = "Gradient descent on two associations", width = 900,
  height = 1500, heights = { 1.3, 1, 1.15, 1 } })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Says what the loss of a run did, and whether the sharpness tells it.
local function say_stability(run)
  local sharpest = 0
  for _, sharpness in ipairs(run.sharpness) do sharpest = math.max(sharpest, sharpness) end
  print(("η = %g, c = %g: the loss %s; the sharpness is %.3g at most, %s 2/η = %.3g."):format(
    run.lr, run.c, run.rises > 0 and ("rises on %d steps"):format(run.rises) or "never rises",
    sharpest, sharpest > 2 / run.lr and "above" or "below", 2 / run.lr))
end

--- Says how fast the difference of the margins goes to log(p₁/p₂), from the last tenth of the way
-- in log t, where it is far enough from it to be told from rounding.
local function say_difference(run)
  local t, off = {}, {}
  for _, step in ipairs(kept) do
    local miss = run.gamma[1][step + 1] - run.gamma[2][step + 1] - ratio
    if 10 * step >= options.steps and math.abs(miss) > 1e-3 then
      t[#t + 1], off[#off + 1] = step, math.abs(miss)
    end
  end
  local rate = -math.min(1, (1 + run.c) / (1 - run.c))
  print(("η = %g, c = %g: γ₁ − γ₂ is %.3f, log(p₁/p₂) %.3f; what it is off by %s."):format(run.lr,
    run.c, run.difference, ratio, #t >= 5 and ("goes as t^(%s), in theory t^(%.3f)"):format(
      mnemo.stats.text(mnemo.memory.slope(t, off)), rate)
      or ("is within rounding in the last steps, as t^(%.3g) lets expect"):format(rate)))
end

print()
local are_right, apart = true, 0
for _, run in ipairs(runs) do
  are_right = are_right and run.is_right
  apart = math.max(apart, math.abs(run.at_start - run.sharpness[1]))
end
print(("The sharpness at W = 0 by Lanczos and in closed form: %.1g apart."):format(apart))
if are_right then
  for _, run in ipairs(runs) do say_stability(run) end
  for _, run in ipairs(runs) do say_difference(run) end
else
  print("Nothing can be said about how the memory is filled: not every run ends with both "
    .. "associations right.")
end
print("Results are in " .. options.out)
