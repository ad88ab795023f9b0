--- How the prompt shows values.
--
-- Nothing here runs a metamethod of the user's without protection: fields are read raw, and a
-- `__tostring` that fails is told beside the table it belongs to.
local show = {}

local palette = {
  dim = "\27[2m", bold = "\27[1m", name = "\27[36m", string = "\27[32m", number = "\27[35m",
  keyword = "\27[33m", red = "\27[31m", trigger = "\27[1;33m", output = "\27[1;36m",
  reset = "\27[0m",
}

-- What the functions below need of the string library, whatever the user does to it.
local byte, find, format, gsub, match, rep, sub =
  string.byte, string.find, string.format, string.gsub, string.match, string.rep, string.sub
local metatable_of = debug.getmetatable

-- Tables nested deeper are shown as `{…}`.
local deepest = 4
-- The most entries of one table, and the most lines of one value, that are shown.
local most_entries = 24
local most_lines = 200

--- Encloses a text in a style, if the engine's terminal has colours.
local function styled(engine, text, style)
  if not engine.colour() then return text end
  return palette[style] .. text .. palette.reset
end

--- The number of columns a text takes, styles apart.
local function width_of(engine, text)
  text = gsub(text, "\27%[[%d;]*m", "")
  return find(text, "[\x80-\xff]") and engine.width(text) or #text
end

--- As much of a text without styles as fits a number of columns; an ellipsis stands for the rest.
local function fitted(engine, text, room)
  local width = 0
  for start, code in utf8.codes(text, true) do
    local own = code < 128 and 1 or engine.width(utf8.char(code))
    -- The last column is the ellipsis's, unless nothing follows.
    if width + own >= room and (width + own > room or utf8.offset(text, 2, start) <= #text) then
      return sub(text, 1, start - 1) .. "…"
    end
    width = width + own
  end
  return text
end

--- A string as Lua source would write it; UTF-8 stays readable, control characters do not pass.
local function quoted(text, most)
  local cut = ""
  if #text > most then
    local length = most
    -- Not in the middle of a character.
    while length > 1 and (byte(text, length + 1) or 0) & 0xC0 == 0x80 do length = length - 1 end
    cut = format("… (%d bytes)", #text)
    text = sub(text, 1, length)
  end
  text = gsub(text, '[%c"\\]', function(c)
    if c == "\n" then return "\\n" end
    if c == "\t" then return "\\t" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return format("\\%d", byte(c))
  end)
  if not utf8.len(text) then
    text = gsub(text, "[\x80-\xff]", function(c) return format("\\%d", byte(c)) end)
  end
  return '"' .. text .. '"' .. cut
end

--- A number, short but not wrong.
local function number_text(x)
  if math.type(x) == "integer" then return tostring(x) end
  if x ~= x then return "nan" end
  if x == math.huge or x == -math.huge then return x > 0 and "inf" or "-inf" end
  return format("%.14g", x) == format("%.0f", x) and format("%.1f", x) or format("%.14g", x)
end

--- The class of an object of the module, whose metatable shows its name alone.
local function class_of(value)
  if type(value) ~= "userdata" then return nil end
  local metatable = metatable_of(value)
  local name = metatable and rawget(metatable, "__name")
  return type(name) == "string" and name or nil
end

--- Calls a metamethod's words for a value: text, or nil and what went wrong.
local function own_words(engine, value)
  local metatable = metatable_of(value)
  if type(metatable) ~= "table" or rawget(metatable, "__tostring") == nil then return nil end
  local done, text = pcall(tostring, value)
  if done then return text end
  if engine.is_interrupt(text) then error(text, 0) end
  return nil, "its __tostring fails"
end

---- Values in a line or several ----

local inline

local reserved = {}
for word in ("and break do else elseif end false for function goto if in local nil not or "
  .. "repeat return then true until while"):gmatch "%a+" do
  reserved[word] = true
end

local order = { number = 1, string = 2, boolean = 3 }

--- The keys of a table besides its sequence, sorted; and the length of the sequence.
local function keys_of(t)
  local length = 0
  while rawget(t, length + 1) ~= nil do length = length + 1 end
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= length) then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, function(a, b)
    local x, y = type(a), type(b)
    if x ~= y then return (order[x] or 9) < (order[y] or 9) end
    if x == "number" or x == "string" then return a < b end
    return false
  end)
  return keys, length
