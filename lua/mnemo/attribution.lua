--- Direct logit attribution: what each part of a model adds to a logit.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"
local weights = require "mnemo.reading.weights"

local where = "attribution"

--- Returns the sum of what all parts have written into the stream, [B, T, d].
local function total(parts)
  local sum = parts[1].vector
  for i = 2, #parts do sum = sum + parts[i].vector end
  return sum
end

--- Sends the parts through a layer norm whose scale is that of their sum: with it held fixed, the
-- norm is linear, and its bias is one more part.
local function through_norm(parts, model, name, layer)
  local weight, bias, eps = weights.norm(model, name)
  if not weight then return end
  local sum = total(parts)
  local centred = sum - sum:mean(3, true)
  local scale = ((centred * centred):mean(3, true) + eps):sqrt()
  for _, part in ipairs(parts) do
    part.vector = (part.vector - part.vector:mean(3, true)) / scale * weight
  end
  parts[#parts + 1] = { name = name .. ".bias", layer = layer, vector = bias:expand(sum:shape()) }
end

--- Appends what a layer's attention writes: head by head, where heads can be told apart.
local function add_attention(parts, model, kept, layer)
  local prefix = ("layers.%d."):format(layer - 1)
  local heads, written = kept[prefix .. "heads"], kept[prefix .. "attention_output"]
  local is_split = heads and (model.kind ~= "custom"
    or model:parameters()[prefix .. "attention.wo.weight"])
  if not is_split then
    parts[#parts + 1] = written
      and { name = prefix .. "attention_output", layer = layer, vector = written }
    return
  end
  for head = 1, heads:size(3) do
    local output = weights.of_head(model, "wo", layer, head, where)
    parts[#parts + 1] = {
      name = prefix .. "heads", layer = layer, head = head,
      vector = heads:select(3, head):matmul(output:t()),
    }
  end
  local bias = weights.attention_bias(model, layer)
  parts[#parts + 1] = bias
    and { name = prefix .. "attention_bias", layer = layer, vector = bias:expand(written:shape()) }
end

--- Returns the parts that make what the output matrix reads, in the order of the forward pass.
local function parts_of(model, kept)
  local parts, layer = {}, 1
  if model.kind == "simplified" and not model.config.cross_talk then
    -- Only the second layer writes to the output.
    layer = 2
  else
    local vector = kept.embeddings
      or expect.fail("%s: the forward pass shows no 'embeddings'", where)
    parts[1] = { name = "embeddings", vector = vector }
  end
  local is_post = not weights.norm(model, "norm")
  local prefix = ("layers.%d."):format(layer - 1)
  while kept[prefix .. "attention_output"] or kept[prefix .. "ff_output"] do
    add_attention(parts, model, kept, layer)
    if is_post then through_norm(parts, model, prefix .. "attention_norm", layer) end
    local output = kept[prefix .. "ff_output"]
    if output then
      parts[#parts + 1] = { name = prefix .. "ff_output", layer = layer, vector = output }
      if is_post then through_norm(parts, model, prefix .. "ff_norm", layer) end
    end
    layer = layer + 1
    prefix = ("layers.%d."):format(layer - 1)
  end
  through_norm(parts, model, "norm")
  return parts
end

--- Refuses parts that do not add up to the logit: the model adds something that it does not show.
local function check_sum(parts, logit, scale)
  local sum = parts[1].logit
  for i = 2, #parts do sum = sum + parts[i].logit end
  local difference = (sum - logit):abs():max():item()
  if difference > 1e-3 * math.max(1, scale) then
    expect.fail("%s: the parts that the forward pass shows miss the logit by up to %g", where,
      difference)
  end
end

--- Reads whose logit is asked for: ids [B, T, 1].
local function read_target(target, logits)
  if logits:dim() ~= 3 then
    expect.fail("%s: the model answers at the last position alone; logits [B, T, N] are "
      .. "expected", where)
  end
  local count, length, vocab = logits:size(1), logits:size(2), logits:size(3)
  local is_read, ids = pcall(function()
    if math.type(target) == "integer" then
      return mnemo.int_tensor { { { target } } }:expand(count, length, 1)
    end
    return (type(target) == "table" and mnemo.int_tensor(target) or target)
      :reshape(count, length, 1)
  end)
  if not is_read then
    expect.fail("%s: target is %s; an id or ids [%d, %d] are expected", where, tostring(target),
      count, length)
  end
  local least, greatest = ids:min():item(), ids:max():item()
  if least < 1 or greatest > vocab then
    expect.fail("%s: target %d is outside 1…%d", where, least < 1 and least or greatest, vocab)
  end
  return ids
end

--- Splits a logit into what the embeddings, each head, each feed-forward and the norms' biases add
-- to it, each by itself through the output matrix.
--
-- The parts add up to the logit. Layer norms are taken at the scale that they have in this pass, so
-- that they are linear; under `norm = "post"` a part goes through all those that come after it.
-- @tparam Model model a built-in one, or one that shows "embeddings", "layers.0.attention_output",
--   "layers.0.ff_output", … and has the built-in models' names for W_U and the norms; a custom one
--   that shows "layers.0.heads" [B, T, H, d/H] and "layers.0.attention" too is split by heads
-- @tparam IntTensor tokens ids [B, T]; a list of ids or a text is one sequence
-- @tparam IntTensor|integer target whose logit: an id at each position, [B, T], or one for all
-- @treturn {table,...} `{ name=, layer=, head=, logit= }` of each part in the order of the forward
--   pass: its name as in model:trace, layer and head from 1 where it has them, and what it adds,
--   [B, T]; beside them `logit`, the model's own, [B, T]
-- @function attribution
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local model = mnemo.model.transformer { vocab = task.vocab_size, dim = 16, heads = 2, seed = 1 }
-- local batch = task:held_out(8)
-- for _, part in ipairs(mnemo.attribution(model, batch.tokens, batch.targets)) do
--   print(part.name, part.head, (part.logit * batch.occurrence:ge(2)):mean():item())
-- end
local function attribution(model, tokens, target)
  weights.check(model, where)
  tokens = weights.tokens(model, tokens)
  return mnemo.no_grad(function()
    local output = weights.output(model, where)
    local kept = expect.relayed(model.trace, model, tokens)
    local logits, count, length = kept.logits, tokens:size(1), tokens:size(2)
    local ids = read_target(target, logits)
    local list = { logit = logits:gather(3, ids):reshape(count, length) }
    local rows = output[ids:reshape(count, length)]
    for i, part in ipairs(parts_of(model, kept)) do
      part.logit = (part.vector * rows):sum(3)
      part.vector = nil
      list[i] = part
    end
    check_sum(list, list.logit, logits:abs():max():item())
    return list
  end)
end

return attribution
