--- What comes back of a memory.
local blocks = require "mnemo.memory.blocks"
local expect = require "mnemo.text.expect"
local given = require "mnemo.memory.given"
local mnemo = require "mnemo"

local memory = {}

--- Returns the right answers of a block.
local function answers_of(targets, first, count)
  return targets and targets:narrow(1, first, count) or mnemo.int_arange(first, first + count - 1)
end

--- Tells how much of a memory comes back: the share of inputs z with argmax_k v_kᵀ W u_z = f(z).
--
-- All outputs are candidates. Inputs are asked in blocks, so that 10⁵ of them need no matrix of
-- 10¹⁰ scores.
-- @tparam Tensor|function|nil W the memory [d_out, d_in]; or a function from inputs [b, d_in] to
--   outputs [b, d_out]; nil stands for the identity
-- @tparam Tensor U inputs u_z [n, d_in]
-- @tparam Tensor V outputs v_k [m, d_out]
-- @tparam[opt] IntTensor options.targets f(z), [n], from 1 to m; f(z) = z without it
-- @tparam[opt] Tensor options.weights how much each input counts, [n], as p(z); equal without it
-- @treturn number from 0 to 1
-- @treturn IntTensor the answers, [n]
-- @usage
-- local U, V = mnemo.randn(100, 64, { seed = 1 }), mnemo.randn(2, 64, { seed = 2 })
-- local ids = mnemo.int_arange(1, 100) % 2 + 1
-- print(mnemo.memory.recall(mnemo.memory.outer(V[ids], U), U, V, { targets = ids }))
function memory.recall(W, U, V, options)
  local where = "memory.recall"
  given.memory(where, W, U, V)
  options = given.options(where, options, { "targets", "weights" })
  local n = U:size(1)
  local targets = given.targets(where, options.targets, n, V:size(1))
  local weights = given.weights(where, options.weights, n)
  return mnemo.no_grad(function()
    local right, total, answers = 0, 0, {}
    blocks.each(W, U, V, function(scores, first)
      local count = scores:size(1)
      local answer = scores:argmax(2)
      local hits = answer:eq(answers_of(targets, first, count))
      local counts = blocks.part(weights, first, count)
      right = right + (counts and (hits * counts) or hits):sum():item()
      total = total + (counts and counts:sum():item() or count)
      answers[#answers + 1] = answer
    end)
    local share = right / total
    return share == share and share or math.abs(0 / 0), mnemo.cat(answers)
  end)
end

--- Returns the margins v_f(z)ᵀ W u_z − max_{k ≠ f(z)} v_kᵀ W u_z: positive where the answer is
-- right, and by how much.
-- @tparam Tensor|function|nil W the memory, as `recall` takes it
-- @tparam Tensor U inputs [n, d_in]
-- @tparam Tensor V outputs [m, d_out], 2 or more
-- @tparam[opt] IntTensor options.targets f(z), [n]; f(z) = z without it
-- @treturn Tensor [n]
-- @usage
-- local U = mnemo.memory.embeddings(4, 4, { kind = "one_hot" })
-- print(mnemo.memory.margins(mnemo.memory.outer(U, U), U, U))
function memory.margins(W, U, V, options)
  local where = "memory.margins"
  given.memory(where, W, U, V)
  options = given.options(where, options, { "targets" })
  local n, m = U:size(1), V:size(1)
  local targets = given.targets(where, options.targets, n, m)
  if m < 2 then expect.fail("%s: needs 2 outputs or more, got %d", where, m) end
  return mnemo.no_grad(function()
    local margins = {}
    blocks.each(W, U, V, function(scores, first)
      local count = scores:size(1)
      local answers = answers_of(targets, first, count)
      local right = scores:gather(2, answers:reshape(count, 1)):reshape(count)
      local others = mnemo.where(mnemo.one_hot(answers, m), -math.huge, scores)
      margins[#margins + 1] = right - others:max(2)
    end)
    return mnemo.cat(margins)
  end)
end

return memory
