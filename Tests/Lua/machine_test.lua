--- What the machine is and can do: its kernels and the peak that shares refer to.
local luaunit = require "luaunit"

local tests = {}

function tests.test_kernels_have_a_name()
  luaunit.assertNotNil(({ avx512 = true, avx2 = true, portable = true })[mnemo.kernels()])
end

function tests.test_peak_is_what_a_processor_can_do()
  local peak = mnemo.peak_flops(0)
  -- A loop that the compiler took away would be beyond it.
  luaunit.assertTrue(peak > 1e8 and peak < 1e14, tostring(peak))
end

function tests.test_peak_refuses_other_times()
  for _, seconds in ipairs { -1, 61, 0 / 0, math.huge } do
    luaunit.assertErrorMsgContains("0 to 60 seconds expected, got", mnemo.peak_flops, seconds)
  end
  luaunit.assertErrorMsgContains("number expected, got string", mnemo.peak_flops, "x")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "machine", tests } })
