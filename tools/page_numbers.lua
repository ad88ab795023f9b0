--- What a page of docs/experiments says that commands printed, and whether they print it still.
--
-- A page's commands stand in blocks ```sh, each with `# what is shown here` behind it if there are
-- others in the block; the ```text blocks up to the next such command are what it printed, with
-- lines left out. The words of a line have to be the same; a number may be off by its spread.
local page_numbers = {}

-- How far a number without a spread may be off, as a share of it, and by at least how many units
-- of its last digit.
local share, units = 0.05, 2

--- Returns a page's commands with the lines that each has printed.
-- @tparam string text the page
-- @treturn {table,...} `command` and `lines`, in the order of the page; commands that nothing is
--   shown of are left out
function page_numbers.shown(text)
  local found, current = {}, nil
  for kind, block in text:gmatch "```(%a+)\n(.-)```" do
    if kind == "sh" then
      local commands = {}
      -- A backslash goes on in the next line.
      for line in block:gsub("\\\n%s*", ""):gmatch "[^\n]+" do
        local command, remark = line:match "^(.-)%s+#%s*(.*)$"
        commands[#commands + 1] = { line = command or line, remark = remark }
      end
      for _, command in ipairs(commands) do
        if #commands == 1 or (command.remark or ""):find "shown here" then
          current = { command = command.line, lines = {} }
          found[#found + 1] = current
        end
      end
    elseif kind == "text" and current then
      for line in block:gmatch "[^\n]+" do table.insert(current.lines, line) end
    end
  end
  local shown = {}
  for _, entry in ipairs(found) do
    if #entry.lines > 0 then shown[#shown + 1] = entry end
  end
  return shown
end

--- Cuts a line into its words and its numbers.
-- @treturn string the line with # for each number and single spaces
-- @treturn {table,...} `value`, `digits` after the point, and `spread`, the number behind ±
local function parts(line)
  local numbers = {}
  -- A minus sign behind a letter or a digit is a hyphen.
  local words = (" " .. line):gsub("([^%w.])(-?%d+%.?%d*)", function(before, number)
    local value = { value = tonumber(number), digits = #(number:match "%.(%d*)" or "") }
    numbers[#numbers + 1] = value
    return before .. "#"
  end)
  words = words:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
  for place in words:gmatch "()# ± #" do
    local _, before = words:sub(1, place):gsub("#", "")
    numbers[before].spread = numbers[before + 1].value
    numbers[before + 1].is_spread = true
  end
  return words, numbers
end

--- Tells whether a printed number is the page's, up to its spread.
local function is_near(shown, printed)
  if shown.is_spread then return true end
  local most = share * math.abs(shown.value)
  -- Whole numbers count something.
  if shown.digits > 0 then most = math.max(most, units * 10.0 ^ -shown.digits) end
  most = math.max(most, 2 * math.max(shown.spread or 0, printed.spread or 0))
  return math.abs(shown.value - printed.value) <= most + 1e-9
end

--- Compares the lines of a page with what its command prints today.
--
-- Each line of the page is looked for behind the one before: one of the same words, whose first
-- number, if the line begins with it, is the same.
-- @tparam {string,...} lines of the page
-- @tparam string printed the command's output
-- @treturn {string,...} a sentence for each line that is not there or differs; none if all are
function page_numbers.differences(lines, printed)
  local output = {}
  for line in printed:gmatch "[^\n]+" do
    local words, numbers = parts(line)
    output[#output + 1] = { line = line, words = words, numbers = numbers }
  end
  local differences, next_line = {}, 1
  for _, line in ipairs(lines) do
    local words, numbers = parts(line)
    local begins = line:find "^%s*%d"
    local found
    for i = next_line, #output do
      local candidate = output[i]
      if candidate.words == words
        and (not begins or candidate.numbers[1].value == numbers[1].value) then
        found, next_line = candidate, i + 1
        break
      end
    end
    if not found then
      differences[#differences + 1] = "not printed: " .. line
    else
      for i, number in ipairs(numbers) do
        if not is_near(number, found.numbers[i]) then
          differences[#differences + 1] = ("on the page: %s\n    printed:     %s"):format(
            line, found.line)
          break
        end
      end
    end
  end
  return differences
end

return page_numbers
