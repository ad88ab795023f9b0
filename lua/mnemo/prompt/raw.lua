--- How the prompt looks at values of the user's: by raw access, and never by their metamethods
-- without protection.
local raw = {}

local metatable_of, rawget, type = debug.getmetatable, rawget, type
local match, tonumber = string.match, tonumber

--- The class of an object of the module, whose metatable shows its name alone.
function raw.class_of(value)
  if type(value) ~= "userdata" then return nil end
  local metatable = metatable_of(value)
  local name = metatable and rawget(metatable, "__name")
  return type(name) == "string" and name or nil
end

--- Calls a function as `pcall` does, but lets an interrupt through.
-- @treturn boolean whether it worked
-- @return its first result, or what was raised
function raw.try(engine, f, ...)
  local done, result = pcall(f, ...)
  if not done and engine.is_interrupt(result) then error(result, 0) end
  return done, result
end

--- Calls a metamethod's words for a value: text, or nil and what went wrong.
function raw.words(engine, value)
  local metatable = metatable_of(value)
  if type(metatable) ~= "table" or rawget(metatable, "__tostring") == nil then return nil end
  local done, text = raw.try(engine, tostring, value)
  if done then return text end
  return nil, "its __tostring fails"
end

local order = { number = 1, string = 2, boolean = 3 }

-- What a layer computes, in order, as traces name it.
local stages = {
  "attention_input", "queries", "keys", "values", "scores", "attention", "heads",
  "attention_output", "ff_input", "ff_hidden", "ff_output", "residual",
}
local stage_number = {}
for i, stage in ipairs(stages) do stage_number[stage] = i end

--- Where in the forward pass a trace's tensor is computed: the layer and the place in it; nil for
-- other names.
local function forward_place(name)
  if name == "embeddings" then return -1, 0 end
  if name == "norm" or name == "logits" then return math.huge, name == "norm" and 1 or 2 end
  local layer, stage = match(name, "^layers%.(%d+)%.([%a_]+)$")
  if stage_number[stage] then return tonumber(layer), stage_number[stage] end
end

--- Whether all of some keys are names of a trace.
local function are_a_trace(keys)
  for _, key in ipairs(keys) do
    if type(key) ~= "string" or not forward_place(key) then return false end
  end
  return true
end

--- Whether one of a trace's tensors is computed before another.
local function is_computed_before(a, b)
  local layer_a, place_a = forward_place(a)
  local layer_b, place_b = forward_place(b)
  if layer_a ~= layer_b then return layer_a < layer_b end
  return place_a < place_b
end

--- The keys of a table besides its sequence, sorted, those of a trace as they are computed; and the
-- length of the sequence.
function raw.keys(t)
  local length = 0
  while rawget(t, length + 1) ~= nil do length = length + 1 end
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= length) then
      keys[#keys + 1] = key
    end
  end
  if are_a_trace(keys) then
    table.sort(keys, is_computed_before)
    return keys, length
  end
  table.sort(keys, function(a, b)
    local x, y = type(a), type(b)
    if x ~= y then return (order[x] or 9) < (order[y] or 9) end
    if x == "number" or x == "string" then return a < b end
    return false
  end)
  return keys, length
end

return raw
