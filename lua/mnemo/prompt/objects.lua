--- Views of the module's objects: a tensor's numbers, a model's parameters, a run's metrics, the
-- first sequence of a task, the most frequent symbols of a corpus.
local columns = require "mnemo.text.columns"
local raw = require "mnemo.prompt.raw"
local style = require "mnemo.prompt.style"
local visible = require "mnemo.text.visible"
local words = require "mnemo.prompt.words"

local objects = {}

local format, gsub, match = string.format, string.gsub, string.match
local fitted, short, styled = style.fitted, words.short, style.styled

-- Parts of a bar, in eighths.
local rests = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }
local blocks = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

--- Values as a line of little bars, at most `width` of them; means of equal parts.
function objects.sparkline(values, width)
  local low, high = math.huge, -math.huge
  local parts = math.min(width, #values)
  local means = {}
  for i = 1, parts do
    local first, last = (i - 1) * #values // parts + 1, i * #values // parts
    local sum, count = 0, 0
    for j = first, last do
      local x = values[j]
      if type(x) == "number" and x == x and math.abs(x) ~= math.huge then
        sum, count = sum + x, count + 1
      end
    end
    if count > 0 then
      means[i] = sum / count
      low, high = math.min(low, means[i]), math.max(high, means[i])
    end
  end
  local bars = {}
  for i = 1, parts do
    local level = 1
    if means[i] and high > low then
      level = 1 + math.floor((means[i] - low) / (high - low) * 7.999)
    end
    bars[i] = means[i] and blocks[level] or " "
  end
  return table.concat(bars)
end

--- Rows in columns, as wide as the terminal shows their characters.
function objects.columns(engine, rows, is_right)
  return columns(rows, is_right, function(text) return style.width(engine, text) end)
end

-- From a class to the view of its objects.
local views = {}

function views.Tensor(engine, value)
  local text = engine.text(value, engine.columns())
  local head, rest = match(text, "^([^\n]*)(.*)$")
  local done, flag = pcall(function() return value:requires_grad() end)
  if done and flag then head = head .. ", requires gradients" end
  return styled(engine, head, "keyword") .. gsub(rest, "…", styled(engine, "…", "dim"))
end

--- The text of a tensor's tokens, a string for each sequence; nil if it has none.
function objects.sequences(engine, tensor)
  local done, texts = raw.try(engine, engine.decode, tensor)
  -- If a task's own function fails, the ids are shown.
  return done and texts or nil
end

function views.IntTensor(engine, value)
  local text = engine.text(value, engine.columns())
  local head, rest = match(text, "^([^\n]*)(.*)$")
  local lines = { styled(engine, head, "keyword") .. gsub(rest, "…", styled(engine, "…", "dim")) }
  local sequences = objects.sequences(engine, value)
  for i, sequence in ipairs(sequences or {}) do
    if i > 6 then
      lines[#lines + 1] = styled(engine, format("  … %d more", #sequences - 6), "dim")
      break
    end
    local shown = fitted(engine, visible.row(sequence), engine.columns() - 4)
    lines[#lines + 1] = styled(engine, "  “" .. shown .. "”", "string")
  end
  return table.concat(lines, "\n")
end

function views.Model(engine, value)
  local trained = {}
  for _, name in ipairs(value:trainable()) do trained[name] = true end
  local rows = { { "parameter", "shape", "", "norm" } }
  local total, learned = 0, 0
  for _, name in ipairs(value:names()) do total = total + value:get(name):numel() end
  -- Its norms would take time, and read its whole file.
  local is_large = total > 1 << 25
  for _, name in ipairs(value:names()) do
    local tensor = value:get(name)
    if trained[name] then learned = learned + tensor:numel() end
    rows[#rows + 1] = {
      visible.line(name), words.shape(tensor), trained[name] and "trained" or "frozen",
      is_large and "" or short(tensor:detach():norm():item()),
    }
  end
  local lines = objects.columns(engine, rows, function(i) return i == 4 end)
  for i, line in ipairs(lines) do
    if i == 1 then
      lines[i] = "  " .. styled(engine, line, "dim")
    else
      lines[i] = "  " .. gsub(line, "frozen", styled(engine, "frozen", "dim"), 1)
    end
  end
  -- A custom model would have to be called to tell its layers.
  local layers = value.kind == "custom" and "" or format("%d layers, ", value.layers)
  local head = format("Model %s: %s%d parameters, %d trained", value.kind, layers, total, learned)
  return styled(engine, head, "keyword") .. "\n" .. table.concat(lines, "\n")
end

function views.Run(engine, value)
  local history = value.history
  local head = styled(engine, format("Run %s at step %d, %d records", value.status, value.step,
    #history), "keyword")
  if #history == 0 then return head end
  local names = {}
  for name in next, history[1] do
    if name ~= "step" and name ~= "loss" then names[#names + 1] = name end
  end
  table.sort(names)
  table.insert(names, 1, "loss")
  local rows = { { "metric", "first", "last", "least", "most", "" } }
  for _, name in ipairs(names) do
    local values, least, most = {}, math.huge, -math.huge
    for i, record in ipairs(history) do
      local x = record[name] or 0 / 0
      values[i] = x
      if x == x then least, most = math.min(least, x), math.max(most, x) end
    end
    rows[#rows + 1] = { visible.line(name), short(values[1]), short(values[#values]), short(least),
      short(most), objects.sparkline(values, math.max(8, math.min(40, engine.columns() - 60))) }
  end
  local lines = objects.columns(engine, rows, function(i) return i > 1 and i < 6 end)
  for i, line in ipairs(lines) do
    lines[i] = "  " .. (i == 1 and styled(engine, line, "dim") or line)
  end
  local first, last = history[1].step, history[#history].step
  return head .. styled(engine, format(", steps %d to %d", first, last), "dim") .. "\n"
    .. table.concat(lines, "\n")
end

--- A decoded sequence in which triggers and what follows them are marked.
local function marked_sequence(engine, task, batch)
  local ids, occurrence = batch.tokens[1]:totable(), batch.occurrence[1]:totable()
  local triggers = {}
  local parts, separator = {}, ""
  local room, most = 2 * engine.columns() - 4, 0
  for t = 1, #ids do
    local symbol = visible.row(task:decode { ids[t] })
    room = room - style.width(engine, symbol) - #separator
    if room < 0 then break end
    most = t
    if utf8.len(symbol) ~= 1 then separator = " " end
    local is_trigger = occurrence[t] > 0
    local follows = t > 1 and occurrence[t - 1] > 0
    if (is_trigger or follows) and symbol == " " then symbol = "␣" end
    if is_trigger then triggers[symbol] = true end
    if not engine.colour() then
      parts[t] = is_trigger and "[" .. symbol .. "]" or symbol
    else
      parts[t] = is_trigger and styled(engine, symbol, "trigger")
        or follows and styled(engine, symbol, "output") or symbol
    end
  end
  return table.concat(parts, separator) .. (most < #ids and "…" or ""), triggers
end

function views.Task(engine, value)
  local head = styled(engine, match(tostring(value), "^[^\n]*"), "keyword")
  local done, text, triggers = pcall(marked_sequence, engine, value, value:batch(1, 1))
  if not done then
    -- A task without symbols: its first sequence as ids.
    return head .. "\n  " .. styled(engine, match(tostring(value:batch(1, 1).tokens), "\n%s*(.*)"),
      "number")
  end
  local names = {}
  for name in next, triggers do names[#names + 1] = name end
  table.sort(names)
  local legend
  if engine.colour() then
    legend = styled(engine, "trigger", "trigger") .. " " .. styled(engine, "output", "output")
  else
    legend = "triggers are in brackets, an output follows each"
  end
  return head .. "\n  " .. text .. "\n  "
    .. styled(engine, "sequence 1; ", "dim") .. legend
    .. styled(engine, #names > 0 and "; its triggers: " .. table.concat(names, " ") or "", "dim")
end

function views.Corpus(engine, value)
  local symbols, unigram = value.symbols, value.unigram
  local values, indices = unigram:topk(math.min(12, #symbols))
  local parts = {}
  local room = engine.columns() - 2
  for i, id in ipairs(indices:totable()) do
    local part = format("%s %.1f%%", words.quoted(symbols[id], 12), 100 * values[i]:item())
    room = room - style.width(engine, part) - 2
    if room < -2 then break end
    parts[i] = part
  end
  return styled(engine, match(tostring(value), "^[^\n]*"), "keyword") .. "\n  "
    .. table.concat(parts, "  ")
end

--- The view of an object of the module; nil if its class has none.
-- @treturn function|nil of the engine and the object
function objects.view(value) return views[raw.class_of(value) or ""] end

--- Whether a table is what model:next_tokens returns: a list of tokens with probabilities.
function objects.is_next_tokens(value)
  local count = type(value) == "table" and rawlen(value) or 0
  for i = 1, count do
    local row = rawget(value, i)
    if type(row) ~= "table" or math.type(rawget(row, "id")) ~= "integer"
      or math.type(rawget(row, "probability")) ~= "float" then
      return false
    end
  end
  return count > 0
end

--- The view of such a list: a row for each token, with a bar as long as its probability.
function objects.next_tokens(engine, value)
  local rows = { { "token", "id", "probability", "" } }
  local longest = math.max(8, math.min(40, engine.columns() - 50))
  for i = 1, rawlen(value) do
    if i > 50 then break end
    local row = rawget(value, i)
    local token, share = rawget(row, "token"), math.max(0, math.min(1, rawget(row, "probability")))
    local eighths = math.floor(share * longest * 8 + 0.5)
    rows[i + 1] = {
      type(token) == "string" and visible.token(token) or "", tostring(rawget(row, "id")),
      format("%.4f", share), string.rep("█", eighths // 8) .. (rests[eighths % 8] or ""),
    }
  end
  local lines = objects.columns(engine, rows, function(i) return i == 2 or i == 3 end)
  for i, line in ipairs(lines) do
    lines[i] = "  " .. (i == 1 and styled(engine, line, "dim") or line)
  end
  local more = rawlen(value) - 50
  if more > 0 then lines[#lines + 1] = styled(engine, format("  … %d more", more), "dim") end
  return styled(engine, format("%d next tokens", rawlen(value)), "keyword") .. "\n"
    .. table.concat(lines, "\n")
end

--- Whether a table is a figure of mnemo.plot.
function objects.is_figure(value)
  local plot = package.loaded["mnemo.plot"]
  local metatable = type(value) == "table" and debug.getmetatable(value)
  return plot and type(metatable) == "table" and rawequal(metatable, plot.Figure)
end

--- Whether a table is a batch: tokens that some task drew.
function objects.is_batch(engine, value)
  local tokens = type(value) == "table" and rawget(value, "tokens")
  return tokens and raw.class_of(tokens) == "IntTensor"
    and raw.class_of(rawget(value, "targets")) ~= nil
    and objects.sequences(engine, tokens) ~= nil
end

return objects
