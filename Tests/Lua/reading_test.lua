-- Reading models: the logit lens, direct logit attribution, circuits and compositions, against
-- plain formulas of the parameters.
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

---- Circuits ----

function tests.test_circuits_are_products_of_a_heads_matrices()
  local model = transformer()
  local p = {}
  for name, tensor in pairs(model:parameters()) do p[name] = tensor:detach() end
  local e, u = p["tok_embeddings.weight"], p["output.weight"]
  local prefix = "layers.1.attention."
  -- The third of three heads of width 4.
  local wq = p[prefix .. "wq.weight"]:narrow(1, 9, 4)
  local wk = p[prefix .. "wk.weight"]:narrow(1, 9, 4)
  local wv = p[prefix .. "wv.weight"]:narrow(1, 9, 4)
  local wo = p[prefix .. "wo.weight"]:narrow(2, 9, 4)
  assert_close(model:circuit("qk", 2, 3):matrix(),
    e:matmul(wq:t()):matmul(wk):matmul(e:t()))
  assert_close(model:circuit("ov", 2, 3):matrix(), u:matmul(wo):matmul(wv):matmul(e:t()))
end

function tests.test_a_circuit_gives_the_scores_and_what_is_added_to_logits()
  local model = transformer { norm = "none", layers = 1, ffn = "none", no_wo = true }
  model:set("pos_embeddings.weight", mnemo.zeros(9, 12))
  local kept = model:trace(tokens)
  local qk = model:circuit("qk", 1, 2):matrix()
  -- Tokens 5 and 2 stand at 4 and 3 of the first sequence.
  lu.assertAlmostEquals(kept["layers.0.scores"][1][2][4][3]:item(), qk[5][2]:item() / 2, 1e-5)
  local ov = model:circuit("ov", 1, 2):matrix()
  local output = model:get("output.weight"):detach()
  local value = kept["layers.0.values"][1][3][2]
  lu.assertAlmostEquals(output[6]:narrow(1, 5, 4):dot(value):item(), ov[6][2]:item(), 1e-5)
end

function tests.test_circuits_of_the_simplified_transformer()
  local model = simplified { tie_output = true }
  local p = model:parameters()
  local e, pe = p["tok_embeddings.weight"], p.pe
  local wk, wv, wo = p["layers.0.attention.wk.weight"], p["layers.0.attention.wv.weight"],
    p["layers.0.attention.wo.weight"]
  assert_close(model:circuit("qk", 1):matrix(), e:matmul(wk:detach()):matmul(e:t()))
  assert_close(model:circuit("ov", 1):matrix(), e:matmul(wo):matmul(wv):matmul(e:t()))
  assert_close(model:circuit("qk", 1, 1, { rows = pe, columns = pe }):matrix(),
    pe:matmul(wk:detach()):matmul(pe:t()))
  assert_close(model:circuit("ov", 1, 1, { columns = pe }):matrix(),
    e:matmul(wo):matmul(wv):matmul(pe:t()))
end

function tests.test_a_decomposition_is_that_of_the_matrix()
  for _, which in ipairs { "qk", "ov" } do
    local circuit = transformer():circuit(which, 1, 2)
    local U, S, V = circuit:svd()
    lu.assertEquals({ U:shape(), S:shape(), V:shape() }, { { 7, 4 }, { 4 }, { 7, 4 } })
    assert_close((U * S):matmul(V:t()), circuit:matrix(), which)
    assert_close(U:t():matmul(U), mnemo.eye(4), which)
    local _, expected = mnemo.linalg.svd(circuit:matrix())
    assert_close(S, expected:narrow(1, 1, 4), which)
  end
  -- A vocabulary narrower than a head.
  local narrow = mnemo.model.simplified { vocab = 3, dim = 8, seed = 1 }:circuit("ov", 2)
  local U, S, V = narrow:svd()
  lu.assertEquals(S:shape(), { 3 })
  assert_close((U * S):matmul(V:t()), narrow:matrix())
end

