--- Sizes of parameters and gradients.
local common = require "mnemo.probes.common"
local expect = require "mnemo.text.expect"

local probes = {}

-- What is measured of a parameter, by the name of the probe.
local sizes = {
  param_norm = function(parameter) return parameter end,
  grad_norm = function(parameter) return parameter.grad end,
}

--- Returns the Euclidean norm of all tensors that `pick` returns for the trained parameters.
local function total_norm(model, pick)
  local total, any = 0, false
  for _, parameter in pairs(model:parameters()) do
    local tensor = parameter:requires_grad() and pick(parameter)
    if tensor then
      total, any = total + (tensor * tensor):sum():item(), true
    end
  end
  return any and math.sqrt(total) or common.nan
end

--- Probes of size, over all trained parameters together, and of each if a model is given.
--
-- `param_norm`: Euclidean norm of the parameters; `grad_norm`: of their gradients as the
-- last backward pass left them (NaN before the first). With a model, also of each parameter that is
-- trained when this is called: `param_norm_NAME` and `grad_norm_NAME`.
-- @tparam[opt] Model model the model whose parameters are to be told apart
-- @treturn table the probes by name
-- @usage
-- local model = mnemo.model.simplified { vocab = 5, dim = 8, max_len = 8 }
-- local probes = mnemo.probes.norms(model)
-- print(probes["param_norm_layers.1.attention.wo.weight"] { model = model })
function probes.norms(model)
  expect.argument(1, "probes.norms", model, "Model", "nil")
  local found = {}
  for what, pick in pairs(sizes) do
    found[what] = function(ctx) return total_norm(ctx.model, pick) end
    for name, parameter in pairs(model and model:parameters() or {}) do
      found[what .. "_" .. name] = parameter:requires_grad() and function(ctx)
        local tensor = pick(ctx.model:parameters()[name])
        return tensor and tensor:norm():item() or common.nan
      end or nil
    end
  end
  return common.finished(found)
end

return probes
