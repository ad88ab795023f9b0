-- model:truncate and model:restore.
local lu = require "luaunit"
local mnemo = require "mnemo"

local wk, wo = "layers.1.attention.wk.weight", "layers.1.attention.wo.weight"
local ids = mnemo.int_tensor { { 1, 5, 2, 5, 7 }, { 3, 3, 6, 1, 4 } }

local function make(options)
  local all = { vocab = 7, dim = 6, max_len = 9, seed = 3 }
  for key, value in pairs(options or {}) do all[key] = value end
  return mnemo.model.simplified(all)
end

local function custom(parameters)
  return mnemo.model.custom {
    vocab = 7, parameters = parameters,
    forward = function(tokens, p) return p.e[tokens]:matmul(p.u) end,
  }
end

--- Asserts that a tensor holds the same numbers, to the bit: −0 is not 0.
local function assert_bits(tensor, numbers)
  lu.assertEquals(tensor:eq(numbers):all():item(), 1)
  lu.assertEquals((1 / tensor):eq(1 / numbers):all():item(), 1)
end

local function assert_close(a, b)
  lu.assertTrue((a - b):abs():max():item() < 1e-6)
end

--- Asserts that a call is an error, and what it says.
local function fails(sentence, body, ...)
  local ok, message = pcall(body, ...)
  lu.assertFalse(ok)
  lu.assertStrContains(message, sentence)
end

local tests = {}

function tests.test_the_largest_singular_values_stay()
  local model = make()
  local weight = model:get(wo)
  local before = weight:clone():detach()
  local _, values = mnemo.linalg.svd(before)
  local squares = values:square():totable()
  local all = 0
  for _, square in ipairs(squares) do all = all + square end
  -- 6 values: shares are rounded up.
  for _, case in ipairs { { 0.01, 1 }, { 0.5, 3 }, { 1 / 6, 1 }, { 0.17, 2 }, { 0.9, 6 } } do
    local share, rank = table.unpack(case)
    local energy, ranks = model:truncate { names = wo, share = share }
    lu.assertEquals(ranks, { [wo] = rank })
    lu.assertEquals(mnemo.linalg.matrix_rank(weight), rank)
    assert_close(weight, mnemo.linalg.rank_truncate(before, rank))
    local kept = 0
    for i = 1, rank do kept = kept + squares[i] end
    lu.assertAlmostEquals(energy[wo], kept / all, 1e-6)
  end
  lu.assertEquals(model:restore(), {}) -- 0.9 of 6 are all
  assert_bits(weight, before)
end

function tests.test_rounding_makes_no_further_value()
  -- 0.1 · 30 is 3.0000000000000004.
  local model = custom { e = mnemo.ones(7, 30), u = mnemo.randn(30, 40, { seed = 2 }) }
  local _, ranks = model:truncate { names = "u", share = 0.1 }
  lu.assertEquals(ranks.u, 3)
  _, ranks = model:truncate { names = "u", share = 0.7 }
  lu.assertEquals(ranks.u, 21)
end

function tests.test_the_ends_drop_and_bring_back()
  local model = make()
  local weight, before = model:get(wo), model:get(wo):clone():detach()
  local energy, ranks = model:truncate { names = wo, share = 0 }
  lu.assertEquals({ energy[wo], ranks[wo] }, { 0, 0 })
  lu.assertEquals(weight:abs():max():item(), 0)
  energy, ranks = model:truncate { names = wo, share = 1 }
  lu.assertEquals({ energy[wo], ranks[wo] }, { 1, 6 })
  assert_bits(weight, before)
  lu.assertTrue(table.concat(model:trainable(), " "):find(wo, 1, true) ~= nil)
end

function tests.test_shares_are_of_the_matrix_as_it_was()
  local one, other = make(), make()
  one:truncate { names = wo, share = 0.2 }
  local energy = one:truncate { names = wo, share = 0.6 }
  lu.assertEquals(energy, (other:truncate { names = wo, share = 0.6 }))
  assert_bits(one:get(wo), other:get(wo))
end

