--- How long mnemo takes from start to its first prompt, and from Ctrl-C to the next one.
--
--     .build/release/mnemo bench/prompt.lua [path of the command]
--
-- Each is seen on a pseudo-terminal that script(1) makes.
local command = arg[1] or ".build/release/mnemo"

local function milliseconds(seconds) return ("%.1f ms"):format(1000 * seconds) end

--- Prints the median and the extremes.
local function report(name, times)
  table.sort(times)
  print(("%-42s median %s, least %s, most %s, n = %d"):format(name,
    milliseconds(times[(#times + 1) // 2]), milliseconds(times[1]), milliseconds(times[#times]),
    #times))
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

local starts = {}
for i = 1, 20 do
  local before = mnemo.clock()
  local pipe = assert(io.popen(
    ("sleep 1 | TERM=xterm script -qc '%s --quiet --no-color' /dev/null"):format(command)))
  read_until(pipe, "mnemo> ")
  starts[i] = mnemo.clock() - before
  pipe:close()
end
report("start to first prompt, with script(1)", starts)

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
      command)))
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

interrupt("an endless loop", "x = 1", "while true do end")
interrupt("a product of 12000 x 12000 matrices", "a = mnemo.rand(12000, 12000)", "b = a:matmul(a)")
interrupt("training, steps of some seconds",
  "t = mnemo.data.bigram{seq_len = 256, seed = 1}; "
    .. "m = mnemo.model.simplified{vocab = 65, dim = 256, max_len = 256}",
  "r = mnemo.train{model = m, data = t, steps = 100, batch_size = 512, "
    .. "optimizer = mnemo.optim.sgd{lr = 0.1}, progress = false}")
