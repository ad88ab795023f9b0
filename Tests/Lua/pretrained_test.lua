-- Published models: parity with what the package transformers computed (see
-- Tests/Fixtures/pretrained_models.py), generation, everything that looks into models, and every
-- way in which a folder may be wrong.
local lu = require "luaunit"
local mnemo = require "mnemo"

local fixtures = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/../Fixtures/pretrained"

local names = {
  "neox-pythia", "neox-sequential", "neox-bf16", "neox-f16-sharded", "neox-tied", "neox-text",
  "gpt2", "gpt2-options", "gpt2-f16", "gpt2-bf16",
}

local function load(name) return mnemo.pretrained.load(fixtures .. "/" .. name) end

--- What transformers computed: tokens from 1, logits, and a greedy continuation.
local function expected(name)
  local found = mnemo.safetensors.load(("%s/%s/expected.safetensors"):format(fixtures, name))
  return { tokens = found.tokens + 1, logits = found.logits, generated = found.generated[1] + 1 }
end

local function difference(a, b) return (a - b):abs():max():item() end

--- Asserts that a call is an error, and what it says.
local function fails(sentence, body, ...)
  local ok, message = pcall(body, ...)
  lu.assertFalse(ok, sentence)
  lu.assertStrContains(message, sentence)
end

--- Reads a whole file.
local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

local files = {
  "config.json", "model.safetensors", "model.safetensors.index.json",
  "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "pytorch_model.bin",
  "tokenizer.json",
}

--- Calls a function with a copy of a fixture's folder, which is removed afterwards.
local function with_copy(name, body)
  local folder = os.tmpname()
  os.remove(folder)
  mnemo.make_folder(folder)
  for _, file in ipairs(files) do
    local source = io.open(("%s/%s/%s"):format(fixtures, name, file), "rb")
    if source then
      write(folder .. "/" .. file, source:read "a")
      source:close()
    end
  end
  local ok, message = pcall(body, folder)
  for _, file in ipairs(files) do os.remove(folder .. "/" .. file) end
  os.remove(folder)
  if not ok then error(message, 0) end
end

local tests = {}

---- Parity ----

function tests.test_logits_are_those_of_transformers()
  for _, name in ipairs(names) do
    local model, of = load(name), expected(name)
    lu.assertTrue(difference(model(of.tokens), of.logits) < 1e-4, name)
    lu.assertTrue(difference(model:trace(of.tokens, "logits").logits, of.logits) < 1e-4, name)
    local last = model:forward(of.tokens, "last")
    lu.assertEquals(last:shape(), { 2, model.config.vocab })
    lu.assertTrue(difference(last, of.logits:select(2, 9)) < 1e-4, name)
  end
end

function tests.test_greedy_generations_are_those_of_transformers()
  for _, name in ipairs(names) do
    local model, of = load(name), expected(name)
    local prompt = of.generated:narrow(1, 1, 5)
    local found = model:generate(prompt, { length = 12, temperature = 0 })
    lu.assertEquals(found:totable(), of.generated:totable(), name)
  end
end

function tests.test_weights_keep_their_number_type_and_published_names()
  local types = {
    ["neox-pythia"] = "float32", ["neox-bf16"] = "bfloat16", ["neox-f16-sharded"] = "float16",
    ["gpt2-bf16"] = "bfloat16",
  }
  for name, dtype in pairs(types) do
    local model = load(name)
    for _, parameter in ipairs(model:names()) do
      lu.assertEquals(model:get(parameter):dtype(), dtype)
    end
    lu.assertEquals(model:trainable(), {})
  end
  local neox, gpt2 = load "neox-pythia", load "gpt2"
  lu.assertEquals(neox:get("gpt_neox.layers.1.attention.query_key_value.weight"):shape(),
    { 72, 24 })
  lu.assertEquals(neox:get("embed_out.weight"):shape(), { 61, 24 })
  -- Its file leaves out "transformer.", and stores matrices [in, out].
  lu.assertEquals(gpt2:get("transformer.h.1.attn.c_attn.weight"):shape(), { 24, 72 })
  lu.assertNil(gpt2:parameters()["lm_head.weight"])
end

