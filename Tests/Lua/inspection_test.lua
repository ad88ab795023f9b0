-- Looking inside models and intervening: trace, patch, residual, attention, with, generate.
local lu = require "luaunit"
local mnemo = require "mnemo"

local function make(options)
  local all = { vocab = 7, dim = 6, max_len = 9, seed = 3 }
  for key, value in pairs(options or {}) do all[key] = value end
  return mnemo.model.simplified(all)
end

local ids = mnemo.int_tensor { { 1, 5, 2, 5, 7 }, { 3, 3, 6, 1, 4 } }
local targets = mnemo.int_tensor { { 5, 2, 5, 7, 1 }, { 3, 6, 1, 4, 2 } }

local function difference(a, b) return (a - b):abs():max():item() end

--- Asserts that two ways of computing one tensor agree, up to the rounding of processors' kernels.
local function assert_close(a, b)
  lu.assertTrue(difference(a, b) <= 1e-5 * b:abs():max():item())
end

local tests = {}

function tests.test_trace_gives_everything_in_order_of_names()
  local kept = make({ ffn = { "mlp", "linear" } }):trace(ids)
  for _, name in ipairs { "embeddings", "layers.0.queries", "layers.0.keys", "layers.0.scores",
    "layers.0.attention", "layers.0.attention_output", "layers.0.ff_output", "layers.0.residual",
    "layers.1.residual", "logits" } do
    lu.assertNotNil(kept[name], name)
  end
  lu.assertEquals(kept["layers.0.attention"]:shape(), { 2, 1, 5, 5 })
  lu.assertEquals(kept["layers.1.residual"]:shape(), { 2, 5, 6 })
  lu.assertEquals(kept.logits:shape(), { 2, 5, 7 })
end

function tests.test_trace_agrees_with_the_fused_forward_pass()
  for _, options in ipairs { {}, { cross_talk = false }, { positional = "rope" },
    { positional = "sincos", embedding_init = "scaled", score_scale = "none" },
    { ffn = { "linear", "mlp" }, tie_output = true } } do
    local model = make(options)
    lu.assertTrue(difference(model:trace(ids, "logits").logits, model(ids)) < 1e-5)
  end
end

--- Lists the names of a trace in which a layer's number stands as ℓ.
local function names_of_layer(kept, layer)
  local found = {}
  for name in pairs(kept) do
    local part = name:match("^layers%." .. layer .. "%.(.*)$")
    if part then found[part] = true end
  end
  return found
end

function tests.test_a_simplified_trace_has_the_names_of_the_computation()
  local attention = { "queries", "keys", "values", "scores", "attention", "heads",
    "attention_output", "residual" }
  --- Returns a set of these names and more.
  local function names(...)
    local set = {}
    for _, name in ipairs(attention) do set[name] = true end
    for _, name in ipairs { ... } do set[name] = true end
    return set
  end
  local kept = make({ ffn = { "mlp", "none" } }):trace(ids)
  lu.assertEquals(names_of_layer(kept, 0),
    names("attention_input", "ff_input", "ff_hidden", "ff_output"))
  lu.assertEquals(names_of_layer(kept, 1), names "attention_input")
  lu.assertEquals(difference(kept["layers.0.attention_input"], kept.embeddings), 0)
  lu.assertEquals(difference(kept["layers.1.attention_input"], kept["layers.0.residual"]), 0)
  assert_close(kept["layers.0.ff_input"], kept.embeddings + kept["layers.0.attention_output"])
  -- Without cross-talk every matrix reads something else.
  kept = make({ cross_talk = false, ffn = { "none", "linear" } }):trace(ids)
  lu.assertEquals(names_of_layer(kept, 0), names())
  lu.assertEquals(names_of_layer(kept, 1), names("ff_input", "ff_output"))
  lu.assertEquals(difference(kept["layers.1.ff_input"], kept["layers.1.attention_output"]), 0)
end

