--- Describes where a head looks in a sequence: the options of a heatmap.
local check = require "mnemo.plot.check"
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"
local values = require "mnemo.plot.values"

local own_keys = { "model", "weights", "tokens", "layer", "head", "corpus", "occurrence" }
local map_keys = {
  "title", "palette", "xlim", "ylim", "width", "height", "marked_rows", "marks_name",
}

--- Reads one sequence of whole numbers: a list, a tensor [T] or [1, T].
-- @treturn {integer,...} the numbers
local function read_sequence(given, where, what, one)
  local list = values.list(given, where, what)
  if type(list[1]) == "table" and #list == 1 then list = list[1] end
  if type(list[1]) == "table" then
    expect.fail("%s: %s are %d sequences; one is drawn, such as %s[1]", where, what, #list, what)
  end
  for i, id in ipairs(list) do
    if math.type(id) ~= "integer" then expect.fail("%s: %s[%d] is no %s", where, what, i, one) end
  end
  if #list == 0 then expect.fail("%s: %s is empty", where, what) end
  return list
end

--- Returns the rows at which a trigger stands that came before, from the occurrences of a batch.
local function rows_of_triggers(given, count, where)
  local rows, occurrence = {}, read_sequence(given, where, "occurrence", "whole number")
  if #occurrence < count then
    expect.fail("%s: occurrence has %d numbers for %d tokens", where, #occurrence, count)
  end
  for i = 1, count do
    if occurrence[i] >= 2 then rows[#rows + 1] = i end
  end
  return rows
end

--- Reads a whole number from 1 to `most`.
local function read_number(given, most, where, what)
  if math.type(given) ~= "integer" or given < 1 or given > most then
    expect.fail("%s: %s is %s (allowed: 1 to %d)", where, what,
      given == nil and "missing" or tostring(given), most)
  end
  return given
end

--- Returns the symbols of ids; the ids themselves without a corpus.
local function symbols_of(ids, corpus, where)
  if not corpus then return ids end
  local labels, symbols = {}, corpus.symbols
  for i, id in ipairs(ids) do
    labels[i] = symbols[id]
      or expect.fail("%s: tokens[%d] is %d; the corpus has %d symbols", where, i, id, #symbols)
  end
  return labels
end

--- Returns how many layers a model has.
local function layers_of(model, where)
  local is_model, layers = pcall(function() return model.layers end)
  if not is_model or math.type(layers) ~= "integer" then
    expect.fail("%s: model is %s", where, model == nil and "missing" or "no model")
  end
  return layers
end

--- Asks a model where it looks.
-- @treturn Tensor the head's weights [T, T]
-- @treturn string which head it is
local function weights_of_model(options, layers, ids, where)
  local layer = read_number(options.layer, layers, where, "layer")
  local maps = mnemo.no_grad(function()
    return options.model:attention(mnemo.int_tensor { ids }, layer)[1]
  end)
  local head = read_number(options.head or 1, maps:size(1), where, "head")
  return maps[head], maps:size(1) > 1 and ("layer %d, head %d"):format(layer, head)
    or ("layer %d"):format(layer)
end

--- Reads weights that were measured before.
-- @treturn {{number,...},...} the weights [T, T]
local function weights_given(options, ids, where)
  for _, name in ipairs { "model", "layer", "head" } do
    if options[name] ~= nil then
      expect.fail("%s: weights say where it looks; %s goes without", where, name)
    end
  end
  local weights = values.matrix(options.weights, where, "weights")
  if #weights ~= #ids or #weights[1] ~= #ids then
    expect.fail("%s: weights are %d × %d for %d tokens", where, #weights, #weights[1], #ids)
  end
  return weights
end

--- Reads the options of `plot.attention`.
-- @treturn table those of `plot.heatmap`
return function(options)
  local where = "plot.attention"
  local all_keys = table.move(map_keys, 1, #map_keys, #own_keys + 1, { table.unpack(own_keys) })
  check.options(options, all_keys, where, "model")
  local layers = options.weights == nil and layers_of(options.model, where)
  local ids = read_sequence(options.tokens, where, "tokens", "id")
  local weights, title
  if layers then
    weights, title = weights_of_model(options, layers, ids, where)
  else
    weights = weights_given(options, ids, where)
  end
  local labels = symbols_of(ids, options.corpus, where)
  local map = {
    matrix = weights, min = 0, max = 1, xlabels = labels, ylabels = labels, title = title,
    xlabel = "token looked at", ylabel = "current token", zlabel = "attention weight",
  }
  if options.occurrence ~= nil then
    if options.marked_rows ~= nil then
      expect.fail("%s: occurrence says which rows are marked; marked_rows goes without", where)
    end
    map.marked_rows = rows_of_triggers(options.occurrence, #ids, where)
    map.marks_name = "trigger seen before"
  end
  for _, key in ipairs(map_keys) do map[key] = options[key] == nil and map[key] or options[key] end
  return map
end
