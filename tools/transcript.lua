--- Records docs/repl.md: the tour, as the prompt runs it.
--
--     .build/release/mnemo tools/transcript.lua [path of the command]
local command = arg[1] or ".build/release/mnemo"

local heading = [[
# The prompt

`mnemo` on a terminal opens a prompt. What follows is `:tour`, recorded by running it
(`make transcript`); on a terminal there are colours as well. `?` at the prompt lists the keys and
commands:

```text
%s```

## The tour

```text
%s```
]]

--- Runs the command on typed lines and returns what it prints.
local function session(lines)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
  local pipe = assert(io.popen(
    ("XDG_CONFIG_HOME=/nonexistent '%s' --quiet -i < '%s' 2>&1"):format(command, path)))
  local text = pipe:read "a"
  assert(pipe:close())
  os.remove(path)
  return text
end

local guide = session { "?" }:gsub("^mnemo> ", ""):gsub("mnemo> %s*$", "")
local lines = { ":tour" }
for _ = 1, #require "mnemo.guide" do lines[#lines + 1] = "" end
lines[#lines + 1] = ":quit"
lines[#lines + 1] = ":quit"
local tour = session(lines):gsub("^mnemo> ", "mnemo> :tour\n"):gsub("mnemo> mnemo:.*$", "")
-- Times differ from machine to machine.
tour = tour:gsub("\n%(%d+%.%d+ m?s%)", "")

local out = assert(io.open("docs/repl.md", "w"))
out:write((heading:format(guide, tour):gsub(" +\n", "\n")))
out:close()
print("docs/repl.md")
