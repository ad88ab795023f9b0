--- The documentation: complete, and every example in it runs.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

local entries = mnemo.documentation()
local by_name = {}
for _, entry in ipairs(entries) do by_name[entry.kind .. " " .. entry.name] = entry end

--- Runs a command line and returns what it printed, standard error too, and its status.
local function run(line)
  local pipe = assert(io.popen(line .. " 2>&1"))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  return output, status
end

--- The command that runs this test: the parent of what it starts.
local command = run("readlink /proc/$PPID/exe"):gsub("\n", "")

--- Runs pieces of Lua one after the other, each by itself, in an empty folder.
-- @tparam {table,...} pieces each with `name` and `code`
-- @treturn {string,...} what went wrong, one line for each
local function failures(pieces)
  local folder = run("mktemp -d"):gsub("\n", "")
  local file = assert(io.open(folder .. "/all.lua", "w"))
  -- What they print goes to a function that makes the text and drops it.
  file:write([[
local say = print
local function quiet(...)
  for i = 1, select("#", ...) do tostring((select(i, ...))) end
end
local function try(name, code)
  print = quiet
  local ok, message = pcall(load(code, "=" .. name, "t"))
  if not ok then say("failed: " .. tostring(message)) end
end
mnemo = require "mnemo"
]])
  for _, piece in ipairs(pieces) do
    file:write(("try(%q, %q)\n"):format(piece.name, piece.code))
  end
  file:write("say('done')\n")
  file:close()
  local output = run(("cd '%s' && '%s' all.lua"):format(folder, command))
  run(("rm -r '%s'"):format(folder))
  local found = {}
  for line in output:gmatch("failed: [^\n]*") do found[#found + 1] = line end
  if not output:find("done\n$") then found[#found + 1] = output end
  return found
end

function tests.test_every_example_runs()
  local pieces = {}
  for _, entry in ipairs(entries) do
    if entry.example then pieces[#pieces + 1] = { name = entry.name, code = entry.example } end
  end
  luaunit.assertTrue(#pieces > 100, #pieces)
  luaunit.assertEquals(failures(pieces), {})
end

function tests.test_every_public_function_is_documented()
  local function check(name, value)
    if type(value) == "function" then
      luaunit.assertNotNil(by_name["function " .. name], name)
    elseif type(value) == "table" and name:match("^[%w_]+$") then
      luaunit.assertNotNil(by_name["table " .. name], name)
      for key, inner in pairs(value) do check(name .. "." .. key, inner) end
    end
  end
  for _, name in ipairs { "probes", "plot", "arguments", "runs" } do check(name, mnemo[name]) end
  for name, value in pairs(mnemo) do check(name, value) end
end

function tests.test_every_declaration_says_what_it_is()
  for _, entry in ipairs(entries) do
    luaunit.assertNotEquals(entry.summary, "", entry.name)
    if entry.kind == "function" or entry.kind == "method" then
      luaunit.assertNotNil(entry.example, entry.name)
      luaunit.assertStrContains(entry.signature, entry.name)
    end
    local lists = { entry.options or {}, entry.parameters or {}, entry.fields or {} }
    for _, list in ipairs(lists) do
      for _, item in ipairs(list) do
        luaunit.assertTrue(item.doc == "" or item.doc:find("[.!?]$") ~= nil, item.doc)
      end
    end
  end
end

function tests.test_help_begins_with_the_signature()
  local function first_line(argument)
    return run(("'%s' -e 'mnemo.help(%s)'"):format(command, argument)):match("[^\n]*")
  end
  luaunit.assertStrMatches(first_line "mnemo.data.bigram", "data%.bigram{.*} → Task")
  luaunit.assertEquals(first_line '"data.bigram"', first_line "mnemo.data.bigram")
  luaunit.assertEquals(first_line "mnemo.probes.recall",
    "probes.recall(W, U, V[, weights]) → number")
  luaunit.assertEquals(first_line '"probes.recall"', first_line "mnemo.probes.recall")
  luaunit.assertEquals(first_line "mnemo.plot.lines { y = { 1 } }.save",
    "Figure:save(path) → Figure")
  luaunit.assertEquals(first_line '"Tensor:sum"', "Tensor:sum([d[, keepdim]]) → Tensor")
  luaunit.assertEquals(first_line "mnemo.zeros(1).sum", first_line '"Tensor:sum"')
end

function tests.test_help_on_tables_and_topics()
  local topic = run(("'%s' help probes"):format(command))
  luaunit.assertStrContains(topic, "probes.recall(W, U, V[, weights]) → number  Tells how much")
  luaunit.assertEquals(run(("'%s' -e 'mnemo.help(mnemo.probes)'"):format(command)), topic)
  luaunit.assertStrContains(run(("'%s' -e 'mnemo.help(mnemo)'"):format(command)), "\nplot.lines{")
  luaunit.assertEquals(run(("'%s' help mnemo.probes"):format(command)), topic)
end

function tests.test_help_knows_every_heading_of_the_manual()
  local manual = assert(io.open "docs/api.md")
  local topics = {}
  for line in manual:lines() do
    local heading = line:match "^##+ (%S+)$"
    if heading then
      topics[#topics + 1] = heading
      topics[#topics + 1] = heading:match "^mnemo%.(.*)"
    end
  end
  manual:close()
  luaunit.assertTrue(#topics > 300, #topics)
  local output, status = run(("'%s' help '%s'"):format(command, table.concat(topics, "' '")))
  luaunit.assertEquals(status, 0, output)
  luaunit.assertEquals(run(("'%s' -e 'mnemo.help \"mnemo.train\"'"):format(command)),
    run(("'%s' help train"):format(command)))
end

function tests.test_help_suggests_what_was_meant()
  for topic, hint in pairs {
    ["probes.recal"] = "did you mean 'probes.recall'?",
    ["mnemo.plot.line"] = "did you mean 'plot.lines'?",
    transformer = "did you mean 'model.transformer'?",
    sum = "did you mean 'Tensor:sum' or 'IntTensor:sum'?",
    lr = "an option of 'optim.sgd', 'optim.adamw', 'optim.adam', 'optim.sign_sgd'",
    batch = "'Task:batch'",
    nothing_of_ours = "is called 'nothing_of_ours'\n",
  } do
    local output, status = run(("'%s' help %s"):format(command, topic))
    luaunit.assertEquals(status, 1)
    luaunit.assertStrContains(output, hint)
  end
end

function tests.test_help_on_a_function_of_a_script()
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write [[
--- Halves a number.
-- @tparam number x what is halved
-- @tparam[opt=2] integer options.by the divisor
-- @treturn number the half
-- @usage print(halved(3))
local function halved(x, options) return x / (options and options.by or 2) end
mnemo.help(halved)
print(pcall(mnemo.help, function() end))
]]
  file:close()
  local output = run(("'%s' %s"):format(command, name))
  os.remove(name)
  luaunit.assertEquals(output, [[
halved(x[, {by=…}]) → number
  Halves a number.
  parameters:
    x  number. What is halved.
  options:
    by  integer, default 2. The divisor.
  returns:
    number. The half.
  example:
    print(halved(3))
false	help: there is no documentation for this function
]])
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "documentation", tests } })
