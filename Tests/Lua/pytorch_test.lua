--- Every line of docs/pytorch.md against what PyTorch gave.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local root = (arg[0]:match ".*/" or "") .. "../../"
local sections = dofile(root .. "tools/pytorch_operations.lua")
local recorded = mnemo.safetensors.load(root .. "Tests/Fixtures/pytorch-operations.safetensors")

local tests = {}

local differentiable = { "x", "y", "p", "v", "a", "w", "b", "s", "logits", "q", "k", "u" }

--- Returns the inputs, ready for gradients, and what expressions may name beside them.
local function environment()
  local names = {
    mnemo = mnemo, table = table, select = select, mask = recorded.mask:tensor(),
    ids = recorded.ids + 1, targets = recorded.targets + 1,
  }
  for _, name in ipairs(differentiable) do
    names[name] = recorded[name]:clone():requires_grad(true)
  end
  return names
end

--- Raises unless a tensor has the shape and, within rounding, the numbers of another.
local function check(what, tensor, wanted)
  luaunit.assertEquals(tensor:shape(), wanted:shape(), what)
  if tensor:dtype() == "int32" then tensor = tensor:tensor() end
  if wanted:dtype() == "int32" then wanted = wanted:tensor() end
  if wanted:numel() == 0 then return end
  local scale = math.max(1, wanted:abs():max():item())
  local distance = (tensor - wanted):abs():max():item()
  luaunit.assertTrue(distance <= 2e-5 * scale,
    ("%s: off by %g, %s in place of %s"):format(what, distance, tensor, wanted))
end

--- Returns a number that depends on every element of a tensor, as the recording's does.
local function weighted(tensor)
  local weights = {}
  for i = 1, tensor:numel() do weights[i] = (i - 1) % 7 + 1 end
  return (tensor:reshape(-1) * mnemo.tensor(weights)):sum()
end

--- Runs an entry and compares its results and their gradients.
local function check_entry(entry)
  local form, names = entry[1], environment()
  local results = { assert(load("return " .. entry[2], entry[2], "t", names))() }
  local sum
  for n, result in ipairs(results) do
    local wanted = recorded[("%s #%d"):format(form, n)]
    luaunit.assertNotNil(wanted, "nothing is recorded of " .. form)
    if entry.indices == n then wanted = wanted + 1 end
    check(("%s, result %d"):format(entry[2], n), result, wanted)
    if result:dtype() == "float32" and result:requires_grad() then
      sum = sum and sum + weighted(result) or weighted(result)
    end
  end
  luaunit.assertNil(recorded[("%s #%d"):format(form, #results + 1)], form .. " has more results")
  if entry.gradient == false then return end
  if sum then sum:backward() end
  for _, name in ipairs(differentiable) do
    local wanted = recorded[("%s d/d%s"):format(form, name)]
    if wanted then
      check(("%s, gradient by %s"):format(entry[2], name),
        names[name].grad or mnemo.zeros(wanted:shape()), wanted)
    end
  end
end

for _, section in ipairs(sections) do
  for number, entry in ipairs(section) do
    tests[("test_%s_%02d"):format(section.title:lower():gsub("%A+", "_"), number)] = function()
      check_entry(entry)
    end
  end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "pytorch", tests } })
