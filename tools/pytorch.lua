--- Writes docs/pytorch.md, which has operations of PyTorch beside mnemo's, from the list in
-- tools/pytorch_operations.lua.
--
--     mnemo tools/pytorch.lua [FOLDER]
--     mnemo tools/pytorch.lua --expressions
--
-- The page goes below FOLDER, the current one unless given. With --expressions PyTorch's forms are
-- printed, a line each, for the script that records their values.
local tools = arg[0]:match ".*/" or ""
local sections = dofile(tools .. "pytorch_operations.lua")

if arg[1] == "--expressions" then
  for _, section in ipairs(sections) do
    for _, entry in ipairs(section) do print(entry[1]) end
  end
  return
end

--- Writes a form as code in a cell of a table.
local function code(form)
  return "`" .. form:gsub("|", "\\|") .. "`"
end

local head <close> = assert(io.open(tools .. "pytorch_head.md"))
local lines = { (head:read "a") }
for _, section in ipairs(sections) do
  lines[#lines + 1] = "## " .. section.title .. "\n"
  lines[#lines + 1] = "| PyTorch | mnemo | |\n|---|---|---|"
  for _, entry in ipairs(section) do
    lines[#lines + 1] = ("| %s | %s | %s |"):format(code(entry[1]), code(entry[2]),
      entry.note or "")
  end
  lines[#lines + 1] = ""
end

local path = (arg[1] or ".") .. "/docs/pytorch.md"
local page = assert(io.open(path, "w"))
page:write(table.concat(lines, "\n"))
assert(page:close())
