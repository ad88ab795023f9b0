--- Runs the commands of the pages in docs/experiments and compares what they print with the pages.
--
--     .build/release/mnemo tools/pages.lua [--only NAME]
--
-- Minutes for each page. Results go where the commands say, runs/NAME. The exit status is 1 if a
-- page says what its command does not print.
local folder = arg[0]:match ".*/" or ""
local page_numbers = dofile(folder .. "page_numbers.lua")

local options = require "mnemo.arguments" {
  about = "Compares the pages of docs/experiments with what their commands print.",
  { "only", type = "string", nil, "one page, by the name of its file without .md" },
  { "pages", "docs/experiments", "where the pages are" },
}

--- Returns a file's text.
local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

--- Returns what a command prints, and whether it ended well.
local function output(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  return text, pipe:close()
end

local names = {}
local pipe = assert(io.popen(("ls '%s'"):format(options.pages)))
for name in pipe:lines() do
  name = name:match "^(.*)%.md$"
  if name and name ~= "README" and (options.only or name) == name then names[#names + 1] = name end
end
pipe:close()
if #names == 0 then
  io.stderr:write(("pages: there is no page '%s' in %s\n"):format(
    options.only or "*", options.pages))
  os.exit(1)
end

local failed = 0
for _, name in ipairs(names) do
  for _, entry in ipairs(page_numbers.shown(contents(options.pages .. "/" .. name .. ".md"))) do
    io.write(name, ": ", entry.command, "\n")
    io.flush()
    -- Points that a sweep has measured before would be shown again, as they were.
    os.remove(("runs/%s/sweep.sqlite"):format(entry.command:match "examples/([%w_]+)%.lua"))
    local text, went_well = output(entry.command)
    local differences = page_numbers.differences(entry.lines, text)
    if not went_well then table.insert(differences, 1, "the command failed: " .. text:sub(-500)) end
    for _, difference in ipairs(differences) do print("    " .. difference) end
    failed = failed + #differences
    if #differences == 0 then print(("    %d lines as on the page"):format(#entry.lines)) end
  end
end
if failed > 0 then
  print(failed .. " lines differ: make the pages say what is printed, or find out why it is not")
  os.exit(1)
end
