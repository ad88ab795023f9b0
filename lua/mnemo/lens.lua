--- The logit lens: what a model would answer after each of its layers (nostalgebraist, 2020).
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"
local weights = require "mnemo.reading.weights"

--- Reads the residual stream as logits after each layer: what the model would answer if it ended
-- there, through its last layer norm, where it has one, and its output matrix.
--
-- The last entry is the model's own answer. Without cross-talk (`cross_talk = false`) the
-- stream after the first layer is that layer's output alone.
-- @tparam Model model a built-in one, or one that shows "embeddings" and "layers.0.residual", …
--   and has the built-in models' names for W_U and the norm
-- @tparam IntTensor tokens ids [B, T]; a list of ids or a text is one sequence
-- @treturn Tensor logits [L + 1, B, T, N]: of the embeddings, then after each layer
-- @function lens
-- @usage
-- local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
-- local logits = mnemo.lens(model, mnemo.int_tensor { { 1, 5, 2 } })
-- print(logits:log_softmax(4)[1][1][3])
local function lens(model, tokens)
  weights.check(model, "lens")
  tokens = weights.tokens(model, tokens)
  return mnemo.no_grad(function()
    local output = weights.output(model, "lens"):t()
    local norm, bias, eps = weights.norm(model, "norm")
    local kept = expect.relayed(model.trace, model, tokens, { "embeddings", "layers.*.residual" })
    local logits, stream, layer = {}, kept.embeddings, 0
    while stream do
      logits[#logits + 1] = (norm and stream:layer_norm(norm, bias, eps) or stream)
        :matmul(output)
      stream = kept[("layers.%d.residual"):format(layer)]
      layer = layer + 1
    end
    return mnemo.stack(logits, 1)
  end)
end

return lens
