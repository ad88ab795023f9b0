-- Activation patching: what comes back of a clean answer, against patches made by hand.
local lu = require "luaunit"
local mnemo = require "mnemo"

local clean = mnemo.int_tensor { { 1, 5, 2, 5, 7 }, { 3, 3, 6, 1, 4 } }
-- The third and the last tokens differ.
local corrupted = mnemo.int_tensor { { 1, 5, 4, 5, 2 }, { 3, 3, 2, 1, 6 } }
local right, wrong = { 2, 5 }, { 7, 1 }

local function message(f, ...) return select(2, pcall(f, ...)) end

local function make(options)
  local all = { vocab = 7, dim = 12, heads = 3, layers = 2, max_len = 9, seed = 3 }
  for key, value in pairs(options or {}) do all[key] = value end
  return mnemo.model.transformer(all)
end

local model = make()

local function patch(options)
  local all = { model = model, clean = clean, corrupted = corrupted, right = right, wrong = wrong }
  for key, value in pairs(options) do all[key] = value end
  return mnemo.patching.activation(all)
end

--- The default metric by hand, from logits [2, 5, 7].
local function answer_difference(logits)
  local sum = 0
  for b = 1, 2 do
    sum = sum + (logits[b][5][right[b]] - logits[b][5][wrong[b]]):item() / 2
  end
  return sum
end

local m_clean, m_corrupted = answer_difference(model(clean)), answer_difference(model(corrupted))

--- What a patched pass recovers, by hand.
local function recovered(replacements)
  local m = answer_difference(model:patch(corrupted, replacements))
  return (m - m_corrupted) / (m_clean - m_corrupted)
end

local tests = {}

function tests.test_the_metric_of_both_inputs()
  local found = patch {}
  lu.assertAlmostEquals(found.clean, m_clean, 1e-5)
  lu.assertAlmostEquals(found.corrupted, m_corrupted, 1e-5)
end

function tests.test_what_decides_all_recovers_all()
  for _, norm in ipairs { "pre", "post", "none" } do
    for _, part in ipairs(patch { model = make { norm = norm }, names = {
      "embeddings", "layers.*.residual", "logits" } }) do
      lu.assertAlmostEquals(part.recovered, 1, 1e-4, part.name)
    end
  end
end

function tests.test_tensors_come_in_the_order_of_the_forward_pass()
  local names = {}
  for i, part in ipairs(patch { names = { "logits", "layers.*.residual", "layers.0.*put" } }) do
    names[i] = part.name .. " " .. tostring(part.layer)
  end
  lu.assertEquals(names, { "layers.0.attention_input 1", "layers.0.attention_output 1",
    "layers.0.ff_input 1", "layers.0.ff_output 1", "layers.0.residual 1", "layers.1.residual 2",
    "logits nil" })
end

