--- Command-line options for scripts.
--
--     local options = require "mnemo.arguments" {
--       about = "What the script shows.",
--       quick = { steps = 100 },             -- what --quick changes
--       full = { steps = 10000 },            -- what --full changes
--       { "steps", 400, "training steps" },
--       { "lr", 0.1, "learning rate" },
--       { "verbose", false, "print more" },
--       { "loss_on", "all", "positions in the loss", choices = { "all", "repeats" } },
--       { "out", "runs/mine", "folder for results", type = "folder" },
--     }
--     print(options.steps, options.quick)
--
-- The default says the type: a whole number, a number with a decimal point, a text, or
-- `false` for a switch. An option without a default names its type (`type = "integer"`,
-- `"number"`, `"string"`) and is nil unless given. A text of `type = "folder"` is a folder that
-- is made before the script goes on, so that one that cannot be written is told at once.
-- Folders come with a switch `--overwrite`. One that is typed and holds a run, itself or up to
-- two levels below, is refused without it; runs in a default folder may be replaced, being the
-- script's own. So `overwrite = options.overwrite` belongs beside `dir`, and into `run:save`; in a
-- sweep's point it is not needed.
-- With `sweep = true` the script has the options of mnemo.sweep: `--workers`, `--task`, `--tasks`,
-- `--retry` and `--force`; `options = options` in its call hands them on. A folder that holds
-- `sweep.sqlite`, the sweep's store, is left to it: it goes on there, or refuses; and so is one
-- that the tasks of several machines share.
-- `placeholder = "DIR"` is shown in the help, `min` and `max` bound a number, `choices` lists what
-- a text may be. In `loss_on` the underscore may be typed as a hyphen: `--loss-on`. What is typed
-- wins over `--quick` and `--full`, wherever it stands. `--help` prints the options and ends the
-- script.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"
local nearest = require "mnemo.text.nearest"

local arguments = {}

-- What scripts with a sweep come with.
local sweep_entries = {
  { name = "workers", default = 1, kind = "integer", min = 1, help = "processes of the sweep" },
  { name = "task", kind = "integer", min = 1, help = "share of the points, in a store of its own" },
  { name = "tasks", kind = "integer", min = 1, help = "how many shares there are" },
  { name = "retry", default = false, kind = "switch", help = "try points that failed again" },
  {
    name = "force", default = false, kind = "switch",
    help = "go on with a sweep although the script has changed",
  },
}

local entry_keys = { 1, 2, 3, "type", "placeholder", "min", "max", "choices" }
local placeholders = { integer = "N", number = "X", string = "TEXT", folder = "DIR" }

-- A mistake on the command line: no line of the script is to blame, and no traceback helps.
local Mistake = { __tostring = function(self) return self.message end }

--- Stops the script with a message and nothing else.
local function fail(message, ...)
  error(setmetatable({ message = message:format(...) }, Mistake))
end

--- Returns a value's type as options know it, or nil.
local function type_of(value)
  local kind = math.type(value)
  if kind then return kind == "float" and "number" or kind end
  if value == false then return "switch" end
  return type(value) == "string" and "string" or nil
end

