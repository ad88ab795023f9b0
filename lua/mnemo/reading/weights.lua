--- The matrices of models, found by the names that parameters have.
local fail = require "mnemo.reading.fail"
local mnemo = require "mnemo"

local weights = {}

--- Refuses what is no model.
function weights.check(model, where)
  local is_model = pcall(function() return model.kind:len() and model.trace end)
  if not is_model then
    fail.with("%s: a model expected, got %s", where, model == nil and "nil" or tostring(model))
  end
end

--- Returns a parameter that a model must have.
local function needed(model, name, where)
  return model:parameters()[name]
    or fail.with("%s: the model has no parameter '%s'", where, name)
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

return weights