end

--- A key as a table constructor writes it.
local function key_text(engine, key)
  if type(key) == "string" and find(key, "^[%a_][%w_]*$") and not reserved[key] then
    return styled(engine, key, "name")
  end
  if type(key) == "string" then return "[" .. styled(engine, quoted(key, 60), "string") .. "]" end
  return "[" .. inline(engine, key, {}, deepest) .. "]"
end

--- One line about a tensor inside a table.
local function tensor_line(engine, value)
  local done, text = pcall(tostring, value)
  local first = done and match(text, "^[^\n]*") or "a tensor"
  return styled(engine, first, "keyword")
end

--- The words for anything but a table.
local function plain(engine, value)
  local kind = type(value)
  if kind == "string" then return styled(engine, quoted(value, 2000), "string") end
  if kind == "number" then return styled(engine, number_text(value), "number") end
  if kind == "nil" or kind == "boolean" then
    return styled(engine, tostring(value), "keyword")
  end
  if kind == "function" then
    local info = debug.getinfo(value, "S")
    local place = info.what == "C" and "of the engine"
      or format("%s:%d", gsub(info.short_src, "^%./", ""), info.linedefined)
    return styled(engine, "function ", "keyword") .. styled(engine, "(" .. place .. ")", "dim")
  end
  local class = class_of(value)
  if class == "Tensor" or class == "IntTensor" then return tensor_line(engine, value) end
  local text, problem = own_words(engine, value)
  if text then return styled(engine, match(text, "^[^\n]*"), "keyword") end
  return styled(engine, problem and kind .. " (" .. problem .. ")" or class or kind, "keyword")
end

