--- Embeddings, and the matrices that are made of them.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

local memory = {}

local kinds = {}

function kinds.gaussian(n, d, seed)
  return mnemo.randn(n, d, seed) / math.sqrt(d)
end

function kinds.sphere(n, d, seed)
  local rows = mnemo.randn(n, d, seed)
  return rows / rows:norm(2, 2, true)
end

function kinds.orthonormal(n, d, seed)
  local Q = mnemo.linalg.qr(mnemo.randn(d, n, seed))
  return Q:t():contiguous()
end

function kinds.one_hot(n, d)
  return mnemo.eye(d):narrow(1, 1, n):clone()
end

--- Draws embeddings, one a row.
--
-- "gaussian": entries N(0, 1/d), so that norms are 1 on average; "sphere": the same, divided by
-- their norms; "orthonormal": n ≤ d rows of a random orthogonal matrix; "one_hot": the first n ≤ d
-- unit vectors.
-- @tparam integer n how many, 1 or more
-- @tparam integer d width, 1 or more
-- @tparam[opt=gaussian] "gaussian"|"sphere"|"orthonormal"|"one_hot" options.kind which
-- @tparam[opt] integer options.seed decides them; they follow `mnemo.seed` without it
-- @treturn Tensor [n, d]
-- @usage
-- local U = mnemo.memory.embeddings(3, 8, { kind = "orthonormal", seed = 1 })
-- print(U:matmul(U:t()))
function memory.embeddings(n, d, options)
  local where = "memory.embeddings"
  for position, size in ipairs { n or 0, d or 0 } do
    if math.type(size) ~= "integer" or size < 1 then
      expect.refuse(position, where, ("an integer of 1 or more expected, got %s"):format(
        tostring(position == 1 and n or position == 2 and d)))
    end
  end
  options = options or {}
  expect.keys(options, { "kind", "seed" }, where)
  local kind = options.kind or "gaussian"
  local draw = kinds[kind]
  if not draw then
    expect.fail("%s: kind is '%s'; allowed are gaussian, sphere, orthonormal, one_hot", where,
      tostring(kind))
  end
  if n > d and (kind == "orthonormal" or kind == "one_hot") then
    expect.fail("%s: %d vectors of kind '%s' do not fit in %d dimensions (allowed: up to %d)",
      where, n, kind, d, d)
  end
  return mnemo.no_grad(function() return draw(n, d, { seed = options.seed }) end)
end

--- Sums outer products, Σ_z q(z) v_z u_zᵀ: the memory that holds v_z under u_z.
--
-- Where many inputs share an output, choose its rows: `outer(V[targets], U)`.
-- @tparam Tensor V outputs, one for each input [n, d_out]
-- @tparam Tensor U inputs [n, d_in]
-- @tparam[opt] Tensor q how strongly each pair is held [n]; all 1 without it
-- @treturn Tensor [d_out, d_in]
-- @usage
-- local U, V = mnemo.memory.embeddings(5, 64), mnemo.memory.embeddings(5, 64)
-- local W = mnemo.memory.outer(V, U)
-- print(V[3]:dot(W:matmul(U[3])):item())
function memory.outer(V, U, q)
  expect.shapes("memory.outer", { V, "n", "d_out" }, { U, "n", "d_in" }, q and { q, "n" })
  return mnemo.no_grad(function()
    local weighted = q and V * q:reshape(q:size(1), 1) or V
    return weighted:t():matmul(U)
  end)
end

return memory
