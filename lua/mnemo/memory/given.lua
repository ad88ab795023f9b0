--- What the functions of memories are given, checked: matrices that fit, right answers, weights.
local expect = require "mnemo.text.expect"

local given = {}

--- Raises a sentence that begins with the function's name.
local function refuse(where, message, ...)
  expect.fail("%s: %s", where, message:format(...))
end

--- Says what was given in place of a matrix.
local function described(value)
  local kind = expect.kind(value)
  return kind == "Tensor" and ("shape [%s]"):format(table.concat(value:shape(), ", ")) or kind
end

--- Checks matrices of embeddings, and a matrix between them.
local function check_shapes(where, W, U, V)
  for position, matrix in ipairs { U or false, V or false } do
    if expect.kind(matrix) ~= "Tensor" or matrix:dim() ~= 2 then
      expect.refuse(position + 1, where, "a matrix of embeddings expected, got "
        .. described(matrix ~= false and matrix or nil))
    end
  end
  local shape = expect.kind(W) == "Tensor" and W:shape()
  local wanted = { V:size(2), U:size(2) }
  if shape and (#shape ~= 2 or shape[1] ~= wanted[1] or shape[2] ~= wanted[2]) then
    expect.refuse(1, where, ("shape [%d, %d] expected, got [%s]"):format(wanted[1], wanted[2],
      table.concat(shape, ", ")))
  end
  if W == nil and wanted[1] ~= wanted[2] then
    expect.refuse(1, where, ("without a matrix inputs and outputs must have one width, got %d "
      .. "and %d"):format(U:size(2), V:size(2)))
  end
end

--- Checks a memory with its inputs and outputs.
-- @tparam string where the function's name
-- @tparam Tensor|function|nil W the memory; only a matrix has a shape
-- @tparam Tensor U inputs
-- @tparam Tensor V outputs
function given.memory(where, W, U, V)
  if W ~= nil and type(W) ~= "function" and expect.kind(W) ~= "Tensor" then
    expect.refuse(1, where, "Tensor, function or nil expected, got " .. expect.kind(W))
  end
  check_shapes(where, W, U, V)
end

--- Checks a memory that is a matrix, with its inputs and outputs.
function given.matrix(where, W, U, V)
  if expect.kind(W) ~= "Tensor" then
    expect.refuse(1, where, "Tensor expected, got " .. expect.kind(W))
  end
  check_shapes(where, W, U, V)
end

--- Checks an option table's names.
function given.options(where, options, allowed)
  options = options == nil and {} or options
  expect.keys(options, allowed, where)
  return options
end

--- Checks the right answers to n inputs among m outputs.
-- @treturn IntTensor|nil as they were given; nil where input i has the answer i
function given.targets(where, targets, n, m)
  if targets == nil then
    if m < n then
      refuse(where, "without targets input i has the answer i: %d inputs need %d outputs, got %d",
        n, n, m)
    end
    return nil
  end
  if expect.kind(targets) ~= "IntTensor" or targets:dim() ~= 1 or targets:size(1) ~= n then
    refuse(where, "targets must be an IntTensor of shape [%d], one answer for each input", n)
  end
  if n > 0 then
    local least, most = targets:min():item(), targets:max():item()
    if least < 1 or most > m then
      refuse(where, "target %d is out of range (allowed: 1…%d)", least < 1 and least or most, m)
    end
  end
  return targets
end

--- Says what is wrong with probabilities: a negative one, or another sum than 1.
local function fault(name, tensor)
  local least, sum = tensor:min():item(), tensor:sum():item()
  if least < 0 or least ~= least then
    return ("%s has the entry %g (allowed: 0 or more)"):format(name, least)
  end
  if math.abs(sum - 1) > 1e-3 or sum ~= sum then
    return ("%s sums to %.6g (allowed: 1)"):format(name, sum)
  end
  return nil
end

--- Checks how much each of n inputs counts.
-- @tparam boolean is_distribution whether the weights must be probabilities
function given.weights(where, weights, n, is_distribution)
  if weights == nil then return nil end
  if expect.kind(weights) ~= "Tensor" or weights:dim() ~= 1 or weights:size(1) ~= n then
    refuse(where, "weights must be a Tensor of shape [%d], one for each input", n)
  end
  local wrong = is_distribution and fault("weights", weights)
  if wrong then refuse(where, "%s", wrong) end
  return weights
end

--- Checks a joint distribution of n inputs and m outputs.
function given.joint(where, joint, n, m)
  if expect.kind(joint) ~= "Tensor" or joint:dim() ~= 2 or joint:size(1) ~= n
    or joint:size(2) ~= m then
    refuse(where, "joint must be a Tensor of shape [%d, %d], p(z, k)", n, m)
  end
  local wrong = fault("joint", joint)
  if wrong then refuse(where, "%s", wrong) end
  return joint
end

return given