--- Puts the declared options in order and checks the declaration itself.
-- @treturn {table,...} entries {name, default, help, kind, …}
-- @treturn table the same by name
local function declared(spec)
  local entries, by_name = {}, {}
  local function add(entry)
    if by_name[entry.name] then expect.fail("option '%s' is declared twice", entry.name) end
    entries[#entries + 1], by_name[entry.name] = entry, entry
  end
  for preset, help in pairs { quick = "a small run", full = "the paper's size" } do
    if spec[preset] then
      add { name = preset, default = false, kind = "switch", help = help, preset = spec[preset] }
    end
  end
  table.sort(entries, function(a, b) return a.name > b.name end)
  for _, given in ipairs(spec) do
    expect.keys(given, entry_keys, "an option's declaration")
    local kind = given.type or type_of(given[2])
    if type(given[1]) ~= "string" or not (kind == "switch" or placeholders[kind]) then
      expect.fail "an option is { name, default, help }, or names its type"
    end
    add {
      name = given[1], default = given[2], help = given[3] or "", kind = kind,
      min = given.min, max = given.max, choices = given.choices,
      placeholder = given.placeholder or placeholders[kind],
    }
  end
  for _, entry in ipairs(entries) do
    if entry.kind == "folder" and not by_name.overwrite then
      add {
        name = "overwrite", default = false, kind = "switch",
        help = "replace runs that the folder given holds",
      }
    end
  end
  for _, entry in ipairs(spec.sweep and sweep_entries or {}) do
    add {
      name = entry.name, default = entry.default, kind = entry.kind, min = entry.min,
      help = entry.help, placeholder = placeholders[entry.kind],
    }
  end
  for _, entry in ipairs(entries) do
    for name in pairs(entry.preset or {}) do
      if not by_name[name] then
        expect.fail("%s sets '%s', which is not declared", entry.name, name)
      end
    end
  end
  return entries, by_name
end

--- Writes an option as it is typed.
local function flag(name)
  return "--" .. name:gsub("_", "-")
end

--- Turns a typed text into an option's value.
local function convert(entry, text)
  local value = text
  if entry.kind == "integer" or entry.kind == "number" then
    value = tonumber(text)
    if entry.kind == "integer" then value = value and math.tointeger(value) end
    if not value then
      fail("%s wants a %s, got '%s'", flag(entry.name),
        entry.kind == "integer" and "whole number" or "number", text)
    end
    if entry.min and value < entry.min or entry.max and value > entry.max then
      fail("%s wants %s, got %s", flag(entry.name),
        entry.min and entry.max and ("%s to %s"):format(entry.min, entry.max)
        or entry.min and "at least " .. entry.min or "at most " .. entry.max, text)
    end
  elseif entry.choices then
    for _, choice in ipairs(entry.choices) do
      if choice == text then return value end
    end
    fail("%s wants one of %s, got '%s'", flag(entry.name), table.concat(entry.choices, ", "),
      text)
  end
  return value
end

--- Tells whether what a folder holds is for the script's sweep to judge.
local function is_of_sweep(path, options)
  if options.task or os.getenv "SLURM_ARRAY_TASK_ID" then return true end
  local file = io.open(path .. "/sweep.sqlite", "rb")
  if file then file:close() end
  return file ~= nil
end

--- Makes the folders that options name, and decides whether runs in them may be replaced.
local function make_folders(entries, options, typed, has_sweep)
  local is_typed, has_folders = false, false
  for _, entry in ipairs(entries) do
    local path = options[entry.name]
    if entry.kind == "folder" and path then
      has_folders = true
      is_typed = is_typed or typed[entry.name] ~= nil
      local made, result, run = pcall(mnemo.make_folder, path)
      if not made then fail("%s: %s", flag(entry.name), tostring(result)) end
      local may_be_replaced = not typed[entry.name] or typed.overwrite
        or has_sweep and is_of_sweep(path, options)
      if run and not may_be_replaced then
        fail("%s: %s; --overwrite replaces it", flag(entry.name), run)
      end
    end
  end
  if has_folders and not is_typed then options.overwrite = true end
end

--- Writes the help page.
-- @tparam table spec the declaration
-- @tparam[opt] string script the script's name
-- @treturn string some lines of text
-- @usage print(mnemo.arguments.help({ { "steps", 400, "training steps" } }, "mine.lua"))
function arguments.help(spec, script)
  local entries = declared(spec)
  local rows, width = {}, #"--help"
  for _, entry in ipairs(entries) do
    local left, right = flag(entry.name), entry.help
    if entry.kind ~= "switch" then left = left .. " " .. entry.placeholder end
    if entry.choices then right = right .. ": " .. table.concat(entry.choices, ", ") end
    if entry.preset then
      local names, changes = {}, {}
      for name in pairs(entry.preset) do names[#names + 1] = name end
      table.sort(names)
      for i, name in ipairs(names) do
        changes[i] = ("%s %s"):format(flag(name), entry.preset[name])
      end
      if #changes > 0 then right = right .. ": " .. table.concat(changes, " ") end
    elseif entry.default ~= nil and entry.kind ~= "switch" then
      right = ("%s (%s)"):format(right, entry.default)
    end
    rows[#rows + 1] = { left, right }
    width = math.max(width, #left)
  end
  rows[#rows + 1] = { "--help", "show this" }
  local lines = {}
  if spec.about then
    lines[1] = spec.about:gsub("^%s+", ""):gsub("%s+$", "")
    lines[2] = ""
  end
  lines[#lines + 1] = ("usage: mnemo %s [options]"):format(script or "SCRIPT")
  for _, row in ipairs(rows) do
    lines[#lines + 1] = ("  %s%s  %s"):format(row[1], (" "):rep(width - #row[1]), row[2])
  end
  return table.concat(lines, "\n")
end

--- Reads a command line.
-- @tparam table spec the declaration: `about`, `quick`, `full`, and the options
-- @tparam {string,...} words what was typed after the script's name
-- @treturn table|nil a value for each option; nil when help was asked for
-- @raise a mistake in the words is a table; `tostring` gives the sentence
-- @usage
-- local options = mnemo.arguments.parse({ { "steps", 400, "training steps" } }, { "--steps=9" })
-- print(options.steps)
function arguments.parse(spec, words)
  local entries, by_name = declared(spec)
  local flags = {}
  for i, entry in ipairs(entries) do flags[i] = flag(entry.name) end
  flags[#flags + 1] = "--help"

  local typed, i = {}, 1
  while i <= #words do
    local word = words[i]
    if word == "--help" or word == "-h" then return nil end
    local name, value = word:match("^%-%-([^=]+)=(.*)$")
    name = name or word:match("^%-%-(.+)$")
    if not name then fail("unexpected argument '%s'; options begin with --", word) end
    local entry = by_name[(name:gsub("-", "_"))]
    if not entry then fail("%s", nearest.message("--" .. name, flags, "option")) end
    if entry.kind == "switch" then
      if value then fail("%s takes no value", flag(entry.name)) end
      typed[entry.name] = true
    else
      if not value then
        i = i + 1
        value = words[i]
      end
      if not value then fail("%s wants a value", flag(entry.name)) end
      typed[entry.name] = convert(entry, value)
    end
    i = i + 1
  end
  if typed.quick and typed.full then fail("--quick and --full exclude each other") end

  local options = {}
  for _, entry in ipairs(entries) do options[entry.name] = entry.default end
  for _, entry in ipairs(entries) do
    if entry.preset and typed[entry.name] then
      for name, value in pairs(entry.preset) do options[name] = value end
    end
  end
  for name, value in pairs(typed) do options[name] = value end
  make_folders(entries, options, typed, spec.sweep)
  return options
end

--- Reads the script's own command line; `--help` prints the options and ends the script.
-- @tparam table spec the declaration: `about`, `quick`, `full`, and the options
-- @tparam[opt] {string,...} words what was typed; without it, the script's arguments
-- @treturn table a value for each option
-- @function arguments
-- @usage
-- local options = mnemo.arguments({ { "steps", 400, "training steps" } }, { "--steps", "9" })
-- print(options.steps)
local function read(_, spec, words)
  words = words or arg or {}
  local options = arguments.parse(spec, words)
  if not options then
    print(arguments.help(spec, words[0]))
    os.exit(0)
  end
  return options
end

return setmetatable(arguments, { __call = read })
