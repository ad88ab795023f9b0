-- Reading models: the logit lens and direct logit attribution, against plain formulas of the
-- parameters.
local lu = require "luaunit"
local mnemo = require "mnemo"

local tokens = mnemo.int_tensor { { 1, 5, 2, 5, 7 }, { 3, 3, 6, 1, 4 } }
local targets = mnemo.int_tensor { { 5, 2, 5, 7, 1 }, { 3, 6, 1, 4, 2 } }

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

---- Attribution ----

function tests.test_parts_add_up_to_the_logit()
  for name, model in pairs(models()) do
    local parts = mnemo.attribution(model, tokens, targets)
    local sum = mnemo.zeros(2, 5)
    for _, part in ipairs(parts) do sum = sum + part.logit end
    local logits = model(tokens):detach():gather(3, targets:reshape(2, 5, 1)):reshape(2, 5)
    lu.assertTrue(difference(sum, logits) < 1e-4, name)
    lu.assertTrue(difference(parts.logit, logits) < 1e-4, name)
  end
end

function tests.test_parts_are_in_the_order_of_the_forward_pass()
  local names = {}
  for i, part in ipairs(mnemo.attribution(transformer { layers = 1 }, tokens, 4)) do
    names[i] = ("%s %s %s"):format(part.name, part.layer, part.head)
  end
  lu.assertEquals(names, {
    "embeddings nil nil", "layers.0.heads 1 1", "layers.0.heads 1 2", "layers.0.heads 1 3",
    "layers.0.ff_output 1 nil", "norm.bias nil nil",
  })
end

--- Finds a part's logits.
local function part_of(parts, name, head)
  for _, part in ipairs(parts) do
    if part.name == name and part.head == head then return part.logit end
  end
end

function tests.test_parts_without_norms_are_products_with_the_output_matrix()
  local model = transformer { norm = "none" }
  local parts, kept = mnemo.attribution(model, tokens, 4), model:trace(tokens)
  local row = model:get("output.weight"):detach()[4]
  local function through(vector) return (vector * row):sum(3) end
  assert_close(part_of(parts, "embeddings"), through(kept.embeddings))
  assert_close(part_of(parts, "layers.1.ff_output"), through(kept["layers.1.ff_output"]))
  -- The second of three heads of width 4.
  local sums = kept["layers.1.heads"]:narrow(3, 2, 1):reshape(2, 5, 4)
  local wo = model:get("layers.1.attention.wo.weight"):detach():narrow(2, 5, 4)
  assert_close(part_of(parts, "layers.1.heads", 2), through(sums:matmul(wo:t())))
end

--- Layer norm at the scale that it has for `stream`, without bias.
local function held(vector, stream, weight)
  local centred = stream - stream:mean(3, true)
  local scale = ((centred * centred):mean(3, true) + 1e-5):sqrt()
  return (vector - vector:mean(3, true)) / scale * weight:detach()
end

function tests.test_norms_are_held_at_their_scale()
  local model = transformer { layers = 1 }
  local parts, kept = mnemo.attribution(model, tokens, targets), model:trace(tokens)
  local rows = model:get("output.weight"):detach()[targets]
  local function through(vector) return (vector * rows):sum(3) end
  local stream, weight = kept["layers.0.residual"], model:get "norm.weight"
  for _, name in ipairs { "embeddings", "layers.0.ff_output" } do
    assert_close(part_of(parts, name), through(held(kept[name], stream, weight)), name)
  end
  local bias = model:get("norm.bias"):detach()
  assert_close(part_of(parts, "norm.bias"), (rows * bias):sum(3))

  model = transformer { layers = 1, norm = "post" }
  parts, kept = mnemo.attribution(model, tokens, targets), model:trace(tokens)
  rows = model:get("output.weight"):detach()[targets]
  local first = model:get "layers.0.attention_norm.weight"
  local second = model:get "layers.0.ff_norm.weight"
  local before = kept.embeddings + kept["layers.0.attention_output"]
  local between = kept["layers.0.ff_input"] + kept["layers.0.ff_output"]
  assert_close(part_of(parts, "embeddings"),
    through(held(held(kept.embeddings, before, first), between, second)))
  assert_close(part_of(parts, "layers.0.ff_output"),
    through(held(kept["layers.0.ff_output"], between, second)))
end

--- A model of embeddings and one layer that adds a table's row; it shows `shown` of these two.
local function adding(shown)
  return mnemo.model.custom {
    vocab = 7,
    parameters = {
      ["tok_embeddings.weight"] = mnemo.randn(7, 4, { seed = 1 }),
      table = mnemo.randn(7, 4, { seed = 2 }),
    },
    forward = function(ids, p, visit)
      local e = p["tok_embeddings.weight"]
      local x, added = visit("embeddings", e[ids]), p.table[ids]
      if shown then added = visit("layers.0.attention_output", added) end
      return (x + added):matmul(e:t())
    end,
  }
end

function tests.test_custom_models_are_split_by_what_they_show()
  local model = adding(true)
  local parts = mnemo.attribution(model, tokens, targets)
  lu.assertEquals(#parts, 2)
  local e, added = model:get("tok_embeddings.weight"):detach(), model:get("table"):detach()
  assert_close(parts[1].logit, (e[tokens] * e[targets]):sum(3))
  assert_close(parts[2].logit, (added[tokens] * e[targets]):sum(3))
  lu.assertStrContains(message(mnemo.attribution, adding(false), tokens, targets),
    "attribution: the parts that the forward pass shows miss the logit by up to")
end

function tests.test_wrong_targets_are_refused()
  local model = transformer()
  local function said(target) return message(mnemo.attribution, model, tokens, target) end
  lu.assertStrContains(said(8), "attribution: target 8 is outside 1…7")
  lu.assertStrContains(said(0), "attribution: target 0 is outside 1…7")
  lu.assertStrContains(said(nil), "attribution: target is nil; an id or ids [2, 5] are expected")
  lu.assertStrContains(said { 1, 2, 3 }, "an id or ids [2, 5] are expected")
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "reading", tests } })
