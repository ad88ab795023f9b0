-- E25  Random embeddings are nearly orthonormal
--
-- Memories made of outer products work because random vectors of width d, N(0, 1/d), hardly
-- overlap: u_iᵀ u_j = O(1/√d), and all N² pairs at once stay near √(2 log N² / d) or below. A
-- random matrix W ~ N(0, 1/d) remaps them: ‖W u‖ ≈ 1, u_iᵀ W u_j = O(1/√d), so that a remapped
-- token can be told from the token itself, and (W u_i)ᵀ (W u_j) ≈ u_iᵀ u_j up to O(1/√d). The
-- scores γ_zy = v_yᵀ W u_z of the memory W = Σ_z v_f(z) u_zᵀ are right on average,
-- E γ_zy = 1{y = f(z)}, with
--
--   Var γ_zy ≲ |{z′ : f(z′) = y}| / d + |{z′ : f(z′) ≠ y}| / d².
--
-- What should be seen: overlaps fall as d^−1/2; norms after a remap stay 1; errors of scores are as
-- the formula says. With an answer to each input N/d² is what counts until d ≈ N/2, with few
-- answers to all of them N/d is.
--
-- After the slides of Bietti et al. 2023, and Cabannes et al. 2024, "Scaling Laws for Associative
-- Memories".
local mnemo = require "mnemo"
local memory = mnemo.memory

