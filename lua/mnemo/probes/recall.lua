--- How much of a memory comes back, and how alike two memories are.
local common = require "mnemo.probes.common"
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

local probes = {}

--- Tells how much of an associative memory comes back: the share of i with
-- argmax_j v_jᵀ W u_i = i.
-- @tparam Tensor W the memory [d_out, d_in]
-- @tparam Tensor U inputs u_i, one a row [n, d_in]
-- @tparam Tensor V outputs v_j, one a row [m, d_out]; all of them are candidates
-- @tparam[opt] Tensor weights p(i), how much each i counts [n]; equal without it
-- @treturn number from 0 to 1
-- @usage
-- local U, V = mnemo.randn(5, 64), mnemo.randn(5, 64)
-- print(mnemo.probes.recall(V:t():matmul(U), U, V))
function probes.recall(W, U, V, weights)
  expect.shapes("probes.recall", { W, "d_out", "d_in" }, { U, "n", "d_in" }, { V, "m", "d_out" },
    weights and { weights, "n" })
  return (mnemo.memory.recall(W, U, V, { weights = weights }))
end

--- Tells how alike two memories are: the share of inputs to which both give the same answer.
-- @tparam Tensor A one memory [d_out, d_in]
-- @tparam Tensor B the other [d_out, d_in]
-- @tparam Tensor U inputs, one a row [n, d_in]
-- @tparam Tensor V outputs, one a row [m, d_out]; the answer to u is argmax_j v_jᵀ W u
-- @treturn number from 0 to 1
-- @usage
-- local U, V = mnemo.randn(5, 64), mnemo.randn(5, 64)
-- local W = V:t():matmul(U)
-- print(mnemo.probes.agreement(W, W + mnemo.randn(64, 64), U, V))
function probes.agreement(A, B, U, V)
  expect.shapes("probes.agreement", { A, "d_out", "d_in" }, { B, "d_out", "d_in" },
    { U, "n", "d_in" }, { V, "m", "d_out" })
  return mnemo.no_grad(function()
    local function answers(W) return U:matmul(W:t()):matmul(V:t()):argmax(2) end
    return answers(A):eq(answers(B)):mean():item()
  end)
end

--- Returns the cosine of the angle between two matrices, ⟨A, B⟩ / (‖A‖ ‖B‖).
-- @tparam Tensor A a tensor
-- @tparam Tensor B one of the same shape
-- @treturn number from −1 to 1; NaN if one of them is 0
-- @usage print(mnemo.probes.cosine(mnemo.eye(3), mnemo.ones(3, 3)))
function probes.cosine(A, B)
  expect.argument(1, "probes.cosine", A, "Tensor")
  local sizes = A:shape()
  expect.shapes("probes.cosine", { A, table.unpack(sizes) }, { B, table.unpack(sizes) })
  return mnemo.no_grad(function()
    return common.ratio((A * B):sum():item(), A:norm():item() * B:norm():item())
  end)
end

return probes
