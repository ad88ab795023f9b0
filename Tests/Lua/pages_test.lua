--- Pages of experiments: which numbers their commands printed, and whether they still do.
local luaunit = require "luaunit"
local page_numbers = dofile "tools/page_numbers.lua"

local tests = {}

local page = [[
Run it:

```sh
mnemo one.lua           # what is shown here
mnemo one.lua --quick   # a first look
```

It printed

```text
  step   loss
     0  4.437
   100  1.034

d =  32: costs 55.7 ± 2.4 points.
The cost falls with the width.
```

and then

```sh
mnemo two.lua \
  --seeds 3
```

```text
accuracy .99, -0.25 left
```
]]

function tests.test_commands_and_their_lines()
  local shown = page_numbers.shown(page)
  luaunit.assertEquals(#shown, 2)
  luaunit.assertEquals(shown[1].command, "mnemo one.lua")
  luaunit.assertEquals(#shown[1].lines, 5)
  luaunit.assertEquals(shown[2].command, "mnemo two.lua --seeds 3")
  luaunit.assertEquals(shown[2].lines, { "accuracy .99, -0.25 left" })
end

local printed = [[
  step   loss
     0  4.436
    50  2.000
   100  1.035

d =  32: costs 53.1 ± 1.0 points.
The cost falls with the width.
]]

function tests.test_numbers_may_be_off_by_their_spread()
  local lines = page_numbers.shown(page)[1].lines
  luaunit.assertEquals(page_numbers.differences(lines, printed), {})
  -- By more than twice 2.4.
  local off = page_numbers.differences(lines, (printed:gsub("53.1", "50.7")))
  luaunit.assertEquals(#off, 1)
  luaunit.assertStrContains(off[1], "55.7")
  luaunit.assertStrContains(off[1], "50.7")
  -- A number without a spread by 5 %, whole numbers likewise.
  luaunit.assertEquals(#page_numbers.differences(lines, (printed:gsub("1.035", "1.100"))), 1)
  luaunit.assertEquals(#page_numbers.differences(lines, (printed:gsub("=  32", "=  64"))), 1)
  luaunit.assertEquals(#page_numbers.differences({ "x -0.25" }, "x 0.25"), 1)
end

function tests.test_words_have_to_be_the_same()
  local lines = page_numbers.shown(page)[1].lines
  local grows = page_numbers.differences(lines, (printed:gsub("falls", "grows")))
  luaunit.assertEquals(grows, { "not printed: The cost falls with the width." })
  -- A row that is not there, and rows in another order.
  luaunit.assertEquals(#page_numbers.differences(lines, (printed:gsub(" 100 ", " 110 "))), 1)
  luaunit.assertEquals(#page_numbers.differences({ "2 x", "1 x" }, "1 x\n2 x"), 1)
  luaunit.assertEquals(#page_numbers.differences(lines, ""), 5)
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "pages", tests } })
