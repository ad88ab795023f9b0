--- The library in Debian's lua5.4: found by the paths that README gives, and a good guest.
local globals = {}
for name in pairs(_G) do globals[name] = true end
local path = package.path
local mnemo = require "mnemo"
local path_after = package.path
local strangers = {}
for name in pairs(_G) do
  if not globals[name] then strangers[#strangers + 1] = name end
end

local luaunit = require "luaunit"

local tests = {}

--- Runs a script in a lua5.4 of its own.
-- @tparam string text the script
-- @treturn string what it printed, standard error too
-- @treturn integer its exit status
local function run(text)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
  local pipe = assert(io.popen("lua5.4 " .. name .. " 2>&1"))
  local output = pipe:read("a"):gsub(name, "script.lua")
  local _, how, status = pipe:close()
  os.remove(name)
  luaunit.assertEquals(how, "exit", output)
  return output, status
end

function tests.test_is_a_good_guest()
  luaunit.assertEquals(strangers, {})
  luaunit.assertEquals(path_after, path)
  luaunit.assertIsNil(rawget(_G, "mnemo"))
end

function tests.test_line_of_the_readme()
  local pipe = assert(io.popen([[lua5.4 -e 'local m = require "mnemo"; print(m.randn(2,3))']]))
  local output = pipe:read("a")
  luaunit.assertTrue(pipe:close())
  luaunit.assertStrContains(output, "Tensor [2, 3]\n")
end

function tests.test_finds_its_lua_files()
  for _, name in ipairs { "probes", "plot", "arguments", "runs" } do
    luaunit.assertIsTable(mnemo[name], name)
    luaunit.assertEquals(require("mnemo." .. name), mnemo[name])
  end
end

function tests.test_finds_its_lua_files_without_a_path()
  local output, status = run [[
    package.path = ""
    print(type(require("mnemo").probes.recall))]]
  luaunit.assertEquals({ output, status }, { "function\n", 0 })
end

function tests.test_takes_other_modules_from_the_path()
  local found, message = pcall(require, "mnemo.missing")
  luaunit.assertFalse(found)
  luaunit.assertStrContains(message, "module 'mnemo.missing' not found")
  luaunit.assertStrContains(message, "no file './mnemo/missing.lua'")
end

function tests.test_is_the_same_module_when_required_again()
  package.loaded.mnemo = nil
  luaunit.assertIs(require "mnemo", mnemo)
end

function tests.test_required_by_a_coroutine()
  local output, status = run [[
    local mnemo = coroutine.wrap(function() return require "mnemo" end)()
    collectgarbage()
    collectgarbage()
    local inner = coroutine.wrap(function()
      return mnemo.no_grad(function() return mnemo.ones(3):sum():item() end)
    end)
    print(mnemo.ones(2):sum():item(), inner(), type(mnemo.plot.lines))]]
  luaunit.assertEquals({ output, status }, { "2.0\t3.0\tfunction\n", 0 })
end

function tests.test_errors_carry_the_line()
  local output, status = run [[
    local mnemo = require "mnemo"
    mnemo.zeros("two")]]
  luaunit.assertEquals(status, 1)
  luaunit.assertStrContains(output, "script.lua:2: bad argument #1 to 'zeros'")
  luaunit.assertStrContains(output, "stack traceback:")
end

function tests.test_trains_with_probes_and_names_them_in_errors()
  local output, status = run [[
    local mnemo = require "mnemo"
    local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
    local model = mnemo.model.simplified { vocab = 65, dim = 16, max_len = 16, seed = 1 }
    local function train(probes)
      return mnemo.train {
        model = model, data = task, steps = 2, batch_size = 2, probes = probes, progress = false,
        optimizer = mnemo.optim.sgd { lr = 0.1 },
      }
    end
    print(#train(mnemo.probes.induction(task)):series "wk1")
    train { broken = function() error("no such matrix") end }]]
  luaunit.assertEquals(status, 1)
  luaunit.assertStrMatches(output:match("[^\n]*"), "%d+", 1, 1)
  luaunit.assertStrContains(output, "probe 'broken': script.lua:11: no such matrix")
end

function tests.test_a_wrong_backend_is_an_error()
  local pipe = assert(io.popen(
    [[MNEMO_BACKEND=/nope.so lua5.4 -e 'print(pcall(require, "mnemo"))']]))
  local output = pipe:read("a")
  luaunit.assertTrue(pipe:close())
  luaunit.assertStrContains(output, 'false\tmnemo: MNEMO_BACKEND: "/nope.so" cannot be loaded: ')
end

function tests.test_garbage_tensors_are_collected()
  local before = collectgarbage("count")
  for _ = 1, 2000 do mnemo.zeros(500, 500) end
  luaunit.assertTrue(collectgarbage("count") < before + 2000)
  for line in io.lines("/proc/self/status") do
    local peak = line:match("VmHWM:%s*(%d+) kB")
    -- Two thousand tensors of a megabyte each.
    if peak then luaunit.assertTrue(tonumber(peak) < 500000, peak) end
  end
end

function tests.test_leaves_as_told()
  local start = "local mnemo = require 'mnemo'; kept = mnemo.randn(9, 9):matmul(mnemo.eye(9));"
  for code, expected in pairs {
    ["os.exit(3)"] = 3, ["os.exit(4, true)"] = 4, ["os.exit(true)"] = 0, [""] = 0,
    ["mnemo.no_grad(function() os.exit(5) end)"] = 5,
    ["mnemo.no_grad(function() os.exit(6, true) end)"] = 6,
    ["coroutine.wrap(function() os.exit(7, true) end)()"] = 7,
  } do
    local output, status = run(start .. code)
    luaunit.assertEquals({ output, status }, { "", expected }, code)
  end
end

function tests.test_finalizers_at_the_end()
  local output, status = run [[
    local function finalizer(text)
      return setmetatable({}, { __gc = function()
        print(text, pcall(function() return kept:sum():item() end))
      end })
    end
    early = finalizer "early"
    kept = require("mnemo").ones(3)
    late = finalizer "late"]]
  luaunit.assertEquals(status, 0)
  luaunit.assertStrContains(output, "late\ttrue\t3.0")
  luaunit.assertStrContains(output, "early\tfalse")
end

function tests.test_interrupts_are_those_of_lua()
  -- Each comes at another place, now and then between making an object and handing it over.
  for try = 1, 12 do
    local output, status = run([[
      local mnemo = require "mnemo"
      local killer = io.popen("sleep 0.0]] .. 50 + try .. [[; kill -INT $PPID")
      while io.type(killer) do mnemo.ones(2):sum():item() end]])
    luaunit.assertEquals(status, 1)
    luaunit.assertStrContains(output, "interrupted!")
  end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "library", tests } })
