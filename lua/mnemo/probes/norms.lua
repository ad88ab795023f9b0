--- Sizes of parameters and gradients.
local common = require "mnemo.probes.common"

local probes = {}

local nan = 0 / 0

--- Returns the Euclidean norm of all tensors that `pick` returns for the trained parameters.
local function total_norm(model, pick)
  local total, any = 0, false
  for _, parameter in pairs(model:parameters()) do
    local tensor = parameter:requires_grad() and pick(parameter)
    if tensor then
      total, any = total + (tensor * tensor):sum():item(), true
    end
  end
  return any and math.sqrt(total) or nan
end

--- Probes of size, over all trained parameters together.
--
-- `param_norm`: Euclidean norm of the parameters; `grad_norm`: of their gradients as the
-- last backward pass left them (NaN before the first).
-- @treturn table the probes by name
-- @usage
-- local probes = mnemo.probes.norms()
-- function probes.largest_logit(ctx) return ctx.logits:max():item() end
function probes.norms()
  return common.finished {
    param_norm = function(ctx)
      return total_norm(ctx.model, function(parameter) return parameter end)
    end,
    grad_norm = function(ctx)
      return total_norm(ctx.model, function(parameter) return parameter.grad end)
    end,
  }
end

return probes
