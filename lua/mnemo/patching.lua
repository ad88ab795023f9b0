--- Patching: which intermediate tensors carry what makes the difference between two inputs.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"
local weights = require "mnemo.reading.weights"

local patching = {}

local where = "patching.activation"

local keys = {
  "model", "clean", "corrupted", "names", "heads", "positions", "metric", "right", "wrong",
}

--- Returns the tokens in an option, [B, T].
local function read_tokens(options, key)
  local tokens = options[key]
  if tokens == nil then expect.fail("%s: missing option '%s'", where, key) end
  return weights.tokens(options.model, tokens)
end

--- Runs a model and keeps what its globs match.
-- @treturn Tensor the logits
-- @treturn {table,...} `{ name=, tensor= }`, in the order of the forward pass
local function observed(model, tokens, globs)
  local kept, is_kept, replacements = {}, {}, {}
  for _, glob in ipairs(globs) do
    replacements[glob] = function(tensor, name)
      if not is_kept[name] then
        is_kept[name] = true
        kept[#kept + 1] = { name = name, tensor = tensor }
      end
      return tensor
    end
  end
  return expect.relayed(model.patch, model, tokens, replacements), kept
end

--- Returns the logits at the last position, [B, N].
local function last_of(logits)
  return logits:dim() == 2 and logits or logits:select(2, logits:size(2))
end

--- Returns the default metric: by how much the logit of the right answer is above that of the
-- wrong one at the last position, on average over the sequences.
-- @tparam table options with `right` and `wrong`, one id for each sequence
-- @tparam Tensor clean the logits of the clean input, which without `right` tell the right answers
-- @tparam Tensor corrupted those of the corrupted input, which tell the wrong ones
local function answer_difference(options, clean, corrupted)
  local count = clean:size(1)
  local function ids(key, logits)
    local given = options[key]
    if given == nil then given = last_of(logits):argmax(2) end
    if type(given) == "table" then given = expect.relayed(mnemo.int_tensor, given) end
    return expect.relayed(given.reshape, given, count, 1)
  end
  local right, wrong = ids("right", clean), ids("wrong", corrupted)
  if right:ne(wrong):sum():item() == 0 then
    expect.fail("%s: the answers to clean and corrupted are the same; give right and wrong, or a "
      .. "metric", where)
  end
  return function(logits)
    local answers = last_of(logits)
    return (answers:gather(2, right) - answers:gather(2, wrong)):mean():item()
  end
end

--- Wraps a metric so that it gives a number.
local function numeric(metric)
  return function(logits)
    local value = metric(logits)
    if type(value) == "number" then return value end
    local is_read, number = pcall(function() return value:item() end)
    return is_read and number
      or expect.fail("%s: metric must return a number or a Tensor of one element", where)
  end
end

--- Tells along which dimensions a tensor has heads and positions: scores and attention are
-- [B, H, T, T], their positions those that look; what else has heads is [B, T, H, d/H].
-- @treturn integer the dimension of positions
-- @treturn integer|nil that of heads
local function axes(name, tensor)
  if name:find "%.scores$" or name:find "%.attention$" then return 3, 2 end
  return 2, tensor:dim() == 4 and 3 or nil
end

--- Returns a 0/1 mask that broadcasts over a tensor: 1 at an index of a dimension.
local function one_hot(tensor, dimension, index)
  local shape = {}
  for i = 1, tensor:dim() do shape[i] = 1 end
  shape[dimension] = tensor:size(dimension)
  return mnemo.arange(1, tensor:size(dimension)):eq(index):reshape(table.unpack(shape))
end

--- Returns which heads or positions to patch: all n, those that were asked for, or, as false, all
-- at once.
local function indices(asked, n, what, name)
  if not asked then return { false } end
  local all = {}
  for i = 1, n do all[i] = i end
  if type(asked) ~= "table" then return all end
  for _, index in ipairs(asked) do
    if not all[index] then
      expect.fail("%s: %s %s of '%s' (allowed: 1 to %d)", where, what, tostring(index), name, n)
    end
  end
  return asked
end

--- Lists what is to be replaced, one part at a time.
-- @treturn {table,...} `{ name=, layer=, head=, position=, tensor=, mask= }`
local function parts_of(kept, options)
  local parts = {}
  for _, entry in ipairs(kept) do
    local tensor, name = entry.tensor, entry.name
    local position_axis, head_axis = axes(name, tensor)
    if options.heads and not head_axis then
      expect.fail("%s: '%s' has no axis of heads", where, name)
    end
    local layer = name:match "^layers%.(%d+)%."
    local heads = indices(options.heads, head_axis and tensor:size(head_axis), "head", name)
    local positions = indices(options.positions, tensor:size(position_axis), "position", name)
    for _, head in ipairs(heads) do
      for _, position in ipairs(positions) do
        local mask = mnemo.ones(1)
        if head then mask = mask * one_hot(tensor, head_axis, head) end
        if position then mask = mask * one_hot(tensor, position_axis, position) end
        parts[#parts + 1] = {
          name = name, layer = layer and layer + 1, head = head or nil,
          position = position or nil, tensor = tensor, mask = mask,
        }
      end
    end
  end
  return parts
end

--- Returns what of a name is not its layer, and a label that counts layers from 1.
local function label_of(part, is_one_kind)
  local kind = part.name:gsub("^layers%.%d+%.", "")
  if not part.layer then return kind, part.name end
  return kind, is_one_kind and tostring(part.layer) or ("%d.%s"):format(part.layer, kind)
end

--- Tells whether all parts are of one kind of tensor, each layer's own.
local function of_one_kind(parts)
  local first = label_of(parts[1])
  for _, part in ipairs(parts) do
    if not part.layer or label_of(part) ~= first then return nil end
  end
  return first
end

--- Draws what was recovered: by name and head from top to bottom, by position from left to right;
-- without positions, heads from left to right.
local function figure_of(parts, options)
  local kind = of_one_kind(parts)
  local across = options.positions and "position" or "head"
  local rows, row_labels, column_labels, by_label, is_counted = {}, {}, {}, {}, true
  for _, part in ipairs(parts) do
    local _, label = label_of(part, kind)
    if options.positions and part.head then label = ("%s.%d"):format(label, part.head) end
    if not by_label[label] then
      by_label[label] = {}
      rows[#rows + 1], row_labels[#rows + 1] = by_label[label], label
    end
    local row = by_label[label]
    row[#row + 1] = part.recovered
    -- Those that count from 1 the axis has by itself.
    is_counted = is_counted and part[across] == #row
    column_labels[#row] = tostring(part[across] or "all")
  end
  local most = 1
  for _, part in ipairs(parts) do most = math.max(most, math.abs(part.recovered)) end
  local down = not kind and "tensor" or options.positions and options.heads and "layer.head"
    or "layer"
  return mnemo.plot.heatmap {
    matrix = rows, ylabels = row_labels, ylabel = down,
    xlabels = not is_counted and column_labels or nil,
    xlabel = (options.positions or options.heads) and across or "positions",
    title = kind and kind:gsub("_", " ") or nil, zlabel = "share recovered",
    palette = "diverging", min = -most, max = most, aspect = "auto",
    height = math.max(240, math.min(560, 130 + 40 * #rows)),
  }
end

--- Patches a corrupted input's forward pass with tensors of a clean one, one part at a time, and
-- tells how much of the clean answer comes back.
--
-- A part's `recovered` is (m − m_corrupted) / (m_clean − m_corrupted), where m is the metric of the
-- patched pass: 1 where the part alone brings the clean answer back, 0 where it changes nothing.
-- @tparam Model options.model the model
-- @tparam IntTensor options.clean ids [B, T]
-- @tparam IntTensor options.corrupted ids [B, T], which differ in what is asked about
-- @tparam[opt="layers.*.residual" or "layers.*.heads"] string|{string,...} options.names what to
--   patch, as in model:trace
-- @tparam[opt=false] boolean|{integer,...} options.heads whether each head is patched by itself, or
--   which; without it, all at once
-- @tparam[opt=false] boolean|{integer,...} options.positions the same for positions
-- @tparam[opt] function options.metric from the logits to a number; without it, by how much
--   the logit of the right answer is above that of the wrong one at the last position
-- @tparam[opt=the model's answers to clean] IntTensor|{integer,...} options.right the right answer
--   to each sequence, [B]
-- @tparam[opt=the model's answers to corrupted] IntTensor|{integer,...} options.wrong the wrong
--   ones, [B]
-- @treturn table a list of `{ name=, layer=, head=, position=, recovered= }`, one for each part;
--   beside it `clean` and `corrupted`, the metric without patches, and `figure`, a heatmap
-- @usage
-- local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
-- local found = mnemo.patching.activation {
--   model = model, heads = true, positions = true, right = { 3 }, wrong = { 4 },
--   clean = mnemo.int_tensor { { 1, 5, 2 } }, corrupted = mnemo.int_tensor { { 1, 6, 2 } },
-- }
-- for _, part in ipairs(found) do
--   print(part.layer, part.head, part.position, part.recovered)
-- end
-- found.figure:save("patching.svg")
function patching.activation(options)
  expect.keys(options, keys, where)
  local model = options.model
  weights.check(model, where)
  local clean, corrupted = read_tokens(options, "clean"), read_tokens(options, "corrupted")
  local names = options.names or options.heads and "layers.*.heads" or "layers.*.residual"
  return mnemo.no_grad(function()
    local clean_logits, kept = observed(model, clean,
      type(names) == "table" and names or { names })
    local corrupted_logits = observed(model, corrupted, {})
    if clean:size(1) ~= corrupted:size(1) or clean:size(2) ~= corrupted:size(2) then
      expect.fail("%s: clean is [%d, %d], corrupted [%d, %d]", where, clean:size(1), clean:size(2),
        corrupted:size(1), corrupted:size(2))
    end
    local metric = numeric(options.metric
      or answer_difference(options, clean_logits, corrupted_logits))
    local found = { clean = metric(clean_logits), corrupted = metric(corrupted_logits) }
    local whole = found.clean - found.corrupted
    if whole == 0 or whole ~= whole then
      expect.fail("%s: the metric is %g for clean and %g for corrupted: nothing can be recovered",
        where, found.clean, found.corrupted)
    end
    for i, part in ipairs(parts_of(kept, options)) do
      local logits = model:patch(corrupted, {
        [part.name] = function(tensor) return mnemo.where(part.mask, part.tensor, tensor) end,
      })
      part.recovered = (metric(logits) - found.corrupted) / whole
      part.tensor, part.mask = nil, nil
      found[i] = part
    end
    found.figure = figure_of(found, options)
    return found
  end)
end

return patching
