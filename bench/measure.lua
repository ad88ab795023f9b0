--- What the measurements share: times, the machine's peak, and lines of JSON.
--
-- Loaded by the scripts beside it: `local measure = dofile((arg[0]:match(".*/") or "") ..
-- "measure.lua")`. Times are seconds of `mnemo.clock`.
local mnemo = require "mnemo"

local measure = {}

--- Returns the seconds that `fn` takes.
function measure.seconds(fn)
  local start = mnemo.clock()
  fn()
  return mnemo.clock() - start
end

--- Calls `fn` for some time; garbage is collected between calls, outside what is measured.
-- @tparam number seconds how long, in all
-- @treturn {number,...} seconds of each call; three or more
function measure.times(seconds, fn)
  local times = {}
  local stop = mnemo.clock() + seconds
  while #times < 3 or mnemo.clock() < stop do
    collectgarbage()
    times[#times + 1] = measure.seconds(fn)
  end
  return times
end

--- Returns the median and the least of a list of numbers.
function measure.median_and_least(numbers)
  local sorted = table.move(numbers, 1, #numbers, 1, {})
  table.sort(sorted)
  local n = #sorted
  return (sorted[(n + 1) // 2] + sorted[n // 2 + 1]) / 2, sorted[1]
end

--- Writes a value as JSON: a text, a whole number, a number to four digits, true or false.
local function json(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if math.type(value) == "float" then
    -- JSON knows no NaN and no infinity.
    return value - value == 0 and ("%.4g"):format(value) or "null"
  end
  return tostring(value)
end

--- Prints one line of JSON, with the kernels that compute at its end, and shows it at once.
-- @tparam {any,...} fields name, value, name, value, …, in the order of the line
function measure.print(fields)
  local parts = {}
  for i = 1, #fields, 2 do
    parts[#parts + 1] = ("%q: %s"):format(fields[i], json(fields[i + 1]))
  end
  parts[#parts + 1] = ('"kernels": %q'):format(mnemo.kernels())
  print("{" .. table.concat(parts, ", ") .. "}")
  io.flush()
end

---- The machine ----

--- Returns a line's number from a file of /proc, or NaN where there is none.
local function from_proc(path, pattern)
  local file = io.open(path)
  if not file then return 0 / 0 end
  local text = file:read("a")
  file:close()
  return tonumber(text:match(pattern)) or 0 / 0
end

--- Returns the most memory this process has had resident so far, in MiB.
function measure.peak_memory()
  return from_proc("/proc/self/status", "VmHWM:%s*(%d+) kB") / 1024
end

--- Returns how many processes wanted a processor in the last minute, this one included.
function measure.load()
  return from_proc("/proc/loadavg", "^(%S+)")
end

--- Returns the most GFLOP/s that as many threads as are set can do, whatever they compute.
function measure.peak()
  return mnemo.peak_flops(0.25) / 1e9
end

--- Returns the slope of a straight line through log y over log x, by least squares.
function measure.exponent(x, y)
  local n, sx, sy, sxx, sxy = #x, 0, 0, 0, 0
  for i = 1, n do
    local u, v = math.log(x[i]), math.log(y[i])
    sx, sy, sxx, sxy = sx + u, sy + v, sxx + u * u, sxy + u * v
  end
  return (n * sxy - sx * sy) / (n * sxx - sx * sx)
end

return measure
