-- The command `mnemo runs`: what a store of runs and sweeps holds.
local columns = require "mnemo.text.columns"
local difference = require "mnemo.runs.difference"
local engine = require "mnemo.sweep.engine"
local mnemo = require "mnemo"
local sparkline = require "mnemo.runs.sparkline"
local stored = require "mnemo.runs.stored"
local watch = require "mnemo.runs.watch"

local help = [[
usage: mnemo runs [--store FILE] [--state STATE] [--sweep NAME] [--limit N]
       mnemo runs show ID          settings, last metrics, files of a run
       mnemo runs diff A B         the settings and last metrics in which two runs differ
       mnemo runs watch ID [NAME]  a metric's curve as it grows, the loss by default
       mnemo runs resume ID        go on with a run from its last checkpoint
       mnemo runs merge FILE…      bring in the runs and sweeps of other stores

Lists the runs of a store with their state, last metrics and the loss as a small curve.
  --store FILE   the store (MNEMO_STORE, else runs/store.sqlite)
  --state STATE  running, finished, stopped, interrupted, failed or lost
  --sweep NAME   those of a sweep
  --limit N      the latest N (20)
  --help         show this]]

-- A mistake in what was typed: no line of a script is to blame.
local Mistake = { __tostring = function(self) return self.message end }

local function fail(message, ...)
  error(setmetatable({ message = message:format(...) }, Mistake))
end

