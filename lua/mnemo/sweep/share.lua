-- Which share of a sweep's points a process has, where several machines have a store each.
local engine = require "mnemo.sweep.engine"
local expect = require "mnemo.text.expect"

local share = {}

-- Words of the command line that change how a sweep is worked on, and not what it measures; those
-- with a value, and switches.
local valued = { ["--task"] = true, ["--tasks"] = true, ["--workers"] = true }
local switches = { ["--force"] = true, ["--overwrite"] = true, ["--retry"] = true }

--- Returns the words after the script's name; those of the sweep apart, by name.
local function words()
  local others, own, i = {}, {}, 1
  local all = rawget(_G, "arg") or {}
  while all[i] do
    local name, value = all[i]:match "^(%-%-%l+)=(.*)$"
    if valued[name] then
      own[name] = value
    elseif valued[all[i]] then
      own[all[i]], i = all[i + 1], i + 1
    elseif not switches[all[i]] then
      others[#others + 1] = all[i]
    end
    i = i + 1
  end
  return others, own
end

--- Returns the script's arguments as JSON, but for those that say who does what.
-- @treturn string
function share.arguments()
  return (engine.json(words(), "arg"))
end

--- Reads a whole number that was typed, or is in the environment.
local function number(text, name)
  local value = math.tointeger(tonumber(text))
  if not value then expect.fail("sweep: %s wants a whole number, got '%s'", name, text) end
  return value
end

--- Returns the share that Slurm gives to a task of an array; nil outside of one.
local function of_slurm()
  local id, count = os.getenv "SLURM_ARRAY_TASK_ID", os.getenv "SLURM_ARRAY_TASK_COUNT"
  if not (id and count) or id == "" then return nil end
  id, count = number(id, "SLURM_ARRAY_TASK_ID"), number(count, "SLURM_ARRAY_TASK_COUNT")
  local first = number(os.getenv "SLURM_ARRAY_TASK_MIN" or "1", "SLURM_ARRAY_TASK_MIN")
  local step = number(os.getenv "SLURM_ARRAY_TASK_STEP" or "1", "SLURM_ARRAY_TASK_STEP")
  local task = (id - first) // math.max(step, 1) + 1
  if task < 1 or task > count then
    expect.fail("sweep: task %d of an array of %d from %d: give the array as a range, "
      .. "such as 1-%d", id, count, first, count)
  end
  return { task = task, tasks = count }
end

--- Returns the share of this process.
-- @tparam table options those of `mnemo.sweep`: task and tasks
-- @treturn table|nil task, from 1, and tasks; nil if it is all
function share.part(options)
  local _, own = words()
  local task = options.task or own["--task"]
  local tasks = options.tasks or own["--tasks"]
  if task == nil and tasks == nil then return of_slurm() end
  if task == nil or tasks == nil then
    expect.fail "sweep: task and tasks belong together: --task 2 --tasks 4"
  end
  task, tasks = number(task, "task"), number(tasks, "tasks")
  if tasks < 1 or task < 1 or task > tasks then
    expect.fail("sweep: task %d of %d (allowed: 1 to the number of tasks)", task, tasks)
  end
  return { task = task, tasks = tasks }
end

--- Returns the store of a share, beside that of the whole.
-- @tparam string path the store of the whole
-- @tparam table part the share
-- @treturn string
function share.path(path, part)
  local stem, ending = path:match "^(.*)(%.[^./]*)$"
  return ("%s.task%d-of-%d%s"):format(stem or path, part.task, part.tasks, ending or "")
end

return share