function tests.test_directions_are_read_as_tokens()
  -- W_K takes e_2 to e_4 with 3, and −e_1 to e_3 with 2: token 4 is looked at by 2, and 3 by 1
  -- with a negative sign.
  local model = mnemo.model.simplified { vocab = 4, dim = 4, max_len = 2 }
  model:set("tok_embeddings.weight", mnemo.eye(4))
  local wk = mnemo.zeros(4, 4)
  wk[2] = mnemo.tensor { 0, 0, 0, 3 }
  wk[1] = mnemo.tensor { 0, 0, -2, 0 }
  model:set("layers.0.attention.wk.weight", wk)
  local found = model:circuit("qk", 1):directions { count = 2, tokens = 1 }
  lu.assertEquals(#found, 2)
  lu.assertAlmostEquals(found[1].value, 3, 1e-5)
  lu.assertEquals({ found[1].rows, found[1].columns }, { { 2 }, { 4 } })
  lu.assertAlmostEquals(found[2].value, 2, 1e-5)
  lu.assertEquals(found[2].rows, { 1 })
  lu.assertNotEquals(found[2].columns, { 3 })
  lu.assertEquals(#model:circuit("qk", 1):directions()[1].rows, 4)
end

function tests.test_composition_scores()
  local model = transformer { layers = 3 }
  local p = {}
  for name, tensor in pairs(model:parameters()) do p[name] = tensor:detach() end
  local function part(name, layer, head)
    local matrix = p[("layers.%d.attention.%s.weight"):format(layer - 1, name)]
    return matrix:narrow(name == "wo" and 2 or 1, 4 * head - 3, 4)
  end
  local scores = mnemo.circuits.composition(model, 1, 3)
  for i = 1, 3 do
    for j = 1, 3 do
      local writes = part("wo", 1, i):matmul(part("wv", 1, i))
      local reads = {
        k = part("wq", 3, j):t():matmul(part("wk", 3, j)),
        q = part("wk", 3, j):t():matmul(part("wq", 3, j)),
        v = part("wo", 3, j):matmul(part("wv", 3, j)),
      }
      for name, matrix in pairs(reads) do
        lu.assertAlmostEquals(scores[name][i][j]:item(),
          matrix:matmul(writes):norm():item() / matrix:norm():item() / writes:norm():item(), 1e-5)
      end
    end
  end
end

-- Queries read the first two coordinates and keys the last two; only the keys meet what is written.
function tests.test_a_head_composes_with_what_it_reads()
  local model = mnemo.model.transformer { vocab = 5, dim = 4, heads = 1, seed = 1 }
  local first = mnemo.eye(4) * mnemo.tensor { 1, 1, 0, 0 }
  local last = mnemo.eye(4) * mnemo.tensor { 0, 0, 1, 1 }
  model:set("layers.0.attention.wo.weight", last)
  model:set("layers.0.attention.wv.weight", mnemo.eye(4))
  model:set("layers.1.attention.wk.weight", last)
  local turn = mnemo.tensor { { 0, 0, 1, 0 }, { 0, 0, 0, 1 }, { 1, 0, 0, 0 }, { 0, 1, 0, 0 } }
  model:set("layers.1.attention.wq.weight", turn:matmul(first))
  local scores = mnemo.circuits.composition(model, 1, 2)
  lu.assertAlmostEquals(scores.k:item(), 2 ^ -0.5, 1e-5)
  lu.assertAlmostEquals(scores.q:item(), 0, 1e-6)
end

function tests.test_custom_models_need_the_parameters()
  local parameters = { ["tok_embeddings.weight"] = mnemo.randn(7, 4, { seed = 1 }) }
  for i, name in ipairs { "wk", "wv", "wo" } do
    parameters[("layers.0.attention.%s.weight"):format(name)] = mnemo.randn(4, 4, { seed = i })
  end
  local model = mnemo.model.custom {
    vocab = 7, parameters = parameters,
    forward = function(ids, p, visit)
      local length = ids:size(2)
      visit("layers.0.attention", mnemo.zeros(ids:size(1), 2, length, length))
      return p["tok_embeddings.weight"][ids]:matmul(p["tok_embeddings.weight"]:t())
    end,
  }
  local e, wv, wo = parameters["tok_embeddings.weight"], parameters["layers.0.attention.wv.weight"],
    parameters["layers.0.attention.wo.weight"]
  assert_close(model:circuit("ov", 1, 2):matrix(), e:matmul(wo:narrow(2, 3, 2))
    :matmul(wv:narrow(1, 3, 2)):matmul(e:t()):detach())
  lu.assertStrContains(message(model.circuit, model, "qk", 1, 2),
    "circuit: the model has no parameter 'layers.0.attention.wq.weight'")
  lu.assertStrContains(message(model.circuit, model, "qk", 2, 1),
    "circuit: the custom model shows no 'layers.1.attention', which tells how many heads there are")
end

function tests.test_errors_of_a_forward_function_keep_their_line()
  local model = mnemo.model.custom {
    vocab = 7, parameters = { ["tok_embeddings.weight"] = mnemo.randn(7, 4) },
    forward = function() error "mine" end,
  }
  for _, call in ipairs {
    function() mnemo.lens(model, tokens) end,
    function() mnemo.attribution(model, tokens, 1) end,
    function() model:circuit("ov", 1) end,
  } do
    lu.assertStrMatches(message(call), "forward: .*reading_test%.lua:%d+: mine")
  end
end

function tests.test_errors_name_the_callers_line()
  local model = transformer()
  for text, call in pairs {
    ["attribution: a model expected, got nil"] = function() mnemo.attribution(nil, tokens, 1) end,
    ["circuit: layer is 3 (allowed: 1 to 2)"] = function() model:circuit("qk", 3) end,
    ["circuit: head is 4 (allowed: 1 to 3)"] = function() model:circuit("qk", 1, 4) end,
    ["circuit: unknown option 'row'; did you mean 'rows'?"] = function()
      model:circuit("qk", 1, 1, { row = 1 })
    end,
    ["directions: unknown option 'counts'; did you mean 'count'?"] = function()
      model:circuit("qk", 1, 1):directions { counts = 1 }
    end,
    ["circuits.composition: layer 2 does not come before layer 2"] = function()
      mnemo.circuits.composition(model, 2, 2)
    end,
  } do
    lu.assertStrMatches(message(call), ".*reading_test%.lua:%d+: "
      .. text:gsub("[%p]", "%%%0"))
  end
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "reading", tests } })
