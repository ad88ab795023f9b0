--- The Hessian of the loss of a linear memory.
local blocks = require "mnemo.memory.blocks"
local expect = require "mnemo.text.expect"
local given = require "mnemo.memory.given"
local mnemo = require "mnemo"

local memory = {}

--- Multiplies a direction by the Hessian of L(W) = E[−log p̂_W(f(z)|z)], exactly:
-- H·D = Σ_z p(z) Vᵀ (diag p̂_z − p̂_z p̂_zᵀ) V D u_z u_zᵀ. It does not depend on the right answers.
local function product(D, W, U, V, weights)
  local result = mnemo.zeros(D:size(1), D:size(2))
  local n = U:size(1)
  blocks.each(W, U, V, function(scores, first, inputs)
    local count = scores:size(1)
    local p = scores:softmax(2)
    local change = inputs:matmul(D:t()):matmul(V:t())
    local slope = p * (change - (p * change):sum(2, true))
    local p_of_inputs = weights and weights:narrow(1, first, count):reshape(count, 1) or 1 / n
    result:add_((slope * p_of_inputs):matmul(V):t():matmul(inputs))
  end)
  return result
end

--- Multiplies a direction by the Hessian of the softmax loss of a linear memory, exactly:
-- H·D = Σ_z p(z) Vᵀ (diag p̂_z − p̂_z p̂_zᵀ) V D u_z u_zᵀ, p̂_z = softmax(V W u_z). The right
-- answers do not enter.
-- @tparam Tensor W the memory [d_out, d_in]
-- @tparam Tensor U inputs [n, d_in]
-- @tparam Tensor V outputs [m, d_out]
-- @tparam Tensor D the direction [d_out, d_in]
-- @tparam[opt=1/n] Tensor options.weights p(z), [n], with the sum 1
-- @treturn Tensor [d_out, d_in]
-- @usage
-- local U = mnemo.eye(2)
-- local D = mnemo.tensor { { 1, 0 }, { 0, 0 } }
-- print(mnemo.memory.hessian_product(mnemo.zeros(2, 2), U, U, D))
function memory.hessian_product(W, U, V, D, options)
  local where = "memory.hessian_product"
  given.matrix(where, W, U, V)
  options = given.options(where, options, { "weights" })
  local weights = given.weights(where, options.weights, U:size(1), true)
  expect.argument(4, where, D, "Tensor")
  if D:dim() ~= 2 or D:size(1) ~= W:size(1) or D:size(2) ~= W:size(2) then
    expect.refuse(4, where, ("shape [%d, %d] expected, got [%s]"):format(W:size(1), W:size(2),
      table.concat(D:shape(), ", ")))
  end
  return mnemo.no_grad(function() return product(D, W, U, V, weights) end)
end

--- Returns the largest eigenvalue of the matrix of diagonal `a` and off-diagonal `b`, and its
-- eigenvector.
local function top_of_tridiagonal(a, b)
  local rows = {}
  for i = 1, #a do
    rows[i] = {}
    for j = 1, #a do
      rows[i][j] = i == j and a[i] or (math.abs(i - j) == 1 and b[math.min(i, j)]) or 0
    end
  end
  local values, vectors = mnemo.linalg.eigh(mnemo.tensor(rows))
  return values[-1]:item(), vectors:select(2, -1)
end

--- Returns the largest eigenvalue of the Hessian of the softmax loss of a linear memory, the
-- sharpness, with its eigenvector, by the method of Lanczos with full orthogonalisation. Gradient
-- descent with learning rate η is stable around a minimum where it is below 2/η.
-- @tparam Tensor W the memory [d_out, d_in]
-- @tparam Tensor U inputs [n, d_in]
-- @tparam Tensor V outputs [m, d_out]
-- @tparam[opt=1/n] Tensor options.weights p(z), [n], with the sum 1
-- @tparam[opt=40] integer options.iterations Hessian products at most
-- @tparam[opt=1e-5] number options.tolerance ends when ‖H·x − λ·x‖ is below this times λ
-- @tparam[opt=1] integer options.seed of the first direction
-- @treturn number λ
-- @treturn Tensor the direction, of norm 1 [d_out, d_in]
-- @usage
-- local U = mnemo.eye(2)
-- print(mnemo.memory.hessian_top(mnemo.zeros(2, 2), U, U))
function memory.hessian_top(W, U, V, options)
  local where = "memory.hessian_top"
  given.matrix(where, W, U, V)
  options = given.options(where, options, { "weights", "iterations", "tolerance", "seed" })
  local weights = given.weights(where, options.weights, U:size(1), true)
  local iterations = options.iterations or 40
  if math.type(iterations) ~= "integer" or iterations < 1 then
    expect.fail("%s: iterations is %s (allowed: an integer of 1 or more)", where,
      tostring(iterations))
  end
  local tolerance = options.tolerance or 1e-5
  return mnemo.no_grad(function()
    local shape, size = W:shape(), W:numel()
    local direction = mnemo.randn(size, { seed = options.seed or 1 })
    direction = direction / direction:norm()
    local basis, a, b = {}, {}, {}
    local value, within
    for step = 1, math.min(iterations, size) do
      basis[step] = direction
      local image = product(direction:reshape(shape), W, U, V, weights):reshape(size)
      a[step] = direction:dot(image):item()
      local known = mnemo.stack(basis, 1)
      -- Twice, because rounding leaves a little of the known directions the first time.
      for _ = 1, 2 do image = image - known:t():matmul(known:matmul(image)) end
      local rest = image:norm():item()
      value, within = top_of_tridiagonal(a, b)
      local miss = rest * math.abs(within[-1]:item())
      if rest <= 1e-12 or miss <= tolerance * value then break end
      b[step] = rest
      direction = image / rest
    end
    local top = mnemo.stack(basis, 1):t():matmul(within)
    return value, (top / top:norm()):reshape(shape)
  end)
end

return memory