function tests.test_configurations_are_read()
  local neox = load("neox-pythia").config
  lu.assertEquals({ neox.dim, neox.layers, neox.heads, neox.ff_dim, neox.max_len },
    { 24, 2, 2, 40, 32 })
  lu.assertEquals({ neox.rotary_share, neox.rotary_base, neox.parallel_residual },
    { 0.25, 10000, true })
  local other = load("neox-sequential").config
  lu.assertEquals({ other.rotary_share, other.rotary_base, other.parallel_residual,
    other.attention_bias, other.activation, other.norm_eps },
    { 1, 500, false, false, "gelu_new", 0.001 })
  local gpt2 = load("gpt2-options").config
  lu.assertEquals({ gpt2.ff_dim, gpt2.activation, gpt2.scale_by_layer, gpt2.tie_output },
    { 40, "gelu", true, false })
end

---- Reading token by token ----

function tests.test_a_kept_prefix_changes_nothing()
  for _, kind in ipairs { "gpt2", "gpt_neox" } do
    local model = mnemo.model[kind] {
      vocab = 13, dim = 12, layers = 3, heads = 3, max_len = 20, seed = 1,
    }
    for _, name in ipairs(model:names()) do
      local tensor = model:get(name)
      model:set(name, mnemo.randn(tensor:shape()) * 0.5)
    end
    local ids = model:generate({ 3, 1, 4 }, { length = 18, temperature = 0 }):totable()
    lu.assertEquals(#ids, 21)
    for t = 3, 20 do
      local logits = model:forward({ table.unpack(ids, 1, t) }, "last")
      lu.assertEquals(ids[t + 1], logits:argmax(2):item(), kind)
    end
    lu.assertEquals(model:generate({ 3, 1 }, { seed = 5, length = 9 }):totable(),
      model:generate({ 3, 1 }, { seed = 5, length = 9 }):totable())
  end
end

function tests.test_generation_ends_at_a_token_that_is_named()
  local model, of = load "gpt2-options", expected "gpt2-options"
  local whole = of.generated:totable()
  local ended = model:generate({ table.unpack(whole, 1, 5) }, {
    length = 12, temperature = 0, stop = { 61, whole[7] },
  }):totable()
  lu.assertEquals(ended, { table.unpack(whole, 1, 7) })
end

function tests.test_next_tokens_are_those_of_the_logits()
  local model, of = load "neox-bf16", expected "neox-bf16"
  local found = model:next_tokens(of.tokens[1], 3)
  local values, ids = of.logits[1][9]:softmax(1):topk(3)
  lu.assertEquals(#found, 3)
  for i, row in ipairs(found) do
    lu.assertEquals(row.id, ids[i]:item())
    lu.assertAlmostEquals(row.probability, values[i]:item(), 1e-5)
    lu.assertNil(row.token)
  end
  lu.assertEquals(#model:next_tokens({ 1 }, 1000), 61)
end

---- Looking inside ----

function tests.test_the_intermediate_tensors_make_the_pass()
  for _, name in ipairs { "neox-pythia", "neox-sequential", "gpt2-f16" } do
    local model, of = load(name), expected(name)
    local kept = model:trace(of.tokens)
    local before = kept["layers.0.residual"]
    local after = before + kept["layers.1.attention_output"] + kept["layers.1.ff_output"]
    lu.assertTrue(difference(after, kept["layers.1.residual"]) < 1e-5, name)
    lu.assertEquals(kept["layers.1.queries"]:shape()[3], model.config.heads)
    local attention = model:attention(of.tokens, 2)
    lu.assertEquals(attention:shape(), { 2, model.config.heads, 9, 9 })
    lu.assertTrue(difference(attention:sum(4), mnemo.ones(2, model.config.heads, 9)) < 1e-5)
    lu.assertTrue(difference(attention, kept["layers.1.attention"]) == 0)
    lu.assertTrue(difference(model:residual(of.tokens, 2), kept["layers.1.residual"]) == 0)
  end
end

function tests.test_patches_change_the_pass()
  local model, of = load "neox-bf16", expected "neox-bf16"
  local same = model:patch(of.tokens, { ["layers.*.heads"] = function(t) return t end })
  lu.assertTrue(difference(same, of.logits) < 1e-4)
  local without = model:patch(of.tokens, {
    ["layers.1.ff_output"] = function(t) return t * 0 end,
    ["layers.1.attention_output"] = function(t) return t * 0 end,
  })
  lu.assertTrue(difference(without, mnemo.lens(model, of.tokens)[2]) < 1e-4)
  lu.assertTrue(difference(without, of.logits) > 0.1)
end

function tests.test_the_lens_ends_at_the_models_answer()
  for _, name in ipairs { "neox-sequential", "gpt2", "gpt2-options", "gpt2-f16" } do
    local model, of = load(name), expected(name)
    local logits = mnemo.lens(model, of.tokens)
    lu.assertEquals(logits:shape(), { 3, 2, 9, 61 })
    lu.assertTrue(difference(logits[3], of.logits) < 1e-4, name)
  end
end

function tests.test_heads_are_told_apart()
  for _, name in ipairs { "neox-pythia", "neox-f16-sharded", "gpt2-options", "gpt2-bf16" } do
    local model, of = load(name), expected(name)
    -- Attribution refuses parts that do not add up to the logit.
    local parts = mnemo.attribution(model, of.tokens, of.tokens)
    local heads = 0
    for _, part in ipairs(parts) do heads = heads + (part.head and 1 or 0) end
    lu.assertEquals(heads, 2 * model.config.heads, name)
    -- Values of a head are its own matrix times what attention reads, but for the bias.
    local kept = model:trace(of.tokens, { "layers.1.attention_input", "layers.1.values" })
    local x, v = kept["layers.1.attention_input"][1], kept["layers.1.values"][1]
    local circuit = model:circuit("ov", 2, 2, { rows = mnemo.eye(24), columns = x })
    local change = circuit.right - circuit.right[1]
    lu.assertTrue(difference(change, v:select(2, 2) - v[1][2]) < 1e-4, name)
  end
  local model = load "neox-tied"
  -- Without turns by positions, scores are what the circuit says where there are no biases.
  local fused = "gpt_neox.layers.0.attention.query_key_value.bias"
  model:set(fused, mnemo.zeros(72))
  local kept = model:trace({ 1, 2, 3 }, { "layers.0.attention_input", "layers.0.scores" })
  local x = kept["layers.0.attention_input"][1]
  local circuit = model:circuit("qk", 1, 2, { rows = x, columns = x })
  lu.assertTrue(difference(circuit:matrix() / 12 ^ 0.5, kept["layers.0.scores"][1][2]) < 1e-4)
end

function tests.test_patching_finds_what_carries_the_answer()
  local model = load "neox-sequential"
  local found = mnemo.patching.activation {
    model = model, clean = { 1, 2, 3, 4 }, corrupted = { 1, 2, 30, 4 }, positions = true,
    right = { 5 }, wrong = { 6 },
  }
  lu.assertEquals(#found, 8)
  -- All that differs stands at the third position before the first layer, at the last after both.
  lu.assertAlmostEquals(found[8].recovered, 1, 1e-3)
end

---- Text ----

local prompt = "Madrid is located in"

function tests.test_texts_become_tokens_and_come_back()
  local model = load "neox-text"
  lu.assertEquals(#model.tokenizer, 980)
  lu.assertNil(load("neox-pythia").tokenizer)
  local ids = model:encode(prompt)
  lu.assertEquals(ids, model.tokenizer:encode(prompt))
  local numbers, texts = tostring(ids):match "^{(.-)}\n  (.*)$"
  lu.assertEquals(numbers, table.concat(ids, ", "))
  lu.assertEquals(texts:gsub("|", ""):gsub("␣", " "), prompt)
  lu.assertEquals(model:decode(ids), prompt)
  lu.assertEquals(model:decode(mnemo.int_tensor(ids)), prompt)
  lu.assertEquals(model:decode(ids[1]), model.tokenizer:token(ids[1]))
  fails("decode", model.decode, model, { 993 })
  fails("encode", model.encode, model, "a\xff")
end

function tests.test_texts_are_read_wherever_tokens_are()
  local model = load "neox-text"
  local ids = model:encode(prompt)
  local tokens = mnemo.int_tensor { ids }
  lu.assertEquals(difference(model(prompt), model(tokens)), 0)
  lu.assertEquals(difference(model(ids), model(tokens)), 0)
  lu.assertEquals(difference(model:forward(prompt, "last"), model:forward(tokens, "last")), 0)
  lu.assertEquals(difference(model:attention(prompt, 2), model:attention(tokens, 2)), 0)
  lu.assertEquals(difference(model:residual(prompt, 1), model:residual(tokens, 1)), 0)
  lu.assertEquals(difference(model:trace(prompt, "norm").norm, model:trace(tokens, "norm").norm), 0)
  lu.assertEquals(difference(mnemo.lens(model, prompt), mnemo.lens(model, tokens)), 0)
  local same = model:patch(prompt, { logits = function(t) return t end })
  lu.assertTrue(difference(same, model(tokens)) < 1e-4)
  local parts = mnemo.attribution(model, prompt, 3)
  lu.assertEquals(parts.logit:shape(), { 1, #ids })
end

function tests.test_texts_are_continued_as_texts()
  local model = load "neox-text"
  local ids = model:encode(prompt)
  local text, found = model:generate(prompt, { length = 3, temperature = 0 })
  lu.assertEquals(text, model:decode(found))
  lu.assertEquals(text:sub(1, #prompt), prompt)
  lu.assertEquals(found:totable(),
    model:generate(ids, { length = 3, temperature = 0 }):totable())
  local the = model.tokenizer:id "Ġthe"
  local ended = model:generate(prompt, { length = 9, temperature = 0, stop = "Ġthe" })
  lu.assertEquals(ended, prompt .. " the")
  lu.assertEquals(model:generate(ids, { length = 9, temperature = 0, stop = the })[-1]:item(), the)
  fails("there is no token 'Ġnowhere'", model.generate, model, prompt, { stop = "Ġnowhere" })
end

function tests.test_what_was_learned_is_said()
  -- The fixture learned "Madrid is located in the" six times in ten, else "… in Spain".
  local model = load "neox-text"
  local found, of = model:next_tokens(prompt, 5), {}
  for _, row in ipairs(found) do
    of[row.token] = row.probability
    lu.assertEquals(row.id, model:encode(row.token)[1])
  end
  lu.assertEquals(found[1].token, " the")
  lu.assertTrue(of[" the"] > 0.5 and of[" Spain"] > 0.05)
  -- There are ids beyond those of the tokenizer, which have no text.
  local nameless = 0
  for _, row in ipairs(model:next_tokens(prompt, 992)) do
    nameless = nameless + (row.token and 0 or 1)
  end
  lu.assertEquals(nameless, 12)
end

function tests.test_a_tokenizer_of_another_model_is_told()
  with_copy("neox-pythia", function(folder)
    write(folder .. "/tokenizer.json", read(fixtures .. "/neox-text/tokenizer.json"))
    fails("it has 980 tokens, where config.json says that the model reads 61",
      mnemo.pretrained.load, folder)
    write(folder .. "/tokenizer.json", "{}")
    fails("tokenizer.json", mnemo.pretrained.load, folder)
  end)
end

---- Changing weights ----

function tests.test_weights_of_16_bits_are_replaced_and_put_back()
  for _, name in ipairs { "neox-bf16", "gpt2-f16", "gpt2" } do
    local model, of = load(name), expected(name)
    local parameter = model.kind == "gpt2" and "transformer.h.1.mlp.c_fc.weight"
      or "gpt_neox.layers.1.mlp.dense_h_to_4h.weight"
    local weight = model:get(parameter)
    local before = weight:float():clone()
    local zeros = mnemo.zeros(weight:shape())
    local inside = model:with({ [parameter] = zeros }, function()
      lu.assertEquals(weight:float():abs():max():item(), 0)
      return model(of.tokens)
    end)
    lu.assertTrue(difference(inside, of.logits) > 1e-3, name)
    lu.assertEquals(difference(weight:float(), before), 0)
    lu.assertTrue(difference(model(of.tokens), of.logits) < 1e-4)
    -- The nearest numbers of the type.
    model:set(parameter, before + 1 / 3)
    local rounded = (before + 1 / 3)
    rounded = weight:dtype() == "float32" and rounded
      or weight:dtype() == "float16" and rounded:half() or rounded:bfloat16()
    lu.assertEquals(difference(weight:float(), rounded:float()), 0)
    model:set(parameter, weight)
    lu.assertEquals(difference(weight:float(), rounded:float()), 0)
  end
  -- Nothing of it reached the files.
  lu.assertTrue(difference(load("neox-bf16")(expected("neox-bf16").tokens),
    expected("neox-bf16").logits) < 1e-4)
end

function tests.test_matrices_are_truncated_and_restored()
  for _, name in ipairs { "neox-bf16", "neox-pythia", "gpt2-f16" } do
    local model, of = load(name), expected(name)
    local glob = model.kind == "gpt2" and "transformer.h.1.mlp.c_fc.weight"
      or "gpt_neox.layers.1.mlp.dense_h_to_4h.weight"
    model:truncate { names = glob, share = 0.25 }
    lu.assertTrue(difference(model(of.tokens), of.logits) > 1e-3, name)
    model:truncate { names = glob, share = 0 }
    lu.assertEquals(model:get(glob):float():abs():max():item(), 0)
    model:restore()
    lu.assertTrue(difference(model(of.tokens), of.logits) < 1e-4, name)
  end
end

function tests.test_models_are_cloned_and_saved()
  for _, name in ipairs { "neox-bf16", "gpt2-options" } do
    local model, of = load(name), expected(name)
    local clone = model:clone()
    local first = model:names()[1]
    model:set(first, mnemo.zeros(model:get(first):shape()))
    lu.assertTrue(difference(clone(of.tokens), of.logits) < 1e-4)
    local path = os.tmpname()
    clone:save(path)
    local again = mnemo.model.load(path)
    os.remove(path)
    lu.assertEquals(again.kind, clone.kind)
    lu.assertEquals(again:get(first):dtype(), clone:get(first):dtype())
    lu.assertTrue(difference(again(of.tokens), of.logits) < 1e-4, name)
  end
end

function tests.test_weights_in_float32_are_trained()
  local model = load "neox-pythia"
  local glob = "gpt_neox.layers.1.mlp.*"
  lu.assertEquals(#model:unfreeze(glob), 4)
  local task = mnemo.data.custom {
    vocab = 61, seq_len = 8, seed = 1,
    sample = function() return { 1, 2, 3, 4, 5, 6, 7, 8, 9 } end,
  }
  local run = mnemo.train {
    model = model, data = task, steps = 20, batch_size = 4, progress = false,
    optimizer = mnemo.optim.adamw { lr = 0.01 },
  }
  local history = run.history
  lu.assertTrue(history[#history].loss < history[1].loss)
  fails("is only read", load("neox-bf16").unfreeze, load "neox-bf16", glob)
end

function tests.test_losses_are_those_of_the_logits()
  for _, name in ipairs { "neox-bf16", "gpt2" } do
    local model, of = load(name), expected(name)
    local loss = model:loss { tokens = of.tokens, targets = of.tokens }
    lu.assertAlmostEquals(loss:item(), of.logits:cross_entropy(of.tokens):item(), 1e-4)
  end
end

---- Calls that cannot be ----

function tests.test_wrong_calls_are_told()
  local model = load "neox-pythia"
  local long = {}
  for i = 1, 33 do long[i] = 1 end
  fails("generate: a prompt of 33 tokens (allowed: 1…32, the model's max_len)",
    model.generate, model, long)
  fails("generate: length = 30 (allowed: 0…28, with 5 tokens of a prompt and max_len = 32)",
    model.generate, model, { 1, 2, 3, 4, 5 }, { length = 30 })
  fails("sequences of length 33 (allowed: 1…32", model.forward, model, long)
  fails("sequences of length 33 (allowed: 1…32", model.next_tokens, model, long)
  fails("token 62 is outside 1…61", model.generate, model, { 1, 62 },
    { length = 1 })
  fails("token 0 is outside 1…61", model.generate, model, { 0 }, { length = 1 })
  fails("token 62 is outside 1…61", model.next_tokens, model, { 62 })
  fails("the prompt is empty", model.generate, model, {})
  fails("the prompt is empty", model.next_tokens, model, {})
  fails("1 or more expected, got 0", model.next_tokens, model, { 1 }, 0)
  fails("ids of one sequence expected, got shape [2, 1]", model.generate, model, { { 1 }, { 2 } })
  fails("the model has no tokenizer", model.generate, model, "text")
  fails("the model has no tokenizer", model.encode, model, "text")
  fails("the model has no tokenizer", model.decode, model, { 1 })
  fails("the model has no tokenizer", model.forward, model, "text")
  fails("Tensor or \"last\" expected, got \"first\"", model.forward, model, { 1 }, "first")
  fails("rotary_share = 2.0 (allowed: 0 to 1)", mnemo.model.gpt_neox,
    { vocab = 5, rotary_share = 2 })
  fails("turns 4 coordinates of heads that have 3", mnemo.model.gpt_neox,
    { vocab = 5, dim = 6, heads = 2, rotary_share = 1 })
  fails("heads = 5 with dim = 768", mnemo.model.gpt2, { vocab = 5, heads = 5 })
end

---- Folders that are wrong ----

--- Asserts what is said of a folder in whose file a text was replaced.
local function assert_refused(name, file, pattern, replacement, sentence)
  with_copy(name, function(folder)
    local path = folder .. "/" .. file
    local text, count = read(path):gsub(pattern, replacement)
    lu.assertTrue(count > 0, pattern)
    write(path, text)
    fails(sentence, mnemo.pretrained.load, folder)
  end)
end

--- Asserts what is said of a folder of which a function has changed the tensors.
local function assert_tensors_refused(name, change, sentence)
  with_copy(name, function(folder)
    local path = folder .. "/model.safetensors"
    local tensors = mnemo.safetensors.load(path)
    change(tensors)
    mnemo.safetensors.save(path, tensors)
    fails(sentence, mnemo.pretrained.load, folder)
  end)
end

function tests.test_folders_without_the_files_are_told()
  fails("\"/nowhere\": there is no such folder", mnemo.pretrained.load, "/nowhere")
  fails("must not contain a zero byte", mnemo.pretrained.load, "a\0b")
  with_copy("gpt2", function(folder)
    os.remove(folder .. "/config.json")
    fails("there is no config.json in it; a model's folder holds config.json and model.safetensors",
      mnemo.pretrained.load, folder)
    write(folder .. "/config.json", read(fixtures .. "/gpt2/config.json"))
    os.remove(folder .. "/model.safetensors")
    fails("there are no weights in it; ", mnemo.pretrained.load, folder)
    write(folder .. "/pytorch_model.bin", "")
    fails("its weights are in pytorch_model.bin, which is not read; ", mnemo.pretrained.load,
      folder)
  end)
end

function tests.test_wrong_configurations_are_told()
  local function refused(name, pattern, replacement, sentence)
    assert_refused(name, "config.json", pattern, replacement, sentence)
  end
  refused("gpt2", '"gpt2"', '"llama"',
    'config.json": model_type is "llama"; models of type "gpt2" and "gpt_neox" are known')
  refused("gpt2", '"model_type": "gpt2",', "", "there is no model_type")
  refused("gpt2", "{", "", "is not JSON")
  refused("gpt2", "^.*$", "[1]", "must hold an object, got a list")
  refused("gpt2", '"n_embd": 24', '"n_embd": 24.5', "n_embd must be a whole number, got 24.5")
  refused("gpt2", '"n_layer": 2,', "", "n_layer must be a whole number, got nothing")
  refused("gpt2", '"n_head": 3', '"n_head": 5', "heads = 5 with dim = 24")
  refused("gpt2", '"n_head": 3', '"n_head": 0', "heads = 0")
  refused("gpt2", '"vocab_size": 61', '"vocab_size": -1', "vocab = -1")
  refused("gpt2", '"n_positions": 32', '"n_positions": 4611686018427387904', "max_len = 4611")
  refused("gpt2", '"gelu_new"', '"mish"',
    'activation_function is "mish" (known: "gelu", "gelu_new"')
  refused("gpt2", '"gelu_new"', "7", "activation_function must be a text, got 7")
  refused("gpt2", '"add_cross_attention": false', '"add_cross_attention": true',
    "add_cross_attention is true")
  refused("neox-sequential", '"default"', '"yarn"', 'rope_type is "yarn"; only "default" is known')
  refused("neox-pythia", '"rotary_pct": 0.25', '"rotary_pct": 1.5', "rotary_share = 1.5")
  refused("neox-pythia", '"rotary_emb_base": 10000.0', '"rotary_emb_base": "x"',
    'rotary_emb_base must be a number, got "x"')
  refused("neox-pythia", '"use_parallel_residual": true', '"use_parallel_residual": 1',
    "use_parallel_residual must be true or false, got 1")
end

function tests.test_tensors_that_do_not_fit_are_named()
  -- Shapes that disagree with config.json.
  assert_refused("gpt2", "config.json", '"vocab_size": 61', '"vocab_size": 62',
    "'wte.weight' has shape [61, 24], where config.json calls for [62, 24]")
  assert_refused("neox-pythia", "config.json", '"intermediate_size": 40', '"intermediate_size": 41',
    "'gpt_neox.layers.0.mlp.dense_h_to_4h.weight' has shape [40, 24], where config.json calls for "
      .. "[41, 24]")
  assert_refused("gpt2", "config.json", '"n_layer": 2', '"n_layer": 3',
    "lacks 'h.2.ln_1.weight', 'h.2.ln_1.bias', 'h.2.attn.c_attn.weight', 'h.2.attn.c_attn.bias', "
      .. "'h.2.attn.c_proj.weight' and 7 more")
  assert_refused("gpt2", "config.json", '"n_layer": 2', '"n_layer": 1',
    "holds what is no parameter of such a model: 'h.1.")
  assert_tensors_refused("gpt2-options", function(tensors)
    tensors["lm_head.weight"] = nil
  end, "lacks 'lm_head.weight'")
  assert_tensors_refused("gpt2-options", function(tensors)
    tensors.other = mnemo.ones(2)
  end, "holds what is no parameter of such a model: 'other'")
  assert_tensors_refused("gpt2-options", function(tensors)
    tensors["lm_head.weight"] = mnemo.int_tensor { { 1 } }:expand(61, 24)
  end, "'lm_head.weight' is of type I32; numbers expected")
end

function tests.test_tensors_that_nobody_needs_are_left_alone()
  -- Truth values, the masks of old files, and a copy of the tied embeddings.
  with_copy("gpt2", function(folder)
    local path = folder .. "/model.safetensors"
    local tensors = mnemo.safetensors.load(path)
    tensors["lm_head.weight"], tensors.ids = mnemo.ones(2), mnemo.int_tensor { 1 }
    tensors["h.0.attn.masked_bias"] = mnemo.tensor(-1e4)
    mnemo.safetensors.save(path, tensors)
    local of = expected "gpt2"
    lu.assertTrue(difference(mnemo.pretrained.load(folder)(of.tokens), of.logits) < 1e-4)
  end)
end

function tests.test_files_that_are_cut_short_or_lie_are_told()
  local shard = "model-00002-of-00002.safetensors"
  with_copy("neox-f16-sharded", function(folder)
    local whole = read(folder .. "/" .. shard)
    write(folder .. "/" .. shard, whole:sub(1, -100))
    fails(shard .. '": tensor', mnemo.pretrained.load, folder)
    write(folder .. "/" .. shard, whole:sub(1, 50))
    fails("is cut short or no safetensors file", mnemo.pretrained.load, folder)
    write(folder .. "/" .. shard, "")
    fails("is no safetensors file", mnemo.pretrained.load, folder)
    os.remove(folder .. "/" .. shard)
    fails('"' .. shard .. '", which it lists, is not there', mnemo.pretrained.load, folder)
  end)
  -- Headers that lie.
  assert_refused("gpt2", "model.safetensors", "%[61,24%]", "[61,25]", "shape [61, 25] of F32 takes")
  assert_refused("gpt2", "model.safetensors", '"F32"', '"F99"',
    'tensor "wte.weight": dtype "F99" is not supported (allowed: ')
end

function tests.test_indices_that_lie_are_told()
  local function refused(pattern, replacement, sentence)
    assert_refused("neox-f16-sharded", "model.safetensors.index.json", pattern, replacement,
      sentence)
  end
  refused('"embed_out.weight": "model%-00002', '"embed_out.weight": "model-00001',
    "does not hold what the index says is there: 'embed_out.weight'")
  refused('"embed_out.weight": "[^"]*",', "",
    "holds what the index does not list there: 'embed_out.weight'")
  refused('"embed_out.weight": "[^"]*"', '"embed_out.weight": "../other.safetensors"',
    "'embed_out.weight' is said to be in \"../other.safetensors\"; a file of this folder")
  refused('"embed_out.weight": "[^"]*"', '"embed_out.weight": 3',
    "embed_out.weight must be a text, got 3")
  refused('"weight_map"', '"other_map"',
    "weight_map must be an object from tensors to files, got nothing")
  refused('"weight_map": {.*}', '"weight_map": {}}', "weight_map lists no tensor")
  refused("^{", "", "is not JSON")
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "pretrained", tests } })
