--- The matrices of models, found by the names that parameters have.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

local weights = {}

-- What published models call their matrices; the fused one holds queries, keys and values.
local published = {
  gpt2 = {
    embeddings = "transformer.wte.weight", output = "lm_head.weight", norm = "transformer.ln_f",
    fused = "transformer.h.%d.attn.c_attn", written = "transformer.h.%d.attn.c_proj",
  },
  gpt_neox = {
    embeddings = "gpt_neox.embed_in.weight", output = "embed_out.weight",
    norm = "gpt_neox.final_layer_norm", fused = "gpt_neox.layers.%d.attention.query_key_value",
    written = "gpt_neox.layers.%d.attention.dense",
  },
}

--- Refuses what is no model.
function weights.check(model, where)
  local is_model = pcall(function() return model.kind:len() and model.trace end)
  if not is_model then
    expect.fail("%s: a model expected, got %s", where, model == nil and "nil" or tostring(model))
  end
end

--- Returns a parameter that a model must have.
local function needed(model, name, where)
  return model:parameters()[name]
    or expect.fail("%s: the model has no parameter '%s'", where, name)
end

--- Returns the token embeddings E, [N, d].
function weights.embeddings(model, where)
  local names = published[model.kind]
  return needed(model, names and names.embeddings or "tok_embeddings.weight", where)
end

--- Returns the output matrix W_U, [N, d]; of tied models it is E.
function weights.output(model, where)
  local names = published[model.kind]
  return model:parameters()[names and names.output or "output.weight"]
    or weights.embeddings(model, where)
end

--- Returns weight and bias of the layer norm of that name, and what keeps it finite; nothing where
-- there is none.
function weights.norm(model, name)
  local parameters, names = model:parameters(), published[model.kind]
  if names and name == "norm" then name = names.norm end
  local weight = parameters[name .. ".weight"]
  if not weight then return nil end
  return weight, parameters[name .. ".bias"], names and model.config.norm_eps or 1e-5
end

--- Returns the bias of what a layer's heads write together, [d]; nil where there is none.
-- @tparam Model model the model
-- @tparam integer layer from 1
function weights.attention_bias(model, layer)
  local names = published[model.kind]
  return names and model:parameters()[names.written:format(layer - 1) .. ".bias"]
end

--- Returns tokens as a forward pass takes them: a list of ids, or of a model with a tokenizer a
-- text, is one sequence.
function weights.tokens(model, tokens)
  if type(tokens) == "string" then tokens = expect.relayed(model.encode, model, tokens) end
  if type(tokens) ~= "table" then return tokens end
  if type(tokens[1]) ~= "table" then tokens = { tokens } end
  return expect.relayed(mnemo.int_tensor, tokens)
end

--- Returns the number of heads of a layer, counted from 1.
function weights.heads(model, layer, where)
  local most = model.kind == "custom" and math.maxinteger or model.layers
  if math.type(layer) ~= "integer" or layer < 1 or layer > most then
    expect.fail("%s: layer is %s (allowed: 1 to %d)", where, tostring(layer), most)
  end
  if model.kind ~= "custom" then return model.config.heads or 1 end
  local name = ("layers.%d.attention"):format(layer - 1)
  local attention = expect.relayed(model.trace, model, mnemo.int_tensor { { 1 } })[name]
    or expect.fail("%s: the custom model shows no '%s', which tells how many heads there are",
      where, name)
  return attention:size(2)
end

--- Returns a head's part of a published model's matrices, as `weights.of_head`; biases and the
-- turns by positions are left aside.
local function of_published_head(model, names, name, layer, head, heads, where)
  local is_written = name == "wo"
  local full = (is_written and names.written or names.fused):format(layer - 1) .. ".weight"
  local matrix = needed(model, full, where)
  if model.kind == "gpt2" then matrix = matrix:t() end
  if is_written then
    local size = matrix:size(2) // heads
    return matrix:narrow(2, (head - 1) * size + 1, size)
  end
  -- GPT-2 has the queries of all heads before all keys; GPT-NeoX goes head by head.
  local part, size = ({ wq = 0, wk = 1, wv = 2 })[name], matrix:size(1) // (3 * heads)
  local place = model.kind == "gpt2" and part * heads + head - 1 or (head - 1) * 3 + part
  return matrix:narrow(1, place * size + 1, size)
end

--- Returns a head's part of one of its layer's matrices: rows of W_Q, W_K and W_V, columns of W_O.
--
-- What a built-in model leaves out is the identity; a custom model must have it.
-- @tparam Model model the model
-- @tparam string name "wq", "wk", "wv" or "wo"
-- @tparam integer layer from 1
-- @tparam integer head from 1
-- @tparam string where the function that asks
-- @treturn Tensor [d/H, d]; of "wo" [d, d/H]
function weights.of_head(model, name, layer, head, where)
  local heads = weights.heads(model, layer, where)
  if math.type(head) ~= "integer" or head < 1 or head > heads then
    expect.fail("%s: head is %s (allowed: 1 to %d)", where, tostring(head), heads)
  end
  local names = published[model.kind]
  if names then return of_published_head(model, names, name, layer, head, heads, where) end
  local full = ("layers.%d.attention.%s.weight"):format(layer - 1, name)
  local matrix = model:parameters()[full]
  if not matrix then
    if model.kind == "custom" then needed(model, full, where) end
    matrix = mnemo.eye(weights.embeddings(model, where):size(2))
  end
  local dimension = name == "wo" and 2 or 1
  local size = matrix:size(dimension) // heads
  return matrix:narrow(dimension, (head - 1) * size + 1, size)
end

return weights