function tests.test_names_are_globs_or_a_list_of_them()
  local model = make { ffn = { "mlp", "mlp" } }
  local energy = model:truncate { names = { "layers.?.ff.w1.*", wo, "layers.1.ff.*" }, share = 0.5 }
  local names = {}
  for name in pairs(energy) do names[#names + 1] = name end
  table.sort(names)
  lu.assertEquals(names,
    { "layers.0.ff.w1.weight", wo, "layers.1.ff.w1.weight", "layers.1.ff.w2.weight" })
  -- In the order of the parameters.
  lu.assertEquals(model:restore(), { "layers.0.ff.w1.weight", wo, "layers.1.ff.w1.weight",
    "layers.1.ff.w2.weight" })
  lu.assertEquals(model:restore(), {})
end

function tests.test_every_kind_of_model_comes_back_to_the_bit()
  local models = {
    make { ffn = { "mlp", "linear" } },
    make { tie_output = true },
    mnemo.model.transformer { vocab = 7, dim = 6, heads = 2, max_len = 9, seed = 1 },
    custom { e = mnemo.randn(7, 4, { seed = 1 }), u = mnemo.randn(7, 4, { seed = 2 }):t() },
    mnemo.model.factual {
      vocab = 7, answers = 4, dim = 6, heads = 2, head_dim = 3, mlp_width = 5, seed = 1 },
  }
  for _, model in ipairs(models) do
    local state, matrices = {}, {}
    for name, tensor in pairs(model:parameters()) do
      state[name] = tensor:clone():detach()
      if tensor:dim() == 2 then matrices[#matrices + 1] = name end
    end
    local logits = model(ids)
    model:truncate { names = matrices, share = 0.4 }
    lu.assertTrue((model(ids) - logits):abs():max():item() > 0)
    lu.assertEquals(#model:restore(), #matrices)
    for name, tensor in pairs(model:parameters()) do assert_bits(tensor, state[name]) end
  end
end

--- Trains a model for a few steps.
local function train(model)
  local task = mnemo.data.bigram {
    corpus = mnemo.corpus.uniform(7), triggers = 1, seq_len = 9, seed = 1 }
  mnemo.train {
    model = model, data = task, steps = 2, batch_size = 4, progress = false,
    optimizer = mnemo.optim.sgd { lr = 0.1 },
  }
end

function tests.test_training_makes_a_matrix_of_its_own()
  local model = make()
  local weight, before = model:get(wo), model:get(wo):clone():detach()
  local key = model:get(wk):clone():detach()
  model:truncate { names = { wo, wk }, share = 0.5 }
  model:freeze(wk)
  train(model)
  local trained = weight:clone():detach()
  lu.assertEquals(mnemo.linalg.matrix_rank(weight), 6)

  local sentence = "restore: '" .. wo .. "' has changed since truncation, by training or "
    .. 'otherwise; changed = "keep" leaves that, "discard" goes back to what was before'
  fails(sentence, model.restore, model)
  assert_bits(weight, trained)
  lu.assertEquals(mnemo.linalg.matrix_rank(model:get(wk)), 3) -- nor was the other restored

  -- A further truncation is one of what training left.
  model:truncate { names = wo, share = 0.5 }
  assert_close(weight, mnemo.linalg.rank_truncate(trained, 3))
  lu.assertEquals(model:restore(), { wk, wo })
  assert_bits(weight, trained)
  assert_bits(model:get(wk), key)

  for choice, expected in pairs { keep = trained, discard = before } do
    weight:requires_grad(false)
    weight:copy_(before)
    model:truncate { names = wo, share = 0.5 }
    weight:copy_(trained)
    lu.assertEquals(model:restore { changed = choice }, choice == "keep" and {} or { wo })
    assert_bits(weight, expected)
    lu.assertEquals(model:restore(), {})
    assert_bits(weight, expected)
  end
end

function tests.test_set_and_load_state_make_others_too()
  local model = make()
  local state = model:clone():parameters()
  model:truncate { names = { wo, wk }, share = 0.5 }
  model:set(wo, mnemo.ones(6, 6))
  fails("'" .. wo .. "' has changed since truncation", model.restore, model)
  model:load_state(state)
  fails("'" .. wk .. "', '" .. wo .. "' have changed since truncation", model.restore, model)
  lu.assertEquals(model:restore { changed = "keep" }, {})
  assert_bits(model:get(wo), state[wo])
end

function tests.test_what_is_written_back_is_no_change()
  local model = make()
  local weight, before = model:get(wo), model:get(wo):clone():detach()
  model:truncate { names = wo, share = 0.5 }
  local truncated = weight:clone():detach()
  model:with({ [wo] = mnemo.ones(6, 6) }, function()
    fails("has changed since truncation", model.restore, model)
  end)
  assert_bits(weight, truncated)
  lu.assertEquals(model:restore(), { wo })
  assert_bits(weight, before)
end

function tests.test_parameters_of_one_storage_are_two()
  local both = mnemo.randn(2, 6, 6, { seed = 1 })
  local model = mnemo.model.custom {
    vocab = 6, parameters = { a = both[1], b = both[2] },
    forward = function(tokens, p) return p.a[tokens]:matmul(p.b) end,
  }
  local before = both:clone():detach()
  model:truncate { names = "a", share = 0.5 }
  model:truncate { names = "b", share = 0.5 }
  lu.assertEquals(model:restore(), { "a", "b" })
  assert_bits(both:detach(), before)
end

function tests.test_a_clone_and_a_file_have_the_truncated_numbers()
  local model = make()
  model:truncate { names = wo, share = 0.5 }
  local path = os.tmpname()
  model:save(path)
  for _, other in ipairs { model:clone(), mnemo.model.load(path) } do
    lu.assertEquals(mnemo.linalg.matrix_rank(other:get(wo)), 3)
    assert_bits(other:get(wo), model:get(wo))
    lu.assertEquals(other:restore(), {})
    -- It is cut down for itself, and the first knows nothing of it.
    other:truncate { names = wo, share = 0.2 }
    lu.assertEquals(other:restore(), { wo })
    assert_bits(other:get(wo), model:get(wo))
  end
  os.remove(path)
  lu.assertEquals(model:restore(), { wo })
end

function tests.test_gradients_are_those_of_the_truncated_numbers()
  local model = make()
  local batch = { tokens = ids, targets = ids }
  model:truncate { names = wo, share = 0.5 }
  local other = model:clone()
  model:loss(batch):backward()
  other:loss(batch):backward()
  assert_bits(model:get(wo).grad, other:get(wo).grad)
  -- What was computed before is not differentiated with other numbers.
  local loss = model:loss(batch)
  model:restore()
  fails("changed in place", loss.backward, loss)
end

function tests.test_bad_input()
  local model = mnemo.model.transformer { vocab = 7, dim = 6, heads = 2, max_len = 9, seed = 1 }
  local weight = model:get(wo)
  local before = weight:clone():detach()
  for sentence, options in pairs {
    ["truncate: share must be from 0 to 1, got 1.5"] = { names = wo, share = 1.5 },
    ["truncate: share must be from 0 to 1, got -0.1"] = { names = wo, share = -0.1 },
    ["truncate: share must be from 0 to 1, got nan"] = { names = wo, share = 0 / 0 },
    ["model: no parameter matches 'layers.7.*'; there are "] = { names = { wo, "layers.7.*" },
      share = 0.5 },
    ["truncate: 'norm.weight' has shape [6] and no singular values; only matrices have"] = {
      names = { wo, "norm.weight" }, share = 0.5 },
    ["missing option 'share'"] = { names = wo },
    ["missing option 'names'"] = { share = 0.5 },
    ["bad option 'names'"] = { names = 3, share = 0.5 },
    ["unknown option 'rank'"] = { names = wo, share = 0.5, rank = 2 },
  } do
    fails(sentence, model.truncate, model, options)
    assert_bits(weight, before)
  end
  fails("bad option 'changed'", model.restore, model, { changed = "forget" })

  -- All or none: of two matrices the second cannot be decomposed.
  model:get("output.weight"):detach()[1][1] = 1 / 0
  fails("truncate: 'output.weight': svd: needs finite numbers, but one of shape [7, 6] is inf",
    model.truncate, model, { names = { wo, "output.weight" }, share = 0.5 })
  assert_bits(weight, before)
  lu.assertEquals(model:restore(), {})
  -- To drop it none is needed.
  lu.assertEquals(model:truncate { names = "output.weight", share = 0 }, { ["output.weight"] = 0 })
  lu.assertEquals(model:restore(), { "output.weight" })
  lu.assertEquals(model:get("output.weight")[1][1]:item(), 1 / 0)
end

function tests.test_matrices_of_zeros_and_without_columns()
  local model = custom { e = mnemo.zeros(7, 4), u = mnemo.ones(4, 7) }
  local energy, ranks = model:truncate { names = "e", share = 0.5 }
  lu.assertEquals({ energy.e, ranks.e }, { 1, 2 })
  lu.assertEquals(model:restore(), { "e" })
  local empty = custom { e = mnemo.zeros(7, 0), u = mnemo.zeros(0, 7) }
  energy, ranks = empty:truncate { names = "*", share = 0.5 }
  lu.assertEquals({ energy, ranks }, { { e = 1, u = 1 }, { e = 0, u = 0 } })
  lu.assertEquals(empty:restore(), {})
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "truncation", tests } })
