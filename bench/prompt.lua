--- How long mnemo takes from start to its first prompt, and from Ctrl-C to the next one.
--
-- Each is seen on a pseudo-terminal that script(1) makes; its own start is part of the first time
-- and is told beside it. The goal is 30 ms to the first prompt.
--
-- usage: mnemo bench/prompt.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "Start and interrupts of the prompt, one line of JSON for each.",
  { "command", ".build/release/mnemo", "path of the command", placeholder = "PATH" },
  { "only", type = "string", nil, "one part", choices = { "start", "interrupt" } },
  { "starts", 20, "starts to time", min = 1 },
}

--- Prints the line of one kind of wait.
-- @tparam {any,...} more further fields, as `measure.print` takes them
local function report(name, times, more)
  local median, least = measure.median_and_least(times)
  local fields = {
    "bench", "prompt", "wait", name, "median_s", median, "least_s", least,
    "most_s", math.max(table.unpack(times)), "n", #times,
  }
  measure.print(table.move(more or {}, 1, #(more or {}), #fields + 1, fields))
end

--- Reads what a terminal shows until a text appears.
local function read_until(pipe, text)
  local seen = ""
  while not seen:find(text, 1, true) do
    local c = pipe:read(1)
    if not c then error("it ended; last was " .. seen:sub(-200)) end
    seen = seen .. c
  end
end

--- Times a command on a pseudo-terminal from its start until a text appears, several times.
local function times_to_text(line, text)
  local times = {}
  for i = 1, options.starts do
    local before = mnemo.clock()
    local pipe = assert(io.popen(("sleep 0.3 | TERM=xterm script -qc %q /dev/null"):format(line)))
    read_until(pipe, text)
    times[i] = mnemo.clock() - before
    pipe:close()
  end
  return times
end

if options.only ~= "interrupt" then
  local script = measure.median_and_least(times_to_text("echo ready", "ready"))
  report("start to first prompt, with script(1)",
    times_to_text(options.command .. " --quiet --no-color", "mnemo> "), { "script_s", script })
end

--- Runs a line, sends SIGINT after half a second, and times the way back to the prompt.
local function interrupt(name, setup, line)
  local times = {}
  for i = 1, 5 do
    local pid = os.tmpname()
    local pipe = assert(io.popen(("(sleep 0.5; printf '%%s\\r' '%s; io.write(\"rea\", \"dy\\n\")'; "
      .. "sleep 3; printf '%%s\r' 'io.open(\"%s\", \"w\"):write(\"\"); "
      .. "io.write(\"sta\", \"rted\\n\"); "
      .. "io.flush(); %s'; sleep 1; printf '\\003'; sleep 2) "
      .. "| TERM=xterm script -qc '%s --quiet --no-color' /dev/null"):format(setup, pid, line,
      options.command)))
    read_until(pipe, "ready")
    read_until(pipe, "started")
    read_until(pipe, "^C")
    local before = mnemo.clock()
    read_until(pipe, "mnemo> ")
    times[i] = mnemo.clock() - before
    pipe:close()
    os.remove(pid)
  end
  report("Ctrl-C: " .. name, times)
end

if options.only ~= "start" then
  interrupt("an endless loop", "x = 1", "while true do end")
  interrupt("a product of 12000 x 12000 matrices", "a = mnemo.rand(12000, 12000)",
    "b = a:matmul(a)")
  interrupt("singular values of 3000 x 3000", "a = mnemo.rand(3000, 3000)",
    "u = mnemo.linalg.svd(a)")
  interrupt("one line of 5e7 numbers sorted", "v = mnemo.rand(50000000)",
    "while true do v:sort() end")
  local saved = os.tmpname()
  interrupt("200 MB written", "v = mnemo.zeros(50000000)",
    ("while true do v:save(\"%s.npy\") end"):format(saved))
  os.remove(saved)
  os.remove(saved .. ".npy")
  interrupt("training, steps of some seconds",
    "t = mnemo.data.bigram{seq_len = 256, seed = 1}; "
      .. "m = mnemo.model.simplified{vocab = 65, dim = 256, max_len = 256}",
    "r = mnemo.train{model = m, data = t, steps = 100, batch_size = 512, "
      .. "optimizer = mnemo.optim.sgd{lr = 0.1}, progress = false}")
end
