--- Where the model looks.
local common = require "mnemo.probes.common"
local mnemo = require "mnemo"

local probes = {}

local nan = 0 / 0

--- Keeps the positions first…last of a [B, T] tensor.
local function positions(tensor, first, last)
  return tensor:narrow(2, first, last - first + 1)
end

--- Returns a function that tells whether a model has a layer of attention: a built-in one by its
-- parameters, a custom one by what it shows.
local function layers_with_attention(model, tokens)
  local named, name = model:parameters(), "layers.%d.attention.wk.weight"
  if model.kind == "custom" then
    named, name = model:trace(tokens:narrow(1, 1, 1)), "layers.%d.attention"
  end
  return function(layer) return named[name:format(layer - 1)] ~= nil end
end

--- For each layer, a function from a ctx to the positions each token attends to most, [B, T]
-- for each head; an empty table when the model has no such layer.
local attended = {}
for layer = 1, 2 do
  attended[layer] = common.once(function(ctx)
    if not layers_with_attention(ctx.model, ctx.batch.tokens)(layer) then return {} end
    local weights = ctx.model:attention(ctx.batch.tokens, layer)
    local heads = {}
    for head = 1, weights:size(2) do
      heads[head] = weights:select(2, head):argmax(3)
    end
    return heads
  end)
end

--- Returns the largest of a measure over the heads of a layer, or NaN.
local function best_head(ctx, layer, measure)
  local best = nan
  for _, where in ipairs(attended[layer](ctx)) do
    local value = measure(where)
    if best ~= best or value > best then best = value end
  end
  return best
end

--- Probes of attention on the current batch; of several heads, the best one counts.
--
-- `score_acc`: how often the first layer looks from the token after a trigger most at the
-- trigger. `score2_acc`: where occurrence ≥ 2, how often the token before the one that the
-- second layer looks at most equals the current token. `pred_attended_acc`: there, how often
-- the token looked at is the prediction.
-- @treturn table the probes by name
-- @usage local probes = mnemo.probes.attention_metrics()
function probes.attention_metrics()
  return common.finished {
    score_acc = function(ctx)
      local batch = ctx.batch
      local length = batch.tokens:size(2)
      if length < 2 then return nan end
      local mask = positions(batch.occurrence, 1, length - 1):ge(1)
      return best_head(ctx, 1, function(where)
        return common.mean_where(positions(where, 2, length):eq(common.range(1, length - 1)), mask)
      end)
    end,
    score2_acc = function(ctx)
      local tokens = ctx.batch.tokens:tensor()
      local count, length = tokens:size(1), tokens:size(2)
      if length < 2 then return nan end
      -- Before the first token stands 0, which is no id.
      local before = mnemo.cat({ mnemo.zeros(count, 1), positions(tokens, 1, length - 1) }, 2)
      local mask = ctx.batch.occurrence:ge(2)
      return best_head(ctx, 2, function(where)
        return common.mean_where(before:gather(2, where):eq(tokens), mask)
      end)
    end,
    pred_attended_acc = function(ctx)
      local mask = ctx.batch.occurrence:ge(2)
      local answers = ctx.logits:argmax(3)
      return best_head(ctx, 2, function(where)
        return common.mean_where(ctx.batch.tokens:gather(2, where):eq(answers), mask)
      end)
    end,
  }
end

--- Tells of every head how much it is a previous-token head and an induction head.
--
-- `previous`: its attention on the token before the current one, on average over positions 2…T.
-- `induction`: its attention on all tokens that stand right after an earlier occurrence of the
-- current token, together, on average over the positions of which there is such an occurrence.
-- Both are shares of the attention, from 0 to 1; NaN where there is nothing to average.
-- @tparam Model model a built-in one, or a custom one that shows "layers.0.attention" and so on
-- @tparam IntTensor tokens ids [B, T]
-- @tparam[opt] Tensor where a 0/1 mask [B, T] of the positions to average over; all without it
-- @treturn {table,...} `{ layer=, head=, previous=, induction= }` of every head, layer by layer;
--   none if the model has no attention
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local model = mnemo.model.transformer { vocab = task.vocab_size, dim = 16, heads = 2, seed = 1 }
-- for _, score in ipairs(mnemo.probes.head_scores(model, task:held_out(8).tokens)) do
--   print(score.layer, score.head, score.previous, score.induction)
-- end
function probes.head_scores(model, tokens, where)
  local scores = {}
  tokens = type(tokens) == "table" and mnemo.int_tensor(tokens) or tokens
  local function layer_scores(layer)
    local attention = model:attention(tokens, layer)
    local count, length = tokens:size(1), tokens:size(2)
    local mask = (where or mnemo.ones(1, 1)):expand(count, length)
    local places = mnemo.arange(1, length)
    -- [T, T] and [B, T, T]: the positions u that the current one, t, should look at.
    local before = places:reshape(length, 1):eq(places + 1)
    local ids = mnemo.cat({ mnemo.zeros(count, 1), tokens:tensor() }, 2):narrow(2, 1, length)
    local after = tokens:tensor():reshape(count, length, 1):eq(ids:reshape(count, 1, length))
      * places:reshape(length, 1):ge(places)
    local has_before, has_after = mask * places:ge(2), mask * after:max(3)
    for head = 1, attention:size(2) do
      local looked = attention:select(2, head)
      scores[#scores + 1] = {
        layer = layer, head = head,
        previous = common.mean_where((looked * before):sum(3), has_before),
        induction = common.mean_where((looked * after):sum(3), has_after),
      }
    end
  end
  local layer, has_attention = 1, layers_with_attention(model, tokens)
  while has_attention(layer) do
    mnemo.no_grad(function() layer_scores(layer) end)
    layer = layer + 1
  end
  return scores
end

return probes
