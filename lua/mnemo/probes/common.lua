--- What the files of probes share.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

-- What a probe gives where there is nothing to count. 0/0 may have a sign, and print as "-nan".
local common = { nan = math.abs(0 / 0) }

--- Lets a probe refuse what is no context, and run without recording anything for gradients.
local function finished(name, probe)
  return function(ctx)
    expect.argument(1, name, ctx, "ProbeContext", "table")
    return mnemo.no_grad(function() return probe(ctx) end)
  end
end

--- Finishes each probe of a table.
function common.finished(table_of_probes)
  for name, probe in pairs(table_of_probes) do
    table_of_probes[name] = finished(name, probe)
  end
  return table_of_probes
end

--- Returns a / b; NaN where b is 0.
function common.ratio(a, b)
  return b == 0 and common.nan or a / b
end

--- Averages a tensor by weights, or over the places where a mask is 1; NaN where all are 0.
function common.mean_where(values, weights)
  return common.ratio((values * weights):sum():item(), weights:sum():item())
end

--- Returns a function of a ctx that computes its value once for each record of a training. Of a ctx
-- without a step, which was made by hand, nothing is remembered: its model may change.
function common.once(compute)
  local values = setmetatable({}, { __mode = "k" })
  return function(ctx)
    if not ctx.step then return compute(ctx) end
    local value = values[ctx]
    if value == nil then
      value = compute(ctx)
      values[ctx] = value
    end
    return value
  end
end

return common
