--- What a trained matrix is made of.
local common = require "mnemo.probes.common"
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

local probes = {}

--- Returns a basis of the rows of a matrix [n, d] and the matrix that takes what is written in it
-- back to weights of the rows: orthonormal columns Q [d, r] and B [n, r], where B Qᵀ is the
-- pseudo-inverse, transposed.
local function basis_of(rows)
  local left, sizes, right = mnemo.linalg.svd(rows)
  local values, rank = sizes:totable(), 0
  -- What is smaller than rounding is no direction of its own.
  local least = (values[1] or 0) * math.max(rows:size(1), rows:size(2)) * 1.2e-7
  while rank < #values and values[rank + 1] > least do rank = rank + 1 end
  return right:narrow(2, 1, rank), left:narrow(2, 1, rank) / sizes:narrow(1, 1, rank)
end

--- Returns what of a matrix's columns is outside of the span of the orthonormal columns Q.
local function outside_of(Q, A)
  if Q:size(2) == Q:size(1) then return A * 0 end
  -- Once more, because rounding leaves a little of the span the first time.
  for _ = 1, 2 do A = A - Q:matmul(Q:t():matmul(A)) end
  return A
end

--- Returns the squared Euclidean norm of a matrix.
local function squared(A)
  return A:square():sum():item()
end

--- Takes a trained matrix apart: W = α₀ W₀ + Σ_ij α_ij v_j u_iᵀ + rest.
--
-- A gradient step on a memory adds outer products of outputs and inputs, weight decay shrinks
-- everything by one factor. So what is outside of the span of the v_j should be α₀ W₀ alone, and
-- α₀ is measured there: the multiple of W₀ that is nearest to W. The α_ij are those whose sum is
-- nearest to the change W − α₀ W₀; of several, the smallest.
-- @tparam Tensor W the trained matrix [d_out, d_in]
-- @tparam Tensor W0 the matrix before training [d_out, d_in]
-- @tparam Tensor U inputs u_i, one a row [n, d_in]
-- @tparam Tensor V outputs v_j, one a row [m, d_out]
-- @tparam[opt] number alpha0 α₀, where it is known; where the v_j span everything it cannot be
--   measured, and is NaN without this
-- @treturn table `alpha0`; `outside`, the size of W − α₀ W₀ outside of the span of the v_j,
--   relative to that of W there; `alpha` [n, m], α_ij in row i and column j; `share`, how much of
--   the squared change the outer products hold; `chance`, how much of a random matrix they hold
-- @usage
-- local U, V, W0 = mnemo.randn(5, 16), mnemo.randn(4, 16), mnemo.randn(16, 16)
-- local parts = mnemo.probes.decompose(W0 * 0.9 + V[2]:outer(U[3]), W0, U, V)
-- print(parts.alpha0, parts.alpha, parts.share)
function probes.decompose(W, W0, U, V, alpha0)
  expect.shapes("probes.decompose", { W, "d_out", "d_in" }, { W0, "d_out", "d_in" },
    { U, "n", "d_in" }, { V, "m", "d_out" })
  expect.argument(5, "probes.decompose", alpha0, "number", "nil")
  return mnemo.no_grad(function()
    local outputs, from_outputs = basis_of(V)
    local inputs, from_inputs = basis_of(U)
    local left, left0 = outside_of(outputs, W), outside_of(outputs, W0)
    alpha0 = alpha0 or common.ratio((left * left0):sum():item(), squared(left0))
    local change = W - W0 * alpha0
    -- The change between the two spans, in their bases.
    local between = inputs:t():matmul(change:t()):matmul(outputs)
    return {
      alpha0 = alpha0,
      outside = math.sqrt(common.ratio(squared(left - left0 * alpha0), squared(left))),
      alpha = from_inputs:matmul(between):matmul(from_outputs:t()),
      share = common.ratio(squared(between), squared(change)),
      chance = inputs:size(2) * outputs:size(2) / W:numel(),
    }
  end)
end

return probes