--- Takes the options out of the words.
-- @treturn table options by name
-- @treturn {string,...} the other words
local function parsed(words)
  local options, others, i = {}, {}, 1
  local known = { store = true, state = true, sweep = true, limit = true }
  while words[i] do
    local name, value = words[i]:match "^%-%-(%l+)=(.*)$"
    name = name or words[i]:match "^%-%-(%l+)$"
    if name == "help" or words[i] == "-h" then
      options.help = true
    elseif not words[i]:find "^%-" then
      others[#others + 1] = words[i]
    elseif not known[name] then
      fail("unknown option '%s'; mnemo runs --help shows them", words[i])
    else
      if not value then i, value = i + 1, words[i + 1] end
      if not value then fail("--%s wants a value", name) end
      options[name] = value
    end
    i = i + 1
  end
  return options, others
end

--- Reads a whole number.
local function number(text, what)
  return math.tointeger(tonumber(text)) or fail("%s wants a whole number, got '%s'", what, text)
end

--- Finds a run by its number.
local function find(store, text)
  local id = number(text or fail "the number of a run is missing", "a run's number")
  return store:runs { id = id }[1] or fail("store '%s' has no run %d", store.path, id)
end

--- Writes how long something took.
local function duration(seconds)
  if seconds < 60 then return ("%.1f s"):format(seconds) end
  local minutes = seconds // 60
  if minutes < 60 then return ("%d:%02d min"):format(minutes, seconds % 60) end
  return ("%d:%02d h"):format(minutes // 60, minutes % 60)
end

--- Writes the last metrics of a run, the loss first, as far as there is room.
local function last_of(run)
  local words = {}
  local function add(name)
    words[#words + 1] = ("%s %.4g"):format(name, run.last[name])
  end
  local names = {}
  for name in pairs(run.last) do
    if name ~= "loss" then names[#names + 1] = name end
  end
  table.sort(names)
  if run.last.loss then add "loss" end
  for i = 1, math.min(2, #names) do add(names[i]) end
  if #names > 2 then words[#words + 1] = "…" end
  return table.concat(words, "  ")
end

local commands = {}

function commands.list(store, options)
  local limit = options.limit and number(options.limit, "--limit") or 20
  local found = store:runs { state = options.state, sweep = options.sweep, limit = limit }
  for _, sweep in ipairs(store:sweeps()) do
    print(("sweep %s: %d of %d points done%s%s"):format(sweep.name, sweep.done, sweep.points,
      sweep.failed > 0 and (", %d failed"):format(sweep.failed) or "",
      sweep.running > 0 and (", %d at work"):format(sweep.running) or ""))
  end
  if #found == 0 then return print "no runs" end
  local rows = { { "id", "state", "began", "took", "script", "step", "loss", "last" } }
  for _, run in ipairs(found) do
    rows[#rows + 1] = {
      run.id, run.state, os.date("%Y-%m-%d %H:%M", run.started // 1),
      duration(run.ended - run.started), (run.script or "-"):match "[^/]*$", run.step or "-",
      sparkline(store:samples(run.id, "loss", 16)), last_of(run),
    }
  end
  print(table.concat(columns(rows, function(i) return i == 1 or i == 4 or i == 6 end), "\n"))
end

function commands.show(store, _, words)
  local run = find(store, words[2])
  local rows = {}
  for _, name in ipairs {
    "id", "state", "script", "command", "host", "version", "folder", "sweep", "position",
  } do
    if run[name] then rows[#rows + 1] = { name, run[name] } end
  end
  rows[#rows + 1] = { "began", os.date("%Y-%m-%d %H:%M:%S", run.started // 1) }
  rows[#rows + 1] = { "took", duration(run.ended - run.started) }
  rows[#rows + 1] = { "step", run.step or "-" }
  for _, setting in ipairs(difference.flat(run.settings)) do
    rows[#rows + 1] = { setting.name, setting.text }
  end
  for _, metric in ipairs(difference.flat(run.last)) do
    rows[#rows + 1] = {
      metric.name, metric.text .. "  " .. sparkline(store:samples(run.id, metric.name, 40)),
    }
  end
  for _, file in ipairs(store:artifacts(run.id)) do
    rows[#rows + 1] = { file.kind, ("%s  sha256 %s"):format(file.path, file.hash) }
  end
  print(table.concat(columns(rows, function() return false end), "\n"))
end

function commands.diff(store, _, words)
  local a, b = find(store, words[2]), find(store, words[3])
  local rows = difference.rows(a, b)
  if #rows == 0 then return print(("runs %d and %d are alike"):format(a.id, b.id)) end
  table.insert(rows, 1, { "", ("run %d"):format(a.id), ("run %d"):format(b.id) })
  print(table.concat(columns(rows, function(i) return i > 1 end), "\n"))
end

function commands.watch(store, _, words)
  local run = find(store, words[2])
  watch(store, run.id, words[3] or "loss")
end

function commands.resume(store, _, words)
  local found = find(store, words[2])
  if not found.folder then
    fail("run %d has no folder, and so no checkpoint (train's option dir gives one)", found.id)
  elseif found.state == "running" then
    fail("run %d is running", found.id)
  end
  local run, reason = stored.stored(found.folder, engine.make(store.path), found.id)
  if not run then fail("%s", reason) end
  local first = run.step
  if run.status == "finished" then fail("run %d is finished, at step %d", found.id, first) end
  local ok, message = pcall(run.resume, run)
  if not ok then fail("%s", message) end
  print(("run %d: %s, from step %d to %d"):format(found.id, run.status, first, run.step))
end

function commands.merge(store, _, words)
  if not words[2] then fail "merge wants the stores to bring in" end
  for i = 2, #words do
    local runs, points = store:merge(words[i])
    print(("%s: %d runs, results of %d points"):format(words[i], runs, points))
  end
end

--- Opens a store; that into which others are merged is made if it is not there.
local function open(path, is_made)
  local ok, store = pcall(is_made and engine.make or mnemo.store, path)
  if not ok then fail("%s", store) end
  return store
end

--- Runs the command.
-- @tparam {string,...} words what was typed after `runs`
return function(words)
  local options, others = parsed(words)
  if options.help then return print(help) end
  local name = others[1] or "list"
  local command = commands[name]
    or fail("'%s' is no command of mnemo runs; there are show, diff, watch, resume and merge", name)
  local path = options.store or os.getenv "MNEMO_STORE" or "runs/store.sqlite"
  command(open(path, name == "merge"), options, others)
end
