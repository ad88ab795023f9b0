--- The verdict of examples/trained_matrix.lua: it says what was measured, and nothing where nothing
-- was learned.
local luaunit = require "luaunit"

local tests = {}

--- Runs a command line and returns what it printed, standard error too, and its status.
local function run(line)
  local pipe = assert(io.popen(line .. " 2>&1"))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  return output, status
end

--- The command that runs this test: the parent of what it starts.
local command = run("readlink /proc/$PPID/exe"):gsub("\n", "")
local example = arg[0]:gsub("Tests/Lua/[^/]*$", "examples/trained_matrix.lua")

--- Returns what the script prints with some options.
local function printed(options)
  local folder = run("mktemp -d"):gsub("\n", "")
  local output, status = run(("'%s' '%s' --quick %s --out '%s/out'"):format(command, example,
    options, folder))
  run(("rm -r '%s'"):format(folder))
  luaunit.assertEquals(status, 0, output)
  luaunit.assertNotStrContains(output, "-nan")
  return output
end

function tests.test_nothing_is_said_where_nothing_was_learned()
  for _, options in ipairs {
    "--lr 0 --steps 20", "--steps 5", "--batch 2 --steps 60", "--dim 2 --steps 5",
  } do
    local output = printed(options)
    luaunit.assertStrContains(output, "\nNothing can be said about what training stores")
    luaunit.assertNotStrContains(output, "outer products hold")
    luaunit.assertNotStrContains(output, "order")
  end
end

function tests.test_what_was_learned_is_said()
  local output = printed "--steps 120"
  luaunit.assertNotStrContains(output, "Nothing can be said")
  luaunit.assertStrContains(output, "\nOutside of the span of its outputs W_O¹ is α₀ W₀: ")
  for _, name in ipairs { "W_O¹", "W_K¹", "W_K⁰" } do
    luaunit.assertStrMatches(output, ".*\n" .. name .. ": outer products hold [%d.]+ %% of .*")
  end
end

-- One seed has no spread that a difference could be held against.
function tests.test_one_seed_tells_no_difference()
  local output = printed "--steps 120 --seeds 1"
  luaunit.assertStrContains(output, "more than by chance or not, 1 seed(s) do not tell")
  luaunit.assertStrContains(output, "that they do so in this order, 1 seed(s) do not tell")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "trained matrix", tests } })
