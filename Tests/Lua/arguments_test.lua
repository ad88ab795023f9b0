--- Options of scripts: values, messages, help.
local luaunit = require "luaunit"
local arguments = require "mnemo.arguments"
local nearest = require "mnemo.text.nearest"

local tests = {}

local spec = {
  about = "A script.",
  quick = { steps = 10 },
  full = { steps = 1000, lr = 0.5 },
  { "steps", 400, "training steps", min = 1 },
  { "lr", 0.1, "learning rate" },
  { "loss_on", "all", "positions in the loss", choices = { "all", "repeats" } },
  { "share", 0.5, "a share", min = 0.0, max = 1.0 },
  { "verbose", false, "print more" },
  { "seed", nil, "seed", type = "integer" },
  { "out", "runs/x", "folder", placeholder = "DIR" },
}

--- Parses words written in one text.
local function parse(text)
  local words = {}
  for word in text:gmatch("%S+") do words[#words + 1] = word end
  return arguments.parse(spec, words)
end

--- Asserts that a command line is refused with exactly this message.
local function assert_refused(text, message)
  local ok, found = pcall(parse, text)
  luaunit.assertFalse(ok, text)
  luaunit.assertEquals(tostring(found), message)
end

function tests.test_options_of_sweeps()
  local with_sweep = { sweep = true, { "steps", 400, "training steps" } }
  luaunit.assertEquals(arguments.parse(with_sweep, {}),
    { steps = 400, workers = 1, retry = false, force = false })
  luaunit.assertEquals(arguments.parse(with_sweep, { "--task", "2", "--tasks=4", "--retry" }),
    { steps = 400, workers = 1, retry = true, force = false, task = 2, tasks = 4 })
  luaunit.assertStrContains(arguments.help(with_sweep, "x.lua"), "--tasks N")
  local ok, message = pcall(arguments.parse, with_sweep, { "--workers", "0" })
  luaunit.assertFalse(ok)
  luaunit.assertEquals(tostring(message), "--workers wants at least 1, got 0")
end

function tests.test_defaults()
  luaunit.assertEquals(parse "", {
    quick = false, full = false, steps = 400, lr = 0.1, loss_on = "all", share = 0.5,
    verbose = false, out = "runs/x",
  })
end

function tests.test_both_spellings_of_a_value()
  luaunit.assertEquals(parse("--steps 7").steps, 7)
  luaunit.assertEquals(parse("--steps=7").steps, 7)
  luaunit.assertEquals(parse("--steps 1e3").steps, 1000)
  luaunit.assertEquals(parse("--out=a=b").out, "a=b")
  luaunit.assertEquals(parse("--out=").out, "")
  luaunit.assertEquals(parse("--lr -1").lr, -1)
end

function tests.test_hyphen_and_underscore_are_the_same()
  luaunit.assertEquals(parse("--loss-on repeats").loss_on, "repeats")
  luaunit.assertEquals(parse("--loss_on repeats").loss_on, "repeats")
end

function tests.test_folder_is_made_or_refused()
  local path = os.tmpname()
  local declaration = { { "out", path .. "-made", "results", type = "folder" } }
  local made = arguments.parse(declaration, {}).out
  luaunit.assertEquals(made, path .. "-made")
  local file = assert(io.open(made .. "/file", "w"))
  file:close()
  local ok, message = pcall(arguments.parse, declaration, { "--out", path })
  luaunit.assertFalse(ok)
  luaunit.assertEquals(tostring(message),
    ("--out: results folder: '%s' cannot be written: Not a directory"):format(path))
  luaunit.assertStrContains(arguments.help(declaration), "--out DIR")
  os.remove(made .. "/file")
  os.remove(made)
  os.remove(path)
end

function tests.test_folders_that_hold_runs()
  local path = os.tmpname()
  os.remove(path)
  local below = path .. "/trained/seed_1"
  local history = below .. "/history.jsonl"
  local declaration = { { "out", path, "results", type = "folder" } }
  --- Reads words, with a table for the options or the message.
  local function read(...)
    local ok, result = pcall(arguments.parse, declaration, { ... })
    return ok, ok and result.overwrite or not ok and tostring(result)
  end
  luaunit.assertEquals({ read("--out", path) }, { true, false })
  mnemo.make_folder(below)
  local file = assert(io.open(history, "w"))
  file:write('{"step":0,"loss":1.0}\n{"step":30,"loss":1.0}\n')
  file:close()
  -- The script's own folder is taken again, another one only if that is said.
  luaunit.assertEquals({ read() }, { true, true })
  luaunit.assertEquals({ read("--out", path) }, { false,
    ("--out: '%s' holds a run of 2 records up to step 30; --overwrite replaces it"):format(below) })
  -- Where a sweep has its store, it goes on, or refuses by itself.
  declaration.sweep = true
  luaunit.assertFalse((read("--out", path)))
  luaunit.assertEquals({ read("--out", path, "--task", "1") }, { true, false })
  local store = path .. "/sweep.sqlite"
  assert(io.open(store, "w")):close()
  luaunit.assertEquals({ read("--out", path) }, { true, false })
  os.remove(store)
  declaration.sweep = nil
  luaunit.assertEquals({ read("--overwrite", "--out", path) }, { true, true })
  luaunit.assertStrContains(arguments.help(declaration), "\n  --overwrite  replace runs")
  for _, name in ipairs { history, below, path .. "/trained", path } do os.remove(name) end
  luaunit.assertEquals({ mnemo.make_folder(path) }, { path })
  os.remove(path)
end

function tests.test_option_without_default()
  luaunit.assertNil(parse("").seed)
  luaunit.assertEquals(parse("--seed 3").seed, 3)
end

function tests.test_switch()
  luaunit.assertTrue(parse("--verbose").verbose)
  assert_refused("--verbose=1", "--verbose takes no value")
end

function tests.test_presets()
  local options = parse("--full")
  luaunit.assertTrue(options.full)
  luaunit.assertEquals(options.steps, 1000)
  luaunit.assertEquals(options.lr, 0.5)
  -- What is typed wins, on either side of the preset.
  luaunit.assertEquals(parse("--steps 7 --quick").steps, 7)
  luaunit.assertEquals(parse("--quick --steps 7").steps, 7)
  assert_refused("--quick --full", "--quick and --full exclude each other")
end

function tests.test_messages()
  assert_refused("--stpes 3", "unknown option '--stpes'; did you mean '--steps'?")
  assert_refused("--steps ten", "--steps wants a whole number, got 'ten'")
  assert_refused("--steps 1.5", "--steps wants a whole number, got '1.5'")
  assert_refused("--lr fast", "--lr wants a number, got 'fast'")
  assert_refused("--steps 0", "--steps wants at least 1, got 0")
  assert_refused("--share 2", "--share wants 0.0 to 1.0, got 2")
  assert_refused("--loss-on some", "--loss-on wants one of all, repeats, got 'some'")
  assert_refused("--seed", "--seed wants a value")
  assert_refused("file", "unexpected argument 'file'; options begin with --")
end

function tests.test_help()
  luaunit.assertNil(parse("--steps 3 --help"))
  luaunit.assertEquals(arguments.help(spec, "script.lua"), [[
A script.

usage: mnemo script.lua [options]
  --quick         a small run: --steps 10
  --full          the paper's size: --lr 0.5 --steps 1000
  --steps N       training steps (400)
  --lr X          learning rate (0.1)
  --loss-on TEXT  positions in the loss: all, repeats (all)
  --share X       a share (0.5)
  --verbose       print more
  --seed N        seed
  --out DIR       folder (runs/x)
  --help          show this]])
end

function tests.test_the_module_is_called()
  luaunit.assertEquals(arguments({ { "n", 1, "count" } }, { "--n", "2" }).n, 2)
end

function tests.test_declarations_are_checked()
  for message, wrong in pairs {
    ["declared twice"] = { { "a", 1, "" }, { "a", 2, "" } },
    ["names its type"] = { { "a", nil, "" } },
    ["did you mean 'choices'"] = { { "a", "b", "", choice = { "b" } } },
    ["'b', which is not declared"] = { quick = { b = 1 }, { "a", 1, "" } },
  } do
    luaunit.assertErrorMsgContains(message, arguments.parse, wrong, {})
  end
end

function tests.test_distance()
  for _, case in ipairs {
    { "", "", 0 }, { "abc", "abc", 0 }, { "", "abc", 3 }, { "abc", "", 3 },
    { "kitten", "sitting", 3 }, { "lables", "labels", 1 }, { "ab", "ba", 1 },
  } do
    luaunit.assertEquals(nearest.distance(case[1], case[2]), case[3], case[1] .. "/" .. case[2])
  end
end

function tests.test_nearest_name()
  local known = { "xlabel", "ylabel", "title" }
  luaunit.assertEquals(nearest.name("xlable", known), "xlabel")
  luaunit.assertEquals(nearest.name("TITLE", known), "title")
  luaunit.assertNil(nearest.name("palette", known))
  -- A very long name is near to none of them, which takes no counting.
  local start = os.clock()
  luaunit.assertNil(nearest.name(("x"):rep(10000000), known))
  luaunit.assertTrue(os.clock() - start < 1)
  luaunit.assertEquals(nearest.message("palette", known, "option"),
    "unknown option 'palette'; allowed are 'xlabel', 'ylabel', 'title'")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "arguments", tests } })