--- Asserts that the gradient of each weight W between an input x and an output y = W x is the sum
-- over positions of the output's gradient times the input.
local function assert_gradients_are_memories(model, kept, pairs_of_names)
  for weight, names in pairs(pairs_of_names) do
    local function rows(tensor) return tensor:reshape(10, tensor:numel() // 10) end
    local input = kept[names[1]]:detach()
    if names.relu then input = input:relu() end
    local grad = model:get(weight).grad
    lu.assertTrue(grad:abs():max():item() > 1e-4, weight)
    assert_close(grad, rows(kept[names[2]].grad):t():matmul(rows(input)))
  end
end

function tests.test_a_simplified_models_gradients_are_memories_of_what_a_trace_shows()
  local model = make { ffn = { "mlp", "linear" } }
  model:unfreeze "*"
  local kept = model:trace(ids, "*", function(logits) return logits:cross_entropy(targets) end)
  local wanted = { ["output.weight"] = { "layers.1.residual", "logits" } }
  for layer = 0, 1 do
    local prefix = ("layers.%d."):format(layer)
    for short, names in pairs { wk = { "attention_input", "keys" },
      wv = { "attention_input", "values" }, wo = { "heads", "attention_output" } } do
      wanted[("%sattention.%s.weight"):format(prefix, short)] = {
        prefix .. names[1], prefix .. names[2],
      }
    end
  end
  wanted["layers.0.ff.w1.weight"] = { "layers.0.ff_input", "layers.0.ff_hidden" }
  wanted["layers.0.ff.w2.weight"] = { "layers.0.ff_hidden", "layers.0.ff_output", relu = true }
  wanted["layers.1.ff.weight"] = { "layers.1.ff_input", "layers.1.ff_output" }
  assert_gradients_are_memories(model, kept, wanted)

  model = make { ffn = { "none", "linear" }, cross_talk = false }
  model:unfreeze "*"
  kept = model:trace(ids, "*", function(logits) return logits:cross_entropy(targets) end)
  assert_gradients_are_memories(model, kept, {
    ["layers.0.attention.wo.weight"] = { "layers.0.heads", "layers.0.attention_output" },
    ["layers.1.attention.wk.weight"] = { "layers.0.residual", "layers.1.keys" },
    ["layers.1.attention.wo.weight"] = { "layers.1.heads", "layers.1.attention_output" },
    ["layers.1.ff.weight"] = { "layers.1.ff_input", "layers.1.ff_output" },
  })
end

function tests.test_a_patched_input_of_a_simplified_layer_leaves_the_residual_stream_alone()
  local model = make { ffn = { "none", "linear" } }
  local zero = function(t) return t * 0 end
  --- Returns the logits with one tensor set to zero.
  local function without(name) return model:patch(ids, { [name] = zero }) end
  for _, part in ipairs { "ff", "attention" } do
    local silenced = without(("layers.1.%s_input"):format(part))
    assert_close(silenced, without(("layers.1.%s_output"):format(part)))
    lu.assertTrue(difference(silenced, model(ids)) > 1e-3, part)
  end
  -- Sums of zero values, and sums that are zero, write the same.
  assert_close(without "layers.1.values", without "layers.1.heads")
end

function tests.test_a_transformer_is_looked_into_as_well()
  for _, options in ipairs { {}, { norm = "post", ffn = "linear" }, { norm = "none", no_wv = true },
    { positional = "sincos", no_wo = true, no_first_layer_ffn = true, layers = 3 } } do
    options.vocab, options.dim, options.heads, options.max_len, options.seed = 7, 6, 2, 9, 3
    local model = mnemo.model.transformer(options)
    local kept = model:trace(ids)
    lu.assertTrue(difference(kept.logits, model(ids)) < 1e-5)
    lu.assertEquals(kept["layers.0.attention"]:shape(), { 2, 2, 5, 5 })
    for _, name in ipairs { "queries", "keys", "values", "heads" } do
      lu.assertEquals(kept["layers.1." .. name]:shape(), { 2, 5, 2, 3 }, name)
    end
    lu.assertEquals(kept["layers.0.ff_output"] == nil, options.no_first_layer_ffn == true)
    assert_close(model:residual(ids, 0), kept.embeddings)
    assert_close(model:residual(ids, 1), kept["layers.0.residual"])
    assert_close(model:attention(ids, 2), kept["layers.1.attention"])
    -- Without the second head's sums, only the first head speaks.
    local patched = model:patch(ids, {
      ["layers.1.heads"] = function(t)
        return mnemo.cat({ t:narrow(3, 1, 1), t:narrow(3, 2, 1) * 0 }, 3)
      end,
    })
    lu.assertTrue(difference(patched, model(ids)) > 1e-4)
    lu.assertEquals(model:generate({ 1, 2 }, { length = 12, seed = 1 }):size(1), 14)
  end
end

function tests.test_a_transformer_is_frozen_cloned_saved_and_made_again()
  local model = mnemo.model.transformer {
    vocab = 7, dim = 6, heads = 3, layers = 1, max_len = 9, norm = "post", seed = 3,
  }
  model:freeze("layers.*.attention.w[qk].weight")
  lu.assertEquals(#model:trainable(), #model:names() - 2)
  local clone = model:clone()
  lu.assertEquals(clone:trainable(), model:trainable())
  local path = os.tmpname()
  model:save(path)
  local loaded = mnemo.model.load(path)
  os.remove(path)
  lu.assertEquals(loaded.kind, "transformer")
  lu.assertEquals(loaded.config, model.config)
  local again = mnemo.model.transformer(model.config)
  for _, other in ipairs { clone, loaded, again } do
    lu.assertEquals(difference(other(ids), model(ids)), 0)
  end
end

function tests.test_bad_transformers_are_refused_in_a_sentence()
  local function message(options)
    options.vocab = 7
    return select(2, pcall(mnemo.model.transformer, options))
  end
  lu.assertStrContains(message { dim = 10, heads = 4 },
    "model.transformer: heads = 4 with dim = 10 (allowed: numbers that divide dim)")
  lu.assertStrContains(message { norm = "rms" },
    [[bad option 'norm' to 'model.transformer' ("pre", "post" or "none" expected, got "rms")]])
  lu.assertStrContains(message { ffn = { "mlp", "none" } }, "bad option 'ffn'")
  lu.assertStrContains(message { positional = "rope" },
    [["learned" or "sincos" expected, got "rope"]])
  lu.assertStrContains(message { layers = 0 }, "layers = 0 (allowed: 1 to 1024)")
  lu.assertStrContains(message { tie_output = true, freeze_output = true },
    "tie_output shares one matrix, so freeze_embeddings and freeze_output must be equal")
  lu.assertStrContains(message { head = 2 }, "unknown option 'head'; did you mean 'heads'?")
end

function tests.test_trace_keeps_only_what_was_asked_for()
  local kept = make():trace(ids, { "layers.1.*", "embeddings" })
  local count = 0
  for name in pairs(kept) do
    count = count + 1
    lu.assertTrue(name == "embeddings" or name:find("^layers%.1%.") ~= nil, name)
  end
  lu.assertTrue(count >= 6)
end

function tests.test_trace_differentiates_a_loss()
  local model = make()
  local kept = model:trace(ids, { "layers.0.attention_output", "logits" }, function(logits)
    return logits:cross_entropy(targets)
  end)
  -- d loss / d logits = (softmax − one-hot) / number of positions.
  local expected = (kept.logits:softmax(3) - mnemo.one_hot(targets, 7)) / 10
  lu.assertTrue(difference(kept.logits.grad, expected) < 1e-6)
  lu.assertTrue(kept["layers.0.attention_output"].grad:norm():item() > 0)
end

-- For y = x Wᵀ the gradient of W is the sum of the outer products (dL/dy) xᵀ.
function tests.test_a_gradient_is_the_sum_of_traced_outer_products()
  local model = make()
  model:unfreeze("output.weight")
  local kept = model:trace(ids, { "layers.1.residual", "logits" }, function(logits)
    return logits:cross_entropy(targets)
  end)
  local x = kept["layers.1.residual"]:reshape(10, 6)
  local expected = kept.logits.grad:reshape(10, 7):t():matmul(x)
  lu.assertTrue(difference(model:get("output.weight").grad, expected) < 1e-6)
end

function tests.test_patching_with_itself_changes_nothing()
  local model = make()
  local own = model:trace(ids, "layers.0.residual")["layers.0.residual"]
  local patched = model:patch(ids, { ["layers.0.residual"] = function() return own end })
  lu.assertTrue(difference(patched, model(ids)) < 1e-5)
end

function tests.test_patching_replaces_what_follows()
  local model = make()
  local kept = model:trace(ids)
  local patched = model:patch(ids, {
    ["layers.1.attention_output"] = function(t) return t * 0 end,
  })
  local expected = kept["layers.0.residual"]:matmul(model:get("output.weight"):t())
  lu.assertTrue(difference(patched, expected) < 1e-5)
end

function tests.test_a_tensor_stands_for_a_function()
  local model = make()
  local name = "layers.0.attention_output"
  local other = model:trace(targets, name)[name]
  local patched = model:patch(ids, { [name] = other })
  local expected = model:patch(ids, { [name] = function() return other end })
  lu.assertEquals(difference(patched, expected), 0)
  lu.assertTrue(difference(patched, model(ids)) > 1e-3)
end

function tests.test_a_patch_function_is_told_the_name()
  local names = {}
  local patched = make():patch(ids, {
    ["layers.*.residual"] = function(t, name)
      names[#names + 1] = name
      return t
    end,
  })
  lu.assertEquals(names, { "layers.0.residual", "layers.1.residual" })
  lu.assertTrue(difference(patched, make()(ids)) < 1e-5)
end

function tests.test_one_pass_patches_and_traces()
  local model = make()
  local zero = { ["layers.0.attention_output"] = function(t) return t * 0 end }
  local kept = model:trace(ids, { "layers.0.*", "logits", patch = zero })
  lu.assertEquals(difference(kept.logits, model:patch(ids, zero)), 0)
  lu.assertEquals(kept["layers.0.attention_output"]:abs():max():item(), 0)
  lu.assertNil(kept["layers.1.residual"])
  -- Without names everything is kept.
  lu.assertEquals(difference(model:trace(ids, { patch = zero })["layers.0.residual"],
    kept["layers.0.residual"]), 0)
  -- The gradient is that of the patched pass.
  local seen = model:trace(ids, { "logits", patch = zero }, function(logits)
    return logits:cross_entropy(targets)
  end)
  local expected = (kept.logits:softmax(3) - mnemo.one_hot(targets, 7)) / 10
  lu.assertTrue(difference(seen.logits.grad, expected) < 1e-6)
end

--- Reads the tables of names and shapes in docs/engine.md: from a name, in which N stands for a
-- layer, to a list of sizes.
local function documented_shapes(sizes)
  local folder = arg[0]:match "^(.*)Tests/Lua/[^/]*$"
  local shapes = {}
  for line in io.lines(folder .. "docs/engine.md") do
    local names, shape = line:match "^| (`[^|]*`) | `%[([^|]*)%]` | "
    for name in (names or ""):gmatch "`([^`]*)`" do
      shapes[name] = {}
      for word in shape:gmatch "[^, ]+" do table.insert(shapes[name], sizes[word]) end
    end
  end
  return shapes
end

function tests.test_the_documentation_gives_every_shape()
  local shapes = documented_shapes {
    B = 2, T = 5, H = 3, d = 12, ["d/H"] = 4, ["4d"] = 48, vocab = 7, max_len = 9,
  }
  local all = { vocab = 7, dim = 12, heads = 3, max_len = 9, ffn = "mlp" }
  local linear = { vocab = 7, dim = 12, heads = 3, max_len = 9, ffn = "linear", norm = "post" }
  local seen = {}
  local function check(tensors)
    for name, tensor in pairs(tensors) do
      local written = name:gsub("%.%d%.", ".N.")
      lu.assertEquals(shapes[written], tensor:shape(), name)
      seen[written] = true
    end
  end
  for _, options in ipairs { all, linear } do
    local model = mnemo.model.transformer(options)
    check(model:parameters())
    check(model:trace(ids))
  end
  check(mnemo.model.simplified { vocab = 7, dim = 12, max_len = 9 }:parameters())
  for name in pairs(shapes) do lu.assertTrue(seen[name], name) end
end

-- Position t attends to those up to t; scores are of all pairs, and the mask comes after.
function tests.test_scores_come_before_the_mask()
  local model = mnemo.model.transformer { vocab = 7, dim = 6, heads = 2, max_len = 9, seed = 3 }
  local kept = model:trace(ids)
  local queries = kept["layers.1.queries"]:transpose(2, 3)
  local keys = kept["layers.1.keys"]:transpose(2, 3)
  local scores = kept["layers.1.scores"]
  assert_close(scores, queries:matmul(keys:transpose(3, 4)) / math.sqrt(3))
  local places = mnemo.arange(1, 5)
  local hidden = places:reshape(5, 1):lt(places)
  assert_close(kept["layers.1.attention"], (scores - hidden * 1e30):softmax(4))
  -- Head h is the h-th d/H rows of W_Q, W_K and W_V, and columns of W_O.
  local input = kept["layers.1.attention_input"]
  local wk = model:get("layers.1.attention.wk.weight"):narrow(1, 4, 3)
  assert_close(kept["layers.1.keys"]:select(3, 2), input:matmul(wk:t()))
  local wo, heads = model:get "layers.1.attention.wo.weight", kept["layers.1.heads"]
  assert_close(kept["layers.1.attention_output"],
    heads:select(3, 1):matmul(wo:narrow(2, 1, 3):t())
    + heads:select(3, 2):matmul(wo:narrow(2, 4, 3):t()))
end

function tests.test_a_patched_attention_is_used()
  local model = make()
  local uniform = mnemo.full(2, 1, 5, 5, 0.2)
  local patched = model:patch(ids, { ["layers.*.attention"] = function() return uniform end })
  lu.assertTrue(difference(patched, model(ids)) > 1e-3)
end

function tests.test_residual_and_attention()
  local model = make()
  local kept = model:trace(ids)
  assert_close(model:residual(ids, 0), kept.embeddings)
  assert_close(model:residual(ids, 2), kept["layers.1.residual"])
  assert_close(model:attention(ids, 1), kept["layers.0.attention"])
  local sums = model:attention(ids, 2):sum(4)
  lu.assertTrue(difference(sums, mnemo.ones(2, 1, 5)) < 1e-6)
end

function tests.test_with_swaps_weights_and_puts_them_back()
  local model = make()
  local before, name = model(ids), "layers.1.attention.wo.weight"
  local own = model:get(name):clone()
  local inside = model:with({ [name] = mnemo.zeros(6, 6) }, function() return model(ids) end)
  lu.assertTrue(difference(inside, before) > 1e-4)
  lu.assertEquals(difference(model:get(name), own), 0)
  local ok, message = pcall(model.with, model, { [name] = mnemo.zeros(6, 6) },
    function() error("inside") end)
  lu.assertFalse(ok)
  lu.assertStrContains(message, "inside")
  lu.assertEquals(difference(model:get(name), own), 0)
end

function tests.test_generate()
  local model = make()
  local a = model:generate({ 1, 2 }, { length = 6, seed = 5 })
  lu.assertEquals(a:shape(), { 8 })
  lu.assertEquals(a:totable()[1], 1)
  lu.assertEquals(a:totable(), model:generate({ 1, 2 }, { length = 6, seed = 5 }):totable())
  -- At temperature 0 each token is the likeliest after those before it.
  local greedy = model:generate(mnemo.int_tensor { 4 }, { length = 3, temperature = 0 })
  local logits = model(greedy:reshape(1, 4))
  lu.assertEquals(greedy:totable()[4], logits[1][3]:argmax():item())
  -- Longer than max_len: only the last tokens are read.
  lu.assertEquals(model:generate({ 1 }, { length = 20, seed = 1 }):size(1), 21)
end

function tests.test_errors_are_sentences()
  local model = make()
  local function message(f, ...) return select(2, pcall(f, ...)) end
  lu.assertStrContains(message(model.trace, model, ids, "layers.7.keys"),
    "trace: nothing is called 'layers.7.keys'; did you mean 'layers.0.keys'? there are embeddings,")
  lu.assertStrContains(message(model.patch, model, ids, { ["layers.0.head"] = ids:tensor() }),
    "patch: nothing is called 'layers.0.head'; did you mean 'layers.0.heads'? there are")
  lu.assertStrContains(message(model.trace, model, ids, { patch = { nothing = ids:tensor() } }),
    "patch: nothing is called 'nothing'; there are embeddings,")
  lu.assertStrContains(message(model.patch, model, ids, { logits = 3 }),
    "(.logits: Tensor or function expected, got number)")
  lu.assertStrContains(message(model.trace, model, ids, { pach = {} }),
    "names or patch expected, got the field 'pach'")
  lu.assertStrContains(message(model.patch, model, ids, { ["layers.0.keys"] = function() end }),
    "patch 'layers.0.keys': must return a Tensor, got nothing")
  lu.assertStrContains(
    message(model.patch, model, ids, { logits = function() return mnemo.zeros(1) end }),
    "the tensor in place of 'logits' needs shape [2, 5, 7], got [1]")
  lu.assertStrContains(message(model.trace, model, ids, "*", function() return 1 end),
    "loss must return a Tensor, got number")
  lu.assertStrContains(message(model.attention, model, ids, 3), "layer 3 (allowed: 1…2)")
  for _, layer in ipairs { -1, 3, math.mininteger, math.maxinteger, -2.0 ^ 63 } do
    for first, look in pairs { [0] = model.residual, [1] = model.attention } do
      lu.assertStrContains(message(look, model, ids, layer),
        ("layer %d (allowed: %d…2)"):format(layer, first))
    end
  end
  lu.assertStrContains(message(model.generate, model, {}), "the prompt is empty")
  for _, length in ipairs { 1 << 62, (1 << 31) - 2, -1 } do
    lu.assertStrContains(message(model.generate, model, { 1, 2 }, { length = length }),
      ("generate: length = %d (allowed: 0 to 2147483645, with 2 of a prompt)"):format(length))
  end
  lu.assertStrContains(message(model.generate, model, { 8 }), "token 8 is outside 1…7")
  lu.assertStrContains(message(model.with, model, { nope = mnemo.zeros(1) }, print),
    "no parameter named 'nope'")
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "inspection", tests } })
