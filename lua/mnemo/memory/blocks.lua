--- Scores of many inputs against many outputs, a block of inputs at a time, so that the whole
-- matrix of scores is never made.
local blocks = {}

-- Numbers in a block of scores: 4 MiB, which caches hold.
local largest = 1048576

--- Returns what a memory gives for inputs [n, d_in]: [n, d_out].
-- @tparam Tensor|function|nil W a matrix [d_out, d_in]; a function of the inputs; nil for the
--   inputs themselves
-- @tparam Tensor X the inputs
function blocks.output(W, X)
  if W == nil then return X end
  if type(W) == "function" then return W(X) end
  return X:matmul(W:t())
end

--- Calls a function with the scores of each block of inputs.
-- @tparam Tensor|function|nil W the memory
-- @tparam Tensor U inputs [n, d_in]
-- @tparam Tensor V outputs [m, d_out]
-- @tparam function body `body(scores, first, inputs)`: [b, m], the number of the block's first
--   input, and the block of inputs [b, d_in]
function blocks.each(W, U, V, body)
  local n, size = U:size(1), math.max(1, largest // math.max(1, V:size(1)))
  for first = 1, n, size do
    local inputs = U:narrow(1, first, math.min(size, n - first + 1))
    body(blocks.output(W, inputs):matmul(V:t()), first, inputs)
  end
end

--- Returns the rows first … first + count − 1 of a vector; all of them where there is none.
function blocks.part(vector, first, count)
  return vector and vector:narrow(1, first, count)
end

return blocks
