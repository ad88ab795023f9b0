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

## What is shown and saved

Tensors print with four digits behind the point. Very large or small numbers share a power of ten
(`× 1e-5`); one that would look like zero is written as `1e-05`, and if the shared power would hide
some, each has its own. `mnemo.print_options` sets the digits, how much of a large tensor is shown
and how wide a line is. A table shows 24 fields and names the rest; what `model:trace` kept comes in
the order of the forward pass.

`:save` writes a script that runs: all that was typed and worked, the files that were loaded, and
statements of which only the last failed. A result has a name in it where later input uses it. A
local stays one unless a function typed before it uses it, as functions at the prompt see all
locals, also later ones.

## Ctrl-C

Ctrl-C brings the prompt back within a tenth of a second, with all variables as they are: from Lua
code, coroutines, engine calls, files that are read or written, and `io.read`. A training run ends
after its step, or gives the step up after 50 ms, and is returned. What a call changes in place
(`fill_`, `copy_`, `add_`, `mul_`, `normal_`, `uniform_`, `t[i] = v`) is all done or not at all, and
a file that was being saved is the one of before. A decomposition (`mnemo.linalg`) goes on in the
background, where it keeps one core and its copy of the matrix until it ends; when three of them are
at work, the next one waits.

Longer takes only what Lua's own library does in C, in one call, which nothing interrupts: a
`string.find`, `match`, `gmatch` or `gsub` (0.6 s for `("x"):rep(1e8):find("x*y", 99990000)`; a
pattern of many `.-` on a long text may take for ever), `table.concat` and `string.rep` (0.5 s for
100 MB), `table.sort` without a function of one's own (0.4 s for a million numbers); copies of
integer tensors (0.5 s for 100 million elements) and the end of a change in place (0.1 s for 200
million); a `run:save`, whose files belong together. A second Ctrl-C ends the input also where code
catches errors, a third within a second of it the process.

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
for _ = 1, #require "mnemo.prompt.guide" do lines[#lines + 1] = "" end
lines[#lines + 1] = ":quit"
lines[#lines + 1] = ":quit"
local tour = session(lines):gsub("^mnemo> ", "mnemo> :tour\n"):gsub("mnemo> mnemo:.*$", "")
-- Times differ from machine to machine.
tour = tour:gsub("\n%(%d+%.%d+ m?s%)", "")

local out = assert(io.open("docs/repl.md", "w"))
out:write((heading:format(guide, tour):gsub(" +\n", "\n")))
out:close()
print("docs/repl.md")
