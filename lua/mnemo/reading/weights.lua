--- The matrices of models, found by the names that parameters have.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

local weights = {}

--- Refuses what is no model.
function weights.check(model, where)
  local is_model = pcall(function() return model.kind:len() and model.trace end)
  if not is_model then
    expect.fail("%s: a model expected, got %s", where, model == nil and "nil" or tostring(model))
  end
end

--- Returns a parameter that a model must have.
local function needed(model, name, where)
  return model:parameters()[name]
    or expect.fail("%s: the model has no parameter '%s'", where, name)
end

--- Returns the token embeddings E, [N, d].
function weights.embeddings(model, where)
  return needed(model, "tok_embeddings.weight", where)
end

--- Returns the output matrix W_U, [N, d]; of tied models it is E.
function weights.output(model, where)
  return model:parameters()["output.weight"] or weights.embeddings(model, where)
end

--- Returns weight and bias of the layer norm of that name; nothing where there is none.
function weights.norm(model, name)
  local parameters = model:parameters()
  return parameters[name .. ".weight"], parameters[name .. ".bias"]
end

--- Returns the number of heads of a layer, counted from 1.
function weights.heads(model, layer, where)
  local most = model.kind == "custom" and math.maxinteger or model.layers
  if math.type(layer) ~= "integer" or layer < 1 or layer > most then
    expect.fail("%s: layer is %s (allowed: 1 to %d)", where, tostring(layer), most)
  end
  if model.kind ~= "custom" then return model.config.heads or 1 end
  local name = ("layers.%d.attention"):format(layer - 1)
  local attention = expect.relayed(model.trace, model, mnemo.int_tensor { { 1 } })[name]
    or expect.fail("%s: the custom model shows no '%s', which tells how many heads there are",
      where, name)
  return attention:size(2)
end

--- Returns a head's part of one of its layer's matrices: rows of W_Q, W_K and W_V, columns of W_O.
--
-- What a built-in model leaves out is the identity; a custom model must have it.
-- @tparam Model model the model
-- @tparam string name "wq", "wk", "wv" or "wo"
-- @tparam integer layer from 1
-- @tparam integer head from 1
-- @tparam string where the function that asks
-- @treturn Tensor [d/H, d]; of "wo" [d, d/H]
function weights.of_head(model, name, layer, head, where)
  local heads = weights.heads(model, layer, where)
  if math.type(head) ~= "integer" or head < 1 or head > heads then
    expect.fail("%s: head is %s (allowed: 1 to %d)", where, tostring(head), heads)
  end
  local full = ("layers.%d.attention.%s.weight"):format(layer - 1, name)
  local matrix = model:parameters()[full]
  if not matrix then
    if model.kind == "custom" then needed(model, full, where) end
    matrix = mnemo.eye(weights.embeddings(model, where):size(2))
  end
  local dimension = name == "wo" and 2 or 1
  local size = matrix:size(dimension) // heads
  return matrix:narrow(dimension, (head - 1) * size + 1, size)
end

return weights
