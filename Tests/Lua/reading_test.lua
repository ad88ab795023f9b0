-- Reading models: the logit lens, against plain formulas of the parameters.
local lu = require "luaunit"
local mnemo = require "mnemo"

local tokens = mnemo.int_tensor { { 1, 5, 2, 5, 7 }, { 3, 3, 6, 1, 4 } }

local function difference(a, b) return (a - b):abs():max():item() end
local function message(f, ...) return select(2, pcall(f, ...)) end

--- Asserts that two tensors of one shape agree, relative to the largest entry.
local function assert_close(a, b, label)
  lu.assertEquals(a:shape(), b:shape(), label)
  lu.assertTrue(difference(a, b) <= 1e-5 * math.max(1, b:abs():max():item()), label)
end

--- Moves layer norms away from weight 1 and bias 0, where much would hold by chance.
local function with_norms(model)
  for i, name in ipairs(model:names()) do
    if name:find "norm" then
      local noise = mnemo.randn(model:get(name):size(1), { seed = i }) * 0.3
      model:set(name, model:get(name):detach() + noise)
    end
  end
  return model
end

local function transformer(options)
  local all = { vocab = 7, dim = 12, heads = 3, layers = 2, max_len = 9, seed = 3 }
  for key, value in pairs(options or {}) do all[key] = value end
  return with_norms(mnemo.model.transformer(all))
end

local function simplified(options)
  local all = { vocab = 7, dim = 6, max_len = 9, seed = 3 }
  for key, value in pairs(options or {}) do all[key] = value end
  return mnemo.model.simplified(all)
end

--- One of each kind of layer norm, and what else changes how a logit is made.
local function models()
  return {
    pre = transformer(), post = transformer { norm = "post" },
    none = transformer { norm = "none", layers = 3 },
    mixed_post = transformer { norm = "post", no_first_layer_ffn = true, ffn = "linear" },
    tied = transformer { tie_output = true, no_wv = true, no_wo = true },
    simplified = simplified { ffn = { "linear", "mlp" } },
    rotated = simplified { positional = "rope", tie_output = true },
    apart = simplified { cross_talk = false, ffn = { "none", "linear" } },
  }
end

local tests = {}

---- Lens ----

function tests.test_the_lens_reads_every_layer_through_the_last_norm()
  local model = transformer { layers = 3 }
  local logits = mnemo.lens(model, tokens)
  lu.assertEquals(logits:shape(), { 4, 2, 5, 7 })
  local output = model:get("output.weight"):detach():t()
  for layer = 0, 3 do
    local x = model:residual(tokens, layer)
    local centred = x - x:mean(3, true)
    local normed = centred / ((centred * centred):mean(3, true) + 1e-5):sqrt()
      * model:get("norm.weight"):detach() + model:get("norm.bias"):detach()
    assert_close(logits[layer + 1], normed:matmul(output), "layer " .. layer)
  end
end

function tests.test_the_last_entry_of_the_lens_is_the_model_itself()
  for name, model in pairs(models()) do
    local logits = mnemo.lens(model, tokens)
    assert_close(logits[logits:size(1)], model(tokens):detach(), name)
  end
end

function tests.test_the_lens_says_what_it_misses()
  local model = mnemo.model.custom {
    vocab = 7, parameters = { ["tok_embeddings.weight"] = mnemo.randn(7, 7) },
    forward = function(ids, p) return p["tok_embeddings.weight"][ids] end,
  }
  lu.assertStrContains(message(mnemo.lens, model, tokens),
    "reading_test.lua:10: trace: nothing is called 'embeddings'; there are logits")
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "reading", tests } })
