--- Where the model looks.
local common = require "mnemo.probes.common"
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

local probes = {}

local nan = common.nan

--- Keeps the positions first…last of a [B, T] tensor.
local function positions(tensor, first, last)
  return tensor:narrow(2, first, last - first + 1)
end

--- Returns the number of a model's layers that have attention: of a built-in one by its parameters,
-- of a custom one by what it shows.
local function attention_layers(model, tokens)
  local named, name, layers = model:parameters(), "layers.%d.attention.wk.weight", 0
  if model.kind == "custom" then
    named, name = model:trace(tokens:narrow(1, 1, 1)), "layers.%d.attention"
  end
  while named[name:format(layers)] do layers = layers + 1 end
  return layers
end

--- For each layer, a function from a ctx to the positions each token attends to most, [B, T]
-- for each head; an empty table when the model has no such layer.
local attended = {}
for layer = 1, 2 do
  attended[layer] = common.once(function(ctx)
    if attention_layers(ctx.model, ctx.batch.tokens) < layer then return {} end
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

--- Returns how often the first layer looks most at the token before, from the tokens after the
-- places that `asked` picks by their occurrence counts.
local function looks_back(ctx, asked)
  local occurrence = ctx.batch.occurrence
  local length = occurrence:size(2)
  if length < 2 then return nan end
  local mask = asked(positions(occurrence, 1, length - 1))
  return best_head(ctx, 1, function(where)
    return common.mean_where(positions(where, 2, length):eq(mnemo.int_arange(1, length - 1)), mask)
  end)
end

--- Returns how often, where a trigger is repeated, the token that the second layer looks at most is
-- the wanted one, [B, T].
local function looks_at(ctx, wanted)
  local mask = ctx.batch.occurrence:ge(2)
  return best_head(ctx, 2, function(where)
    return common.mean_where(ctx.batch.tokens:gather(2, where):eq(wanted), mask)
  end)
end

--- Probes of attention on the current batch; of several heads, the best one counts.
--
-- `score_acc`: how often the first layer looks from the token after a trigger most at the
-- trigger; `score_start_acc`: the same where the trigger stands for the first time.
--
-- The second layer is asked where occurrence ≥ 2. `score2_acc`: how often the token before the one
-- that it looks at most equals the current token; `score2_next_acc`: how often the token that it
-- looks at is the right answer; `pred_attended_acc`: how often it is the prediction.
-- `score_cond_acc`: how often the first layer looks right where the second one looks: from the
-- place u ≥ 2 that the second layer looks at most, the first looks most at u − 1.
--
-- As in Bietti et al. 2023, whose code has them by the same names.
-- @treturn table the probes by name
-- @usage local probes = mnemo.probes.attention_metrics()
function probes.attention_metrics()
  return common.finished {
    score_acc = function(ctx)
      return looks_back(ctx, function(occurrence) return occurrence:ge(1) end)
    end,
    score_start_acc = function(ctx)
      return looks_back(ctx, function(occurrence) return occurrence:eq(1) end)
    end,
    score_cond_acc = function(ctx)
      local repeated = ctx.batch.occurrence:ge(2)
      return best_head(ctx, 2, function(second)
        local mask = repeated * second:ge(2)
        return best_head(ctx, 1, function(first)
          return common.mean_where(first:gather(2, second):eq(second - 1), mask)
        end)
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
    score2_next_acc = function(ctx) return looks_at(ctx, ctx.batch.targets) end,
    pred_attended_acc = function(ctx) return looks_at(ctx, ctx.logits:argmax(3)) end,
  }
end

--- Returns where the heads of a sequence should look: 0/1 masks [1, T, T] and [B, T, T] of
-- the positions u for each t, by the names of `head_scores`.
local function wanted_places(tokens)
  local count, length = tokens:size(1), tokens:size(2)
  local places = mnemo.arange(1, length)
  local ids = mnemo.cat({ mnemo.zeros(count, 1), tokens:tensor() }, 2):narrow(2, 1, length)
  return {
    previous = places:reshape(1, length, 1):eq(places + 1),
    induction = tokens:tensor():reshape(count, length, 1):eq(ids:reshape(count, 1, length))
      * places:reshape(length, 1):ge(places),
  }
end

--- Returns attention [T, T] that looks from each position at all up to it alike.
local function uniform(length)
  local places = mnemo.arange(1, length)
  return places:reshape(length, 1):ge(places) / places:reshape(length, 1)
end

--- Tells of every head how much it is a previous-token head and an induction head.
--
-- `previous`: its attention on the token before the current one, on average over positions 2…T.
-- `induction`: its attention on all tokens that stand right after an earlier occurrence of the
-- current token, together, on average over the positions of which there is such an occurrence.
-- Both are shares of the attention, from 0 to 1; NaN where there is nothing to average.
-- `previous_uniform` and `induction_uniform` are what a head would have at the same places that
-- looks at all tokens so far alike.
-- @tparam Model model a built-in one, or a custom one that shows "layers.0.attention" and so on
-- @tparam IntTensor tokens ids [B, T]
-- @tparam[opt] Tensor where a 0/1 mask [B, T] of the positions to average over; all without it
-- @treturn {table,...} `{ layer=, head=, previous=, previous_uniform=, induction=,
--   induction_uniform= }` of every head, layer by layer; none if the model has no attention
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local model = mnemo.model.transformer { vocab = task.vocab_size, dim = 16, heads = 2, seed = 1 }
-- for _, score in ipairs(mnemo.probes.head_scores(model, task:held_out(8).tokens)) do
--   print(score.layer, score.head, score.induction, score.induction_uniform)
-- end
function probes.head_scores(model, tokens, where)
  expect.argument(1, "probes.head_scores", model, "Model")
  expect.argument(2, "probes.head_scores", tokens, "IntTensor", "table")
  expect.argument(3, "probes.head_scores", where, "Tensor", "nil")
  tokens = type(tokens) == "table" and mnemo.int_tensor(tokens) or tokens
  local shape = table.concat(tokens:shape(), ", ")
  if tokens:dim() ~= 2 then
    expect.refuse(2, "probes.head_scores", ("shape [B, T] expected, got [%s]"):format(shape))
  elseif where and table.concat(where:shape(), ", ") ~= shape then
    expect.refuse(3, "probes.head_scores", ("shape [%s] expected, got [%s]"):format(shape,
      table.concat(where:shape(), ", ")))
  end
  return mnemo.no_grad(function()
    local count, length = tokens:size(1), tokens:size(2)
    local mask = where or mnemo.ones(count, length)
    local wanted, asked, scores = wanted_places(tokens), {}, {}
    for name, places in pairs(wanted) do asked[name] = mask * places:max(-1) end
    --- Returns how much of attention, [T, T] or [B, T, T], is where it is wanted.
    local function share(attention, name)
      return common.mean_where((attention * wanted[name]):sum(-1), asked[name])
    end
    local level = uniform(length)
    local previous_level, induction_level = share(level, "previous"), share(level, "induction")
    for layer = 1, attention_layers(model, tokens) do
      local attention = model:attention(tokens, layer)
      for head = 1, attention:size(2) do
        local looked = attention:select(2, head)
        scores[#scores + 1] = {
          layer = layer, head = head,
          previous = share(looked, "previous"), previous_uniform = previous_level,
          induction = share(looked, "induction"), induction_uniform = induction_level,
        }
      end
    end
    return scores
  end)
end

return probes
