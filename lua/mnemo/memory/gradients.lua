--- Gradients of an associative memory in closed form: Lemmas 1 and 2 of Bietti and others, Birth
-- of a Transformer: A Memory Viewpoint (2023).
local blocks = require "mnemo.memory.blocks"
local expect = require "mnemo.text.expect"
local given = require "mnemo.memory.given"
local mnemo = require "mnemo"

local memory = {}

--- Returns p(z, k) of a block of inputs whose answers are certain.
local function certain(targets, weights, first, count, n, m)
  local p = weights and weights:narrow(1, first, count) or mnemo.full(count, 1 / n)
  local ids = targets and targets:narrow(1, first, count)
    or mnemo.int_arange(first, first + count - 1)
  return mnemo.one_hot(ids, m) * p:reshape(count, 1), p
end

--- Returns the gradient of the population loss of a linear memory (Lemma 1):
-- ∇L = Σ_z Σ_k (p(z) p̂_W(k|z) − p(z, k)) v_k u_zᵀ, where L(W) = E[−log p̂_W(k|z)] and
-- p̂_W(·|z) = softmax(V W u_z).
-- @tparam Tensor W the memory [d_out, d_in]
-- @tparam Tensor U inputs [n, d_in]
-- @tparam Tensor V outputs [m, d_out]
-- @tparam[opt] IntTensor options.targets f(z), [n]: p(k|z) = 1 where k = f(z); f(z) = z without it
-- @tparam[opt=1/n] Tensor options.weights p(z), [n], with the sum 1
-- @tparam[opt] Tensor options.joint p(z, k), [n, m], in place of both
-- @treturn Tensor [d_out, d_in]
-- @usage
-- local U, V = mnemo.randn(5, 16, { seed = 1 }), mnemo.randn(5, 16, { seed = 2 })
-- local W = mnemo.zeros(16, 16):requires_grad(true)
-- U:matmul(W:t()):matmul(V:t()):cross_entropy(mnemo.int_tensor { 1, 2, 3, 4, 5 }):backward()
-- print((W.grad - mnemo.memory.population_gradient(W, U, V)):abs():max():item() < 1e-6)
function memory.population_gradient(W, U, V, options)
  local where = "memory.population_gradient"
  given.matrix(where, W, U, V)
  options = given.options(where, options, { "targets", "weights", "joint" })
  local n, m = U:size(1), V:size(1)
  local joint, targets, weights = options.joint, nil, nil
  if joint then
    if options.targets or options.weights then
      expect.fail("%s: joint stands for targets and weights; give it alone", where)
    end
    given.joint(where, joint, n, m)
  else
    targets = given.targets(where, options.targets, n, m)
    weights = given.weights(where, options.weights, n, true)
  end
  return mnemo.no_grad(function()
    local gradient = mnemo.zeros(V:size(2), U:size(2))
    blocks.each(W, U, V, function(scores, first, inputs)
      local count = scores:size(1)
      local right, p
      if joint then
        right = joint:narrow(1, first, count)
        p = right:sum(2)
      else
        right, p = certain(targets, weights, first, count, n, m)
      end
      local excess = scores:softmax(2) * p:reshape(count, 1) - right
      gradient:add_(excess:matmul(V):t():matmul(inputs))
    end)
    return gradient
  end)
end

--- Returns the gradient of the loss of a linear memory over samples whose inputs are noisy
-- (Lemma 2): ∇L = Σ_k p(k) v_k (μ̂_k − μ_k)ᵀ, with μ_k = E[x | k] the mean input of an answer and
-- μ̂_k = E[p̂_W(k|x) x] / p(k).
-- @tparam Tensor W the memory [d_out, d_in]
-- @tparam Tensor X inputs of the samples [s, d_in]
-- @tparam IntTensor answers k of each sample, [s], from 1 to m
-- @tparam Tensor V outputs [m, d_out]
-- @treturn Tensor [d_out, d_in]
-- @treturn table `p` [m], the share of each answer; `means` [m, d_in], μ_k; `predicted` [m, d_in],
--   μ̂_k; rows of answers that no sample has are NaN
-- @usage
-- local X, V = mnemo.randn(20, 8, { seed = 1 }), mnemo.randn(2, 8, { seed = 2 })
-- local answers = {}
-- for i = 1, 20 do answers[i] = i % 2 + 1 end
-- local gradient, parts =
--   mnemo.memory.noisy_gradient(mnemo.zeros(8, 8), X, mnemo.int_tensor(answers), V)
-- print(gradient:norm():item(), parts.p)
function memory.noisy_gradient(W, X, answers, V)
  local where = "memory.noisy_gradient"
  given.matrix(where, W, X, V)
  local s, m = X:size(1), V:size(1)
  if answers == nil then expect.refuse(3, where, "IntTensor expected, got nil") end
  given.targets(where, answers, s, m)
  return mnemo.no_grad(function()
    local p, sums = mnemo.zeros(m), mnemo.zeros(m, X:size(2))
    local predicted = mnemo.zeros(m, X:size(2))
    blocks.each(W, X, V, function(scores, first, inputs)
      local right = mnemo.one_hot(answers:narrow(1, first, scores:size(1)), m)
      p:add_(right:sum(1) / s)
      sums:add_(right:t():matmul(inputs) / s)
      predicted:add_(scores:softmax(2):t():matmul(inputs) / s)
    end)
    local column = p:reshape(m, 1)
    return V:t():matmul(predicted - sums),
      { p = p, means = sums / column, predicted = predicted / column }
  end)
end

return memory
