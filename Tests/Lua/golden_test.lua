-- Golden parity through Lua: the models of Tests/Fixtures give the recorded logits, loss and
-- gradients to 1e-5 of the largest entry.
local lu = require "luaunit"
local mnemo = require "mnemo"

local here = arg[0]:match("^(.*)/[^/]*$") or "."

--- Reads the few kinds of values that the fixtures' configurations have.
local function option(config, key)
  local text = config:match('"' .. key .. '": ("[^"]*")') or config:match('"' .. key .. '": (%b[])')
    or config:match('"' .. key .. '": ([%w%.]+)')
  if not text then return nil end
  if text:sub(1, 1) == "[" then
    local list = {}
    for item in text:gmatch('"([^"]*)"') do list[#list + 1] = item end
    return list
  end
  if text == "true" or text == "false" then return text == "true" end
  return tonumber(text) or text:match('^"(.*)"$')
end

--- Asserts that two tensors agree to 1e-5 of the largest entry of the expected one.
local function assert_close(found, expected, what)
  lu.assertEquals(found:shape(), expected:shape(), what)
  local scale = expected:abs():max():item()
  lu.assertTrue((found - expected):abs():max():item() <= 1e-5 * scale, what)
end

local tests = {}

local names = {
  "simplified", "simplified-linear-ffn", "simplified-mlp", "simplified-rope",
  "transformer-prenorm", "transformer-postnorm", "transformer-tied", "transformer-bare",
  "factual", "factual-attention-only",
}

--- The options of each constructor that the fixtures set.
local keys = {
  simplified = { "vocab", "dim", "max_len", "embedding_init", "positional", "score_scale", "ffn",
    "freeze_embeddings", "freeze_output" },
  transformer = { "vocab", "dim", "max_len", "layers", "heads", "norm", "ffn", "tie_output",
    "no_wv", "no_wo" },
  factual = { "vocab", "answers", "dim", "heads", "head_dim", "mlp_width" },
}

for _, name in ipairs(names) do
  tests["test_" .. name:gsub("-", "_")] = function()
    local path = here .. "/../Fixtures/" .. name .. ".safetensors"
    local tensors, metadata = mnemo.safetensors.load(path)
    local options = {}
    local kind = option(metadata.config, "kind")
    for _, key in ipairs(keys[kind]) do options[key] = option(metadata.config, key) end
    local model = mnemo.model[kind](options)
    lu.assertEquals(model.kind, kind)
    local state = {}
    for _, parameter in ipairs(model:names()) do state[parameter] = tensors[parameter] end
    model:load_state(state)
    -- Ids count from 0 in files.
    local batch = {
      tokens = tensors.tokens + 1, targets = tensors.targets + 1, occurrence = tensors.occurrence,
    }
    assert_close(model(batch.tokens), tensors.logits, "logits")
    for layer = 1, model.layers do
      assert_close(model:attention(batch.tokens, layer), tensors["scores." .. layer - 1],
        "attention of layer " .. layer)
    end
    local loss = model:loss(batch, option(metadata.config, "loss_on"))
    assert_close(loss:reshape(1), tensors.loss, "loss")
    loss:backward()
    local trained = model:trainable()
    local recorded = 0
    for entry in pairs(tensors) do
      if entry:find("^grad%.") then recorded = recorded + 1 end
    end
    lu.assertEquals(#trained, recorded)
    for _, parameter in ipairs(trained) do
      assert_close(model:get(parameter).grad, tensors["grad." .. parameter], parameter)
    end
  end
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "golden", tests } })
