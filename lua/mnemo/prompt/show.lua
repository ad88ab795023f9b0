--- How the prompt shows values.
--
-- Nothing here runs a metamethod of the user's without protection: fields are read raw, and a
-- `__tostring` that fails is told beside the table it belongs to. Every function takes `engine`
-- first, what the prompt offers its Lua files.
local objects = require "mnemo.prompt.objects"
local pretty = require "mnemo.prompt.pretty"
local raw = require "mnemo.prompt.raw"
local style = require "mnemo.prompt.style"
local visible = require "mnemo.text.visible"

local show = {}

local styled = style.styled

-- The most lines of one value that are shown.
local most_lines = 200

--- The tables of the module that are loaded when they are first named, as a line; false if there
-- are none.
local function not_loaded(engine, module)
  local names, seen = {}, {}
  for _, name in ipairs(engine.names "") do
    if rawget(module, name) == nil and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  return #names > 0 and "and, loaded when it is named: " .. table.concat(names, ", ")
end

--- Returns a value's text.
function show.text(engine, value)
  local view = objects.view(value)
  if view then
    local done, text = raw.try(engine, view, engine, value)
    if done then return text end
    return (raw.words(engine, value)) or raw.class_of(value)
  end
  if type(value) == "userdata" then
    return (raw.words(engine, value)) or pretty.plain(engine, value)
  end
  if objects.is_next_tokens(value) then return objects.next_tokens(engine, value) end
  if type(value) == "table" and not objects.is_figure(value) then
    local words = raw.words(engine, value)
    if words then return words end
  end
  local lines = pretty.lines(engine, value)
  if objects.is_batch(engine, value) then
    local sequence = objects.sequences(engine, rawget(value, "tokens"))[1]
    sequence = style.fitted(engine, visible.row(sequence), engine.columns() - 6)
    lines[#lines + 1] = styled(engine, "  “" .. sequence .. "”", "string")
  end
  local more = rawequal(value, package.loaded.mnemo) and not_loaded(engine, value)
  if more then lines[#lines + 1] = styled(engine, more, "dim") end
  if #lines > most_lines then
    local rest = #lines - most_lines
    for i = #lines, most_lines + 1, -1 do lines[i] = nil end
    lines[#lines + 1] = styled(engine, ("… %d more lines"):format(rest), "dim")
  end
  return table.concat(lines, "\n")
end

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
      local label = styled(engine, ("_%d = "):format(number), "dim")
      number = number + 1
      if objects.is_figure(value) then
        io.write(label, tostring(value), "\n")
        value:show()
      else
        io.write(label, show.text(engine, value), "\n")
      end
    end
  end
  io.flush()
end

--- Returns the table of the user's variables: see mnemo.prompt.who.
function show.who(engine, locals, base) return require "mnemo.prompt.who"(engine, locals, base) end

--- Completion: see mnemo.prompt.complete.
function show.complete(engine, text, locals)
  return require "mnemo.prompt.complete"(engine, text, locals)
end

return show