--- A value on one line; `seen` are the tables around it.
function inline(engine, value, seen, depth)
  if type(value) ~= "table" then return plain(engine, value) end
  if seen[value] then return styled(engine, "<cycle>", "red") end
  local text, problem = own_words(engine, value)
  if text then return (match(text, "^[^\n]*")) end
  if next(value) == nil then return problem and "{} -- " .. problem or "{}" end
  if depth >= deepest then return styled(engine, "{…}", "dim") end
  seen[value] = true
  local keys, length = keys_of(value)
  local parts, shown = {}, 0
  for i = 1, length do
    if shown == most_entries then break end
    shown = shown + 1
    parts[shown] = inline(engine, rawget(value, i), seen, depth + 1)
  end
  for _, key in ipairs(keys) do
    if shown == most_entries then break end
    shown = shown + 1
    parts[shown] = key_text(engine, key) .. " = "
      .. inline(engine, rawget(value, key), seen, depth + 1)
  end
  local rest = length + #keys - shown
  if rest > 0 then parts[#parts + 1] = styled(engine, format("… %d more", rest), "dim") end
  seen[value] = nil
  return "{ " .. table.concat(parts, ", ") .. " }"
    .. (problem and styled(engine, " -- " .. problem, "dim") or "")
end

--- A table over several lines, if it does not fit one.
-- @return a list of lines
local function lines_of(engine, value, seen, depth, indent, width)
  local one = inline(engine, value, seen, depth)
  if type(value) ~= "table" or depth >= deepest or width_of(engine, one) + indent <= width
    or seen[value] or next(value) == nil or own_words(engine, value) then
    return { one }
  end
  seen[value] = true
  local _, problem = own_words(engine, value)
  local keys, length = keys_of(value)
  local lines = { "{" .. (problem and styled(engine, " -- " .. problem, "dim") or "") }
  local shown = 0
  local function add(prefix, field)
    local inner = lines_of(engine, field, seen, depth + 1,
      indent + 2 + width_of(engine, prefix), width)
    inner[1] = prefix .. inner[1]
    inner[#inner] = inner[#inner] .. ","
    for _, line in ipairs(inner) do lines[#lines + 1] = "  " .. line end
    shown = shown + 1
  end
  -- Short things that follow each other share lines.
  local row = ""
  local function flush()
    if row ~= "" then lines[#lines + 1] = "  " .. row end
    row = ""
  end
  for i = 1, length do
    if shown >= 8 * most_entries or (shown >= most_entries and row == "" and i > 1) then break end
    local field = rawget(value, i)
    if type(field) == "table" then
      if shown >= most_entries then break end
      flush()
      add("", field)
    else
      local text = inline(engine, field, seen, depth + 1) .. ","
      if row ~= "" and width_of(engine, row .. text) + indent + 3 > width then flush() end
      row = row .. (row == "" and "" or " ") .. text
      shown = shown + 1
    end
  end
  flush()
  if length > shown then
    lines[#lines + 1] = "  " .. styled(engine, format("… %d more", length - shown), "dim")
  end
  shown = 0
  for i, key in ipairs(keys) do
    if shown == most_entries then
      lines[#lines + 1] = "  " .. styled(engine, format("… %d more", #keys - i + 1), "dim")
      break
    end
    add(key_text(engine, key) .. " = ", rawget(value, key))
  end
  lines[#lines + 1] = "}"
  seen[value] = nil
  return lines
end

---- Objects of the module ----

--- Rows in columns; numbers to the right.
local function columns(engine, rows, right)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, width_of(engine, cell)) end
  end
  local lines = {}
  for r, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local space = rep(" ", widths[i] - width_of(engine, cell))
      cells[i] = right[i] and space .. cell or (i == #row and cell or cell .. space)
    end
    lines[r] = table.concat(cells, "  ")
  end
  return lines
end

--- A number of a table: four digits that count.
local function short(x)
  if x ~= x or x == math.huge or x == -math.huge then return number_text(x) end
  if x == math.floor(x) and math.abs(x) < 1e6 then return format("%d", x) end
  return format("%.4g", x)
end

local function shape_text(tensor)
  local done, shape = pcall(function() return tensor:shape() end)
  return done and type(shape) == "table" and "[" .. table.concat(shape, ", ") .. "]" or "?"
end

--- Bytes for people.
local function bytes_text(n)
  if n < 1024 then return format("%d B", n) end
  for _, unit in ipairs { "KiB", "MiB", "GiB", "TiB" } do
    n = n / 1024
    if n < 1024 then return format("%.1f %s", n, unit) end
  end
  return format("%.0f PiB", n / 1024)
end

local blocks = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

--- Values as a line of little bars, at most `width` of them; means of equal parts.
function show.sparkline(values, width)
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

local shows = {}

function shows.Tensor(engine, value)
  local text = engine.text(value, engine.columns())
  local head, rest = match(text, "^([^\n]*)(.*)$")
  local done, flag = pcall(function() return value:requires_grad() end)
  if done and flag then head = head .. ", trained" end
  return styled(engine, head, "keyword") .. gsub(rest, "…", styled(engine, "…", "dim"))
end

--- Makes a token's white space visible, so that a row of tokens stays a row.
local function visible(text)
  return (gsub(gsub(gsub(text, "\n", "↵"), "\t", "⇥"), "%c", "·"))
end

--- The text of a tensor's tokens, a string for each sequence; nil if it has none.
local function decoded(engine, tensor)
  local done, texts = pcall(engine.decode, tensor)
  if done then return texts end
  -- A task's own function failed: the ids are shown.
  if engine.is_interrupt(texts) then error(texts, 0) end
  return nil
end

function shows.IntTensor(engine, value)
  local text = engine.text(value, engine.columns())
  local head, rest = match(text, "^([^\n]*)(.*)$")
  local lines = { styled(engine, head, "keyword") .. gsub(rest, "…", styled(engine, "…", "dim")) }
  local sequences = decoded(engine, value)
  for i, sequence in ipairs(sequences or {}) do
    if i > 6 then
      lines[#lines + 1] = styled(engine, format("  … %d more", #sequences - 6), "dim")
      break
    end
    local shown = fitted(engine, visible(sequence), engine.columns() - 4)
    lines[#lines + 1] = styled(engine, "  “" .. shown .. "”", "string")
  end
  return table.concat(lines, "\n")
end

function shows.Model(engine, value)
  local trained = {}
  for _, name in ipairs(value:trainable()) do trained[name] = true end
  local rows = { { "parameter", "shape", "", "norm" } }
  local total, learned = 0, 0
  for _, name in ipairs(value:names()) do
    local tensor = value:get(name)
    local count = tensor:numel()
    total = total + count
    if trained[name] then learned = learned + count end
    rows[#rows + 1] = {
      name, shape_text(tensor), trained[name] and "trained" or "frozen",
      short(tensor:detach():norm():item()),
    }
  end
  local lines = columns(engine, rows, { [4] = true })
  for i, line in ipairs(lines) do
    if i == 1 then
      lines[i] = "  " .. styled(engine, line, "dim")
    else
      lines[i] = "  " .. gsub(line, "frozen", styled(engine, "frozen", "dim"), 1)
    end
  end
  local head = format("Model %s: %d layers, %d parameters, %d trained", value.kind, value.layers,
    total, learned)
  return styled(engine, head, "keyword") .. "\n" .. table.concat(lines, "\n")
end

function shows.Run(engine, value)
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
    rows[#rows + 1] = { name, short(values[1]), short(values[#values]), short(least), short(most),
      show.sparkline(values, math.max(8, math.min(40, engine.columns() - 60))) }
  end
  local right = { [2] = true, [3] = true, [4] = true, [5] = true }
  local lines = columns(engine, rows, right)
  for i, line in ipairs(lines) do
    line = gsub(line, "%s+$", "")
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
    local symbol = visible(task:decode { ids[t] })
    room = room - width_of(engine, symbol) - #separator
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

function shows.Task(engine, value)
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

function shows.Corpus(engine, value)
  local symbols, unigram = value.symbols, value.unigram
  local values, indices = unigram:topk(math.min(12, #symbols))
  local parts = {}
  local room = engine.columns() - 2
  for i, id in ipairs(indices:totable()) do
    local part = format("%s %.1f%%", quoted(symbols[id], 12), 100 * values[i]:item())
    room = room - width_of(engine, part) - 2
    if room < -2 then break end
    parts[i] = part
  end
  return styled(engine, match(tostring(value), "^[^\n]*"), "keyword") .. "\n  "
    .. table.concat(parts, "  ")
end

--- Whether a table is a figure of mnemo.plot.
local function is_figure(value)
  local plot = package.loaded["mnemo.plot"]
  local metatable = type(value) == "table" and metatable_of(value)
  return plot and type(metatable) == "table" and metatable == plot.Figure
end

--- Whether a table is a batch: tokens that some task drew.
local function is_batch(engine, value)
  local tokens = type(value) == "table" and rawget(value, "tokens")
  return tokens and class_of(tokens) == "IntTensor" and class_of(rawget(value, "targets")) ~= nil
    and decoded(engine, tokens) ~= nil
end

--- The lines of one value.
local function text_of(engine, value)
  local special = shows[class_of(value) or ""]
  if special then
    local done, text = pcall(special, engine, value)
    if done then return text end
    if engine.is_interrupt(text) then error(text, 0) end
    local words = own_words(engine, value)
    return words or tostring(class_of(value))
  end
  if type(value) == "userdata" then return (own_words(engine, value)) or plain(engine, value) end
  if type(value) == "table" and not is_figure(value) then
    local words = own_words(engine, value)
    if words then return words end
  end
  local lines = lines_of(engine, value, {}, 0, 0, engine.columns())
  if is_batch(engine, value) then
    local sequence = decoded(engine, rawget(value, "tokens"))[1]
    sequence = fitted(engine, visible(sequence), engine.columns() - 6)
    lines[#lines + 1] = styled(engine, "  “" .. sequence .. "”", "string")
  end
  if #lines > most_lines then
    local rest = #lines - most_lines
    for i = #lines, most_lines + 1, -1 do lines[i] = nil end
    lines[#lines + 1] = styled(engine, format("… %d more lines", rest), "dim")
  end
  return table.concat(lines, "\n")
end

--- Returns a value's text.
function show.text(engine, value) return text_of(engine, value) end

--- Prints results, each with the number by which it can be had again.
-- @tparam table values a list with holes
-- @tparam integer count its length
-- @tparam integer number the number of the first
function show.values(engine, values, count, number)
  for i = 1, count do
    local value = values[i]
    if value == nil then
      io.write(styled(engine, "nil", "keyword"), "\n")
    else
      local label = styled(engine, format("_%d = ", number), "dim")
      number = number + 1
      if is_figure(value) then
        io.write(label, tostring(value), "\n")
        value:show()
      else
        io.write(label, text_of(engine, value), "\n")
      end
    end
  end
  io.flush()
end

---- who() ----

--- How many bytes a value's numbers or characters take; nil where that cannot be told.
local function bytes_of(value)
  local class = class_of(value)
  if class == "Tensor" or class == "IntTensor" then return 4 * value:numel() end
  if class == "Model" then
    local sum = 0
    for _, tensor in next, value:parameters() do sum = sum + 4 * tensor:numel() end
    return sum
  end
  if type(value) == "string" then return #value end
  return nil
end

local function description_of(engine, value)
  local class = class_of(value)
  if class == "Tensor" or class == "IntTensor" then return class, shape_text(value) end
  if class then return class, (match(own_words(engine, value) or "", "^[^\n]*")) end
  if is_figure(value) then return "figure", "" end
  if type(value) == "table" then
    local keys, length = keys_of(value)
    local parts = {}
    if length > 0 then parts[#parts + 1] = format("%d in sequence", length) end
    if #keys > 0 then parts[#parts + 1] = format("%d fields", #keys) end
    return "table", #parts > 0 and table.concat(parts, ", ") or "empty"
  end
  local text = inline(engine, value, {}, 0)
  if width_of(engine, text) > 40 then text = quoted(tostring(value), 36) end
  return type(value), text
end

--- Returns the table of the user's variables: those of the prompt, then globals made since.
function show.who(engine, locals, base)
  local rows = {}
  local function add(name, value)
    local done, kind, description = pcall(description_of, engine, value)
    local counted, bytes = pcall(bytes_of, value)
    rows[#rows + 1] = {
      name, done and kind or type(value), done and description or "",
      counted and bytes and bytes_text(bytes) or "",
    }
  end
  local names = {}
  for name in next, locals do
    if type(name) == "string" and not find(name, "^_%d*$") and name ~= "_local" then
      names[#names + 1] = name
    end
  end
  for name in next, _G do
    if type(name) == "string" and not base[name] and rawget(locals, name) == nil then
      names[#names + 1] = name
    end
  end
  if #names == 0 then return "no variables yet" end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = rawget(locals, name)
    if value == nil then value = rawget(_G, name) end
    add(name, value)
  end
  table.insert(rows, 1, { "name", "type", "shape or value", "bytes" })
  local lines = columns(engine, rows, { [4] = true })
  for i, line in ipairs(lines) do
    lines[i] = gsub(i == 1 and styled(engine, line, "dim") or line, "%s+$", "")
  end
  return table.concat(lines, "\n")
end

--- Completion: see mnemo.prompt.complete.
function show.complete(engine, text, locals)
  return require "mnemo.prompt.complete"(engine, text, locals)
end

return show