function tests.test_positions_are_patched_one_at_a_time()
  local found = patch { names = "layers.0.residual", positions = true }
  lu.assertEquals(#found, 5)
  local own = model:trace(clean, "layers.0.residual")["layers.0.residual"]
  for position, part in ipairs(found) do
    lu.assertEquals(part.position, position)
    lu.assertAlmostEquals(part.recovered, recovered {
      ["layers.0.residual"] = function(t)
        local parts = {}
        for p = 1, 5 do parts[p] = (p == position and own or t):narrow(2, p, 1) end
        return mnemo.cat(parts, 2)
      end,
    }, 1e-5)
  end
  -- Before the first token that differs all is the same.
  lu.assertEquals({ found[1].recovered, found[2].recovered }, { 0, 0 })
  lu.assertTrue(math.abs(found[3].recovered) > 1e-4)
end

function tests.test_heads_are_patched_one_at_a_time()
  local found = patch { heads = true, positions = { 3, 5 } }
  lu.assertEquals(#found, 2 * 3 * 2)
  local name = "layers.1.heads"
  local own = model:trace(clean, name)[name]
  local part = found[12]
  lu.assertEquals({ part.name, part.layer, part.head, part.position }, { name, 2, 3, 5 })
  lu.assertAlmostEquals(part.recovered, recovered {
    [name] = function(t)
      local last = t:narrow(2, 5, 1)
      last = mnemo.cat({ last:narrow(3, 1, 2), own:narrow(2, 5, 1):narrow(3, 3, 1) }, 3)
      return mnemo.cat({ t:narrow(2, 1, 4), last }, 2)
    end,
  }, 1e-5)
  lu.assertTrue(math.abs(part.recovered) > 1e-4)
end

-- In maps [B, H, T, T] the second axis is that of heads, the third that of who looks.
function tests.test_attention_maps_have_heads_and_positions_too()
  local found = patch { names = "layers.0.attention", heads = { 2 }, positions = true }
  lu.assertEquals(#found, 5)
  local name = "layers.0.attention"
  local own = model:trace(clean, name)[name]
  lu.assertEquals({ found[5].head, found[5].position }, { 2, 5 })
  lu.assertAlmostEquals(found[5].recovered, recovered {
    [name] = function(t)
      local row = mnemo.cat({ t:narrow(2, 2, 1):narrow(3, 1, 4),
        own:narrow(2, 2, 1):narrow(3, 5, 1) }, 3)
      return mnemo.cat({ t:narrow(2, 1, 1), row, t:narrow(2, 3, 1) }, 2)
    end,
  }, 1e-5)
end

function tests.test_a_metric_of_ones_own()
  local found = patch {
    names = "layers.0.attention_output",
    metric = function(logits) return logits:log_softmax(3)[1][3][4] end,
  }
  local function metric(logits) return logits:log_softmax(3)[1][3][4]:item() end
  local low, high = metric(model(corrupted)), metric(model(clean))
  local name = "layers.0.attention_output"
  local m = metric(model:patch(corrupted, { [name] = model:trace(clean, name)[name] }))
  lu.assertAlmostEquals(found[1].recovered, (m - low) / (high - low), 1e-4)
end

function tests.test_without_answers_those_of_the_model_count()
  local answers = model(clean):select(2, 5):argmax(2):totable()
  local others = model(corrupted):select(2, 5):argmax(2):totable()
  lu.assertNotEquals(answers, others)
  local all = { model = model, clean = clean, corrupted = corrupted, heads = true }
  local found = mnemo.patching.activation(all)
  all.right, all.wrong = answers, mnemo.int_tensor(others)
  lu.assertEquals(found[3].recovered, mnemo.patching.activation(all)[3].recovered)
end

--- Saves a figure and returns its numbers as rows of text.
local function csv_of(figure)
  local path = os.tmpname()
  figure:save(path .. ".svg")
  local lines = {}
  for line in io.lines(path .. ".csv") do lines[#lines + 1] = line end
  for _, ending in ipairs { "", ".svg", ".csv" } do os.remove(path .. ending) end
  return lines
end

function tests.test_figures_show_every_part()
  for size, options in pairs {
    ["6 × 5"] = { heads = true, positions = true }, ["2 × 3"] = { heads = true },
    ["2 × 5"] = { positions = true }, ["2 × 1"] = {},
  } do
    lu.assertEquals(tostring(patch(options).figure), "figure: a map of " .. size)
  end
  local found = patch { names = { "embeddings", "layers.*.ff_output" } }
  lu.assertEquals(tostring(found.figure), "figure: a map of 3 × 1")
  local text = table.concat(csv_of(found.figure), "\n")
  for _, label in ipairs { "embeddings", "1.ff_output", "2.ff_output" } do
    lu.assertStrContains(text, label)
  end
end

function tests.test_a_custom_model_is_patched()
  local custom = mnemo.model.custom {
    vocab = 7, parameters = { e = mnemo.randn(7, 7, { seed = 1 }) },
    forward = function(ids, p, visit) return visit("read", p.e[ids]) end,
  }
  local found = patch { model = custom, names = "read", positions = true }
  for position, part in ipairs(found) do
    lu.assertAlmostEquals(part.recovered, position == 5 and 1 or 0, 1e-6)
  end
end

function tests.test_gradients_are_left_alone()
  patch { heads = true }
  for name, tensor in pairs(model:parameters()) do lu.assertNil(tensor.grad, name) end
end

function tests.test_errors_are_sentences()
  local function said(options) return message(patch, options) end
  lu.assertStrContains(said { names = "layers.0.head" },
    "patching_test.lua:10: patch: nothing is called 'layers.0.head'; did you mean 'layers.0.heads'")
  lu.assertStrContains(said { head = true }, "unknown option 'head'; did you mean 'heads'?")
  lu.assertStrContains(said { model = false }, "patching.activation: a model expected, got false")
  lu.assertStrContains(said { corrupted = clean }, "nothing can be recovered")
  lu.assertStrContains(said { corrupted = { { 1, 2 } }, metric = function() return 1 end },
    "clean is [2, 5], corrupted [1, 2]")
  lu.assertStrContains(said { right = { 2, 5 }, wrong = { 2, 5 } },
    "the answers to clean and corrupted are the same")
  lu.assertStrContains(said { metric = function() return "good" end },
    "metric must return a number or a Tensor of one element")
  lu.assertStrContains(said { metric = function() return 0 / 0 end }, "nothing can be recovered")
  lu.assertStrContains(said { names = "layers.0.residual", heads = true },
    "'layers.0.residual' has no axis of heads")
  lu.assertStrContains(said { heads = { 4 } }, "head 4 of 'layers.0.heads' (allowed: 1 to 3)")
  lu.assertStrContains(said { positions = { 0 } },
    "position 0 of 'layers.0.residual' (allowed: 1 to 5)")
  lu.assertStrContains(message(mnemo.patching.activation, { model = model, corrupted = clean }),
    "missing option 'clean'")
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "patching", tests } })
