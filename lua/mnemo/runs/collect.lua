-- One table of many runs, from a store or from folders.
local engine = require "mnemo.sweep.engine"
local expect = require "mnemo.text.expect"
local nearest = require "mnemo.text.nearest"

local runs = {}

local nan = math.abs(0 / 0)
local facts = { "id", "state", "script", "folder", "sweep", "position", "step", "started", "ended" }

--- Reads a file; nil if it is not there.
local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

--- Returns what a folder's files say of its run.
local function run_of(folder)
  local history = read(folder .. "/history.jsonl")
    or expect.fail("runs.collect: '%s' has no history.jsonl", folder)
  local last = {}
  for line in history:gmatch "[^\n]+" do
    for name, value in pairs(engine.decode(line) or {}) do last[name] = value end
  end
  local written = engine.decode(read(folder .. "/run.json") or "{}") or {}
  local step = last.step
  last.step = nil
  return {
    folder = folder, state = written.state, step = step, settings = written.settings or {},
    last = last,
  }
end

--- Returns the runs of what was given: a store, its path, or a list of folders.
local function runs_of(from)
  local kind = expect.kind(from)
  if kind == "Store" then return from:runs() end
  if kind == "string" then return expect.relayed(require "mnemo".store, from):runs() end
  if kind ~= "table" then
    expect.refuse(1, "runs.collect", ("Store, path of one or list of folders expected, got %s")
      :format(kind))
  end
  local all = {}
  for i, folder in ipairs(from) do
    if type(folder) ~= "string" then
      expect.refuse(1, "runs.collect", ("[%d]: folder expected, got %s"):format(i,
        expect.kind(folder)))
    end
    all[i] = run_of(folder)
  end
  return all
end

--- Returns a setting by its path or, where one part alone has it, by its name.
local function setting(settings, name)
  local part, key = name:match "^([^.]+)%.(.+)$"
  if part and type(settings[part]) == "table" then return settings[part][key] end
  local parts = {}
  for of, options in pairs(settings) do
    if type(options) == "table" and options[name] ~= nil then parts[#parts + 1] = of end
  end
  table.sort(parts)
  if #parts > 1 then
    expect.fail("runs.collect: both %s.%s and %s.%s are settings; name one of them", parts[1],
      name, parts[2], name)
  end
  return parts[1] and settings[parts[1]][name]
end

--- Returns a column's value for a run: what is known of it, a setting, or a last metric.
local function value_of(run, name)
  for _, fact in ipairs(facts) do
    if name == fact then return run[name] end
  end
  local metric = name:match "^last%.(.+)$"
  if metric then return run.last[metric] end
  local value = setting(run.settings, name)
  if value == nil then value = run.last[name] end
  return value
end

--- Lists the columns that runs have, for a message.
local function known(all)
  local names, is_known = {}, {}
  local function add(name)
    if not is_known[name] then names[#names + 1], is_known[name] = name, true end
  end
  for _, run in ipairs(all) do
    for name in pairs(run.last) do add(name) end
    for part, options in pairs(run.settings) do
      for name in pairs(type(options) == "table" and options or {}) do add(part .. "." .. name) end
    end
  end
  for _, fact in ipairs(facts) do add(fact) end
  table.sort(names)
  return names
end

--- Makes one table of many runs: a list for each column, with a value for each run, as
-- `mnemo.plot` takes them. A column is a setting (`optimizer.lr`, or `lr` where one part alone has
-- it), a metric, which gives what it was last (`last.lr` where a setting has the name), or one of
-- id, state, script, folder, sweep, position, step, started and ended. A run without it has NaN.
-- @tparam Store|string|table from a store, its path, or a list of folders of results
-- @tparam {string,...} names the columns
-- @treturn table name to a list of values
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- for _, lr in ipairs { 0.1, 0.2 } do
--   mnemo.train {
--     model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1 },
--     data = task, steps = 3, batch_size = 4, optimizer = mnemo.optim.sgd { lr = lr },
--     store = "rates.sqlite", progress = false,
--   }
-- end
-- local columns = mnemo.runs.collect("rates.sqlite", { "lr", "loss" })
-- print(#columns.lr, columns.lr[2])
function runs.collect(from, names)
  local all = runs_of(from)
  expect.argument(2, "runs.collect", names, "table")
  local columns = {}
  for i, name in ipairs(names) do
    if type(name) ~= "string" then
      expect.refuse(2, "runs.collect", ("[%d]: string expected, got %s"):format(i,
        expect.kind(name)))
    end
    local values, is_found = {}, #all == 0
    for place, run in ipairs(all) do
      local value = value_of(run, name)
      is_found = is_found or value ~= nil
      values[place] = value == nil and nan or value
    end
    if not is_found then
      expect.refuse(2, "runs.collect", nearest.message(name, known(all), "column"))
    end
    columns[name] = values
  end
  return columns
end

return runs
