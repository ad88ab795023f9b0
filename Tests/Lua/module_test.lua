--- The tables of the module: what they hold, and what is said about other names.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

--- The message of an error that names this file and the line of the call.
local function message(f)
  local line = debug.getinfo(f, "S").linedefined
  local done, found = pcall(f)
  luaunit.assertFalse(done)
  local start, rest = found:match("^[^:]*module_test%.lua:(%d+): (.*)$")
  luaunit.assertEquals(tonumber(start), line, found)
  return rest
end

function tests.test_unknown_names_are_errors()
  for expected, f in pairs {
    ["mnemo has no 'trian'; did you mean 'train'?"] = function() return mnemo.trian end,
    ["mnemo has no 'prbes'; did you mean 'probes'?"] = function() return mnemo.prbes end,
    ["mnemo has no 'xyzzy'"] = function() return mnemo.xyzzy end,
    ["mnemo has no '../mnemo/plot'"] = function() return mnemo["../mnemo/plot"] end,
    ["mnemo.optim has no 'adam'; did you mean 'adamw'?"] = function() mnemo.optim.adam {} end,
    ["mnemo.plot has no 'line'; did you mean 'lines'?"] = function() mnemo.plot.line {} end,
    ["mnemo.probes has no 'head_score'; did you mean 'head_scores'?"] =
      function() return mnemo.probes.head_score end,
    ["mnemo.model has no 'simplifed'; did you mean 'simplified'?"] =
      function() mnemo.model.simplifed { vocab = 3 } end,
    ["mnemo.runs has no 'lost'; did you mean 'last'?"] =
      function() return require("mnemo.runs").lost end,
    ["mnemo.arguments has no 'pars'; did you mean 'parse'?"] =
      function() return mnemo.arguments.pars end,
  } do
    luaunit.assertEquals(message(f), expected)
  end
end

function tests.test_the_tables_are_tables()
  luaunit.assertNil(rawget(mnemo.optim, "adam"))
  luaunit.assertNil(mnemo[1])
  luaunit.assertNil(mnemo.optim[1])
  local names = {}
  for name in pairs(mnemo.optim) do names[#names + 1] = name end
  table.sort(names)
  luaunit.assertEquals(names, { "adamw", "sgd" })
  -- A script may add what it likes.
  mnemo.optim.mine = 3
  luaunit.assertEquals(mnemo.optim.mine, 3)
  mnemo.optim.mine = nil
  luaunit.assertEquals(message(function() return mnemo.optim.mine end),
    "mnemo.optim has no 'mine'")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "module", tests } })