local options = require "mnemo.arguments" {
  about = "Measures how random embeddings overlap, are remapped, and what memories of them score "
    .. "(E25).",
  quick = { count = 200 },
  full = { count = 2000, widest = 4096 },
  { "count", 500, "embeddings, N", min = 8 },
  { "widest", 1024, "the largest width d; others are 16, 32, 64, …", min = 16 },
  { "seeds", 5, "draws", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/embedding_geometry", "folder for results", type = "folder" },
}
local N, M, widths = options.count, 4, { 16 }
while 2 * widths[#widths] <= options.widest do widths[#widths + 1] = 2 * widths[#widths] end

-- What is measured, by name, with what theory says of it --------------------------------------

local function one() return 1 end
local function overlap(d) return d ^ -0.5 end
local measures = {
  overlap = { "u_iᵀ u_j", overlap },
  largest = { "largest u_iᵀ u_j", function(d) return math.sqrt(2 * math.log(N * N) / d) end },
  norm = { "norm of W u", one },
  remap = { "u_iᵀ W u_j", overlap },
  change = { "change of u_iᵀ u_j", overlap },
  right = { "right score", one },
  -- A term 1/d more than the bound: z′ = z is there with u_zᵀ u_z = 1.
  each = { "error, N answers", function(d) return math.sqrt(2 / d + N / d ^ 2) end },
  few = { ("error, %d answers"):format(M), function(d)
    return math.sqrt(N / M / d + (N - N / M) / d ^ 2)
  end },
}

--- Returns the entries of a matrix [N, N] off its diagonal: the root of their mean square, and the
-- largest size.
local function off_diagonal(matrix)
  local others = matrix * (1 - mnemo.eye(N))
  return math.sqrt(others:square():sum():item() / (N * (N - 1))), others:abs():max():item()
end

--- Measures one draw of width d, by name.
local function draw(d, seed)
  local U = memory.embeddings(N, d, { seed = 3 * seed })
  local V = memory.embeddings(N, d, { seed = 3 * seed + 1 })
  local W = mnemo.randn(d, d, { seed = 3 * seed + 2 }) / math.sqrt(d)
  local mapped, overlaps, found = U:matmul(W:t()), U:matmul(U:t()), {}
  found.overlap, found.largest = off_diagonal(overlaps)
  found.norm = mapped:norm(2, 2):mean():item()
  found.remap = off_diagonal(U:matmul(mapped:t()))
  found.change = off_diagonal(mapped:matmul(mapped:t()) - overlaps)
  -- A memory with an answer to each input, and one with M answers to all of them.
  local scores = U:matmul(memory.outer(V, U):t()):matmul(V:t())
  found.right = (scores * mnemo.eye(N)):sum():item() / N
  found.each = off_diagonal(scores)
  local answers = mnemo.int_arange(0, N - 1) % M + 1
  scores = U:matmul(memory.outer(V[answers], U):t()):matmul(V:narrow(1, 1, M):t())
  found.few = math.sqrt((scores - mnemo.one_hot(answers, M)):square():mean():item())
  return found
end

local draws = {} -- [seed][width], by name
for s = 1, options.seeds do
  draws[s] = {}
  for j, d in ipairs(widths) do draws[s][j] = draw(d, options.seed + s - 1) end
end

--- Returns a number of each seed along the widths.
local function by_seed(name)
  local values = {}
  for s, draws_of_seed in ipairs(draws) do
    values[s] = {}
    for j, found in ipairs(draws_of_seed) do values[s][j] = found[name] end
  end
  return values
end

--- Returns the measurements over seeds along the widths.
local function over_seeds(name)
  local list = mnemo.runs.transposed(by_seed(name))
  for j, values in ipairs(list) do list[j] = mnemo.stats.of(values) end
  return list
end

--- Returns what theory says along the widths.
local function predicted(name)
  local values = {}
  for j, d in ipairs(widths) do values[j] = measures[name][2](d) end
  return values
end

--- Returns the slope in d on log–log scales, fitted to each of some rows of values along the
-- widths, and the mean factor; NaN where there is one width only.
local function slope(of_rows)
  local slopes, logs = {}, 0
  for s, values in ipairs(of_rows) do
    local fit = #widths > 1 and memory.slope(widths, values) or { mean = 0 / 0, factor = 1 }
    slopes[s], logs = fit.mean, logs + math.log(fit.factor) / #of_rows
  end
  return mnemo.stats.of(slopes), math.exp(logs)
end

-- The tables ---------------------------------------------------------------------------------

local text = mnemo.stats.text

--- Prints measurements along the widths beside theory, and below them their slopes.
local function print_table(title, names)
  local rows, slopes = { { "d" } }, { "slope" }
  for j, d in ipairs(widths) do rows[j + 1] = { d } end
  for _, name in ipairs(names) do
    local found, theory = over_seeds(name), predicted(name)
    table.insert(rows[1], measures[name][1])
    table.insert(rows[1], "theory")
    for j in ipairs(widths) do
      table.insert(rows[j + 1], text(found[j]))
      table.insert(rows[j + 1], ("%.3f"):format(theory[j]))
    end
    table.insert(slopes, text((slope(by_seed(name)))))
    local of_theory = slope { theory }
    table.insert(slopes, text({ mean = of_theory.mean }))
  end
  rows[#rows + 1] = slopes
  print(title)
  print(mnemo.runs.columns(rows))
end

print_table(("Overlaps of %d embeddings, %d seed(s); sizes are roots of mean squares:\n"):format(N,
  options.seeds), { "overlap", "largest" })
print_table("\nRemapped by a random matrix:\n", { "norm", "remap", "change" })
print_table(("\nScores of memories of %d inputs, each with an answer of its own, or one of %d:\n")
  :format(N, M), { "right", "each", "few" })

-- The figure ---------------------------------------------------------------------------------

--- Draws measurements as points with a band, theory dashed, and lines fitted if they are asked for.
local function against_theory(title, names, theory_names, has_fits)
  local series, fits = {}, {}
  for i, name in ipairs(names) do
    series[i] = { name = measures[name][1], y = by_seed(name), style = "points" }
    series[#names + i] = { name = theory_names[i], y = predicted(name), style = "reference" }
    local fitted, factor = slope(by_seed(name))
    local line = {}
    for j, d in ipairs(widths) do line[j] = factor * d ^ fitted.mean end
    fits[i] = has_fits and #widths > 1 and
      { name = "fit, slope " .. text(fitted), y = line } or nil
  end
  return mnemo.plot.lines {
    title = title, x = widths, series = table.move(fits, 1, #fits, #series + 1, series),
    xlabel = "width d", ylabel = "size", xscale = "log", yscale = "log",
    legend = "below",
  }
end

--- Draws measurements over what theory says.
local function in_units_of_theory(title, names)
  local series = {}
  for i, name in ipairs(names) do
    local theory = mnemo.tensor(predicted(name))
    series[i] = { name = measures[name][1], y = mnemo.tensor(by_seed(name)) / theory }
  end
  return mnemo.plot.lines {
    title = title, x = widths, series = series, xlabel = "width d", ylabel = "size over theory's",
    xscale = "log", hlines = { { at = 1, name = "1, or d^−1/2" } }, legend = "below",
  }
end

mnemo.plot.grid({
  against_theory(("overlaps, N = %d"):format(N), { "overlap", "largest" },
    { "d^−1/2", "√(2 log N² / d)" }, true),
  in_units_of_theory("remapped by a random W", { "norm", "remap", "change" }),
  against_theory("errors of scores", { "each", "few" },
    { "√(2/d + N/d²)", ("√(N/%dd + (N − N/%d)/d²)"):format(M, M) }),
}, { title = "Random embeddings are nearly orthonormal", columns = 3, width = 1200, height = 450 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these numbers ------------------------------------------------------------

local compare = mnemo.stats.compare

--- Says how far means are from theory, and at how many widths by more than their errors.
local function beside_theory(name)
  local theory, worst, told = predicted(name), 0, 0
  for j, found in ipairs(over_seeds(name)) do
    worst = math.max(worst, math.abs(found.mean / theory[j] - 1))
    if compare(found, theory[j]) then told = told + 1 end
  end
  return ("within %d %% of theory, told apart from it at %d of %d widths"):format(
    math.ceil(100 * worst), told, #widths)
end

print()
local fall = slope(by_seed "overlap")
if not fall.error or fall.mean ~= fall.mean then
  print(("Nothing can be said about overlaps: %d seed(s) and %d width(s) give no slope with an "
    .. "error."):format(options.seeds, #widths))
else
  print(("Overlaps fall as d^%s, which is %swithin 0.02 of d^−1/2."):format(text(fall),
    math.abs(fall.mean + 0.5) < 0.02 and "" or "not "))
  local below = 0
  for j, found in ipairs(over_seeds "largest") do
    if compare(found, predicted("largest")[j]) == "less" then below = below + 1 end
  end
  print(("The largest is below √(2 log N² / d) by more than its error at %d of %d widths."):format(
    below, #widths))
  print("A remap keeps norms: " .. beside_theory "norm" .. ".")
  print("A remapped token is as far from itself as any other: " .. beside_theory "remap" .. ".")
  print(("Errors of scores, %d answers: %s."):format(N, beside_theory "each"))
  print(("Errors of scores, %d answers: %s."):format(M, beside_theory "few"))
end
print("Results are in " .. options.out)
