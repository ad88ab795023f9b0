--- Files of figures: whole or not there, whatever gnuplot does, the disk holds or the user ends.
local luaunit = require "luaunit"

local tests = {}

--- Runs a command line and returns what it printed, standard error too, and its status.
local function run(line)
  local pipe = assert(io.popen(line .. " 2>&1"))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  return (output:gsub("\n$", "")), status
end

local command = run("readlink /proc/$PPID/exe")
local gnuplot = run("command -v gnuplot")
local folder

local function read(name)
  local file = io.open(folder .. "/" .. name, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

local function write(name, text)
  local file = assert(io.open(folder .. "/" .. name, "wb"))
  assert(file:write(text))
  assert(file:close())
end

function tests.setUp()
  folder = run("mktemp -d")
  run(("mkdir '%s/bin' '%s/tmp'"):format(folder, folder))
end

function tests.tearDown() run(("rm -rf '%s'"):format(folder)) end

--- Puts a program in gnuplot's place.
local function pretend(script)
  write("bin/gnuplot", "#!/bin/sh\n" .. script .. "\n")
  run(("chmod +x '%s/bin/gnuplot'"):format(folder))
end

--- The command line of a script in the folder; what stands before it may set variables.
local function line(script, before)
  write("script.lua", script)
  return ("cd '%s' && PATH=\"%s/bin:$PATH\" TMPDIR='%s/tmp' %s '%s' script.lua"):format(folder,
    folder, folder, before or "", command)
end

local function saving(path)
  return ("mnemo.plot.lines { y = { 1, 2 } }:save(%q)"):format(path)
end

--- Waits until something is so; a minute is more than anything here takes.
local function eventually(what, is_so)
  for _ = 1, 600 do
    if is_so() then return end
    os.execute "sleep 0.1"
  end
  luaunit.fail(what .. " never came")
end

local function is_running(pid)
  return select(2, run("kill -0 " .. pid:gsub("%s", ""))) == 0
end

--- The names in the folder, but for the tests' own.
local function names()
  return run(("cd '%s' && ls -A . tmp | grep -v -e script.lua -e '^bin$' -e '^tmp$' -e ':$'"
    .. " -e '^$'"):format(folder))
end

function tests.test_a_failing_gnuplot_leaves_the_picture_of_before()
  for _, script in ipairs { "echo '<?xml'; exit 3", "kill -9 $$" } do
    pretend(script)
    write("a.svg", "the picture of before")
    local output, status = run(line(saving "a.svg"))
    luaunit.assertEquals(status, 1)
    luaunit.assertStrContains(output, "save: gnuplot failed (")
    luaunit.assertStrContains(output, "; the numbers are in a.csv")
    luaunit.assertEquals(read "a.svg", "the picture of before")
    luaunit.assertEquals(names(), "a.csv\na.svg")
  end
end

function tests.test_what_is_not_whole_is_no_picture()
  for _, ending in ipairs { "svg", "png", "pdf" } do
    local name = "a." .. ending
    pretend "cat > /dev/null; echo 'no font' >&2"
    write(name, "before")
    local output, status = run(line(saving(name)))
    luaunit.assertEquals(status, 1)
    luaunit.assertStrContains(output, "save: gnuplot drew nothing: no font; the numbers are in")
    pretend(("'%s' \"$@\" > whole; head -c -20 whole"):format(gnuplot))
    output, status = run(line(saving(name)))
    luaunit.assertEquals(status, 1)
    luaunit.assertStrContains(output, ("gnuplot's %s is not whole"):format(ending:upper()))
    luaunit.assertEquals(read(name), "before")
    -- The same without the cut is a picture.
    pretend(("'%s' \"$@\""):format(gnuplot))
    output, status = run(line(saving(name)))
    luaunit.assertEquals(output, "")
    luaunit.assertEquals(status, 0)
    luaunit.assertTrue(#read(name) > 1000)
  end
end

function tests.test_gnuplot_has_a_time_limit()
  pretend "echo $$ > pid; exec sleep 600"
  for _, call in ipairs { saving "a.svg", "mnemo.plot.lines { y = { 1, 2 } }:show()" } do
    local output, status = run(line(call, "MNEMO_GNUPLOT_SECONDS=0.2"))
    luaunit.assertEquals(status, 1)
    luaunit.assertStrContains(output, "gnuplot took longer than 0.2 seconds and was ended; "
      .. "MNEMO_GNUPLOT_SECONDS sets another limit")
    luaunit.assertFalse(is_running(read "pid"))
  end
  for _, limit in ipairs { "soon", "-1", "0", "inf", "nan" } do
    luaunit.assertStrContains(run(line(saving "a.svg", "MNEMO_GNUPLOT_SECONDS=" .. limit)),
      ("MNEMO_GNUPLOT_SECONDS is '%s'; a number of seconds above 0 is expected"):format(limit))
  end
end

function tests.test_gnuplot_ends_with_mnemo()
  pretend "echo $$ > pid; exec sleep 600"
  for _, signal in ipairs { "INT", "TERM", "KILL" } do
    run(("rm -f '%s/pid'"):format(folder))
    -- A shell's background jobs ignore Ctrl-C, and so does all that they start, but for env's.
    local drawing = line(saving "a.svg"):gsub("'[^']*' script.lua$", "env --default-signal=INT "
      .. "sh -c 'echo $$ > mnemo; exec \"$0\" script.lua' %0")
    os.execute(("(%s) > '%s/output' 2>&1 &"):format(drawing:gsub(" script.lua$", ""), folder))
    eventually("gnuplot", function() return (read "pid" or "") ~= "" end)
    local pid = read "pid":gsub("%s", "")
    luaunit.assertTrue(is_running(pid))
    run(("kill -%s %s"):format(signal, read "mnemo"))
    eventually("the end after SIG" .. signal, function()
      return not is_running(pid) and not is_running(read "mnemo")
    end)
    luaunit.assertNil(read "a.svg")
  end
end

function tests.test_csv_errors_name_the_file()
  run(("mkdir '%s/a.csv'"):format(folder))
  local output, status = run(line(saving "a.svg"))
  luaunit.assertEquals(status, 1)
  luaunit.assertStrContains(output, "save: cannot write a.csv: is a directory")
  luaunit.assertStrContains(run(line(saving "none/a.svg")),
    "save: cannot write none/a.csv: No such file or directory")
end

function tests.test_a_full_disk_keeps_what_was_there()
  local mount = "unshare -rm sh -c 'mount -t tmpfs -o size=64k none disk && exec sh inner'"
  run(("mkdir '%s/disk'"):format(folder))
  write("inner", "true")
  luaunit.skipIf(select(2, run(("cd '%s' && %s"):format(folder, mount))) ~= 0,
    "no file system can be mounted here")
  write("save.lua", [[
    local y = {}
    for i = 1, 300 do y[i] = i % 7 end
    for _, ending in ipairs { "svg", "png", "pdf" } do
      print(pcall(function() mnemo.plot.lines { y = y }:save("disk/a." .. ending) end))
    end
  ]])
  write("inner", ([[
    for f in a.svg a.png a.pdf a.csv; do echo before > disk/$f; done
    cat /dev/zero > disk/filler 2> /dev/null
    '%s' save.lua
    ls -A disk
    cat disk/a.*
    # Room for the numbers, but not for a picture beside them.
    head -c 36864 /dev/zero > disk/filler
    ls -A disk
    '%s' save.lua
    ls -A disk
    cat disk/a.svg
    head -c 6 disk/a.csv
  ]]):format(command, command))
  local output = run(("cd '%s' && %s"):format(folder, mount))
  local files = "a.csv\na.pdf\na.png\na.svg\nfiller\n"
  local failed = ("false%s+[^\n]*cannot write disk/a%.csv: No space left on device\n"):rep(3)
  luaunit.assertStrMatches(output:sub(1, (output:find(files, 1, true) or 0) - 1), failed)
  luaunit.assertStrContains(output, files .. ("before\n"):rep(4) .. files)
  luaunit.assertStrContains(output, "cannot write disk/a.svg: No space left on device; the numbers")
  luaunit.assertStrContains(output, files .. "before\nseries")
end

function tests.test_the_file_of_before_is_replaced_as_it_was()
  write("target.svg", "before")
  run(("cd '%s' && chmod 600 target.svg && ln -s target.svg a.svg && ln -s none.svg b.svg")
    :format(folder))
  luaunit.assertEquals(run(line(saving "a.svg" .. saving "b.svg")), "")
  luaunit.assertEquals(run(("cd '%s' && stat -c '%%A %%N' [ab].svg target.svg none.svg | cut -c 2-")
    :format(folder)), "rwxrwxrwx 'a.svg' -> 'target.svg'\nrwxrwxrwx 'b.svg' -> 'none.svg'\n"
    .. "rw------- 'target.svg'\nrw-r--r-- 'none.svg'")
  luaunit.assertStrContains(read "target.svg", "</svg>")
  run(("chmod 444 '%s/target.svg'"):format(folder))
  write("target.svg.copy", read "target.svg")
  luaunit.assertStrContains(run(line(saving "a.svg")),
    "save: cannot write a.svg: it is write-protected")
  run(("ln -s loop.svg '%s/loop.svg'"):format(folder))
  luaunit.assertStrContains(run(line(saving "loop.svg")), "Too many levels of symbolic links")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "figure files", tests } })
