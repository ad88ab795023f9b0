--- The numbers in figures as CSV.
local values = require "mnemo.plot.values"

local csv = {}

-- In this order; those that nothing uses are left out.
local columns = {
  "panel", "series", "x", "y", "low", "high", "runs", "size", "colour", "label", "value",
  "x_label", "y_label", "marked",
}

--- Adds the points of series.
local function add_series(self, records, panel)
  for i, series in ipairs(self.series) do
    for j = 1, #series.y do
      local record = {
        panel = panel, series = series.name or ("series %d"):format(i),
        label = series.labels and series.labels[j],
        runs = series.runs and ("%d"):format(#series.runs),
      }
      for _, key in ipairs { "x", "y", "low", "high", "size", "colour" } do
        record[key] = series[key] and values.text(series[key][j])
      end
      records[#records + 1] = record
    end
  end
end

--- Adds the straight lines across: a vertical one has no y, a horizontal one no x.
local function add_rules(self, records, panel)
  for _, axis in ipairs { "y", "x" } do
    for _, line in ipairs(self[axis == "y" and "hlines" or "vlines"] or {}) do
      records[#records + 1] = {
        panel = panel, series = line.name or "line across", [axis] = values.text(line.at),
      }
    end
  end
end

--- Adds the shaded spans of the x axis: both ends of each.
local function add_spans(self, records, panel)
  for i, span in ipairs(self.vspans or {}) do
    for _, x in ipairs { span.from, span.to } do
      records[#records + 1] = {
        panel = panel, series = span.name or ("span %d"):format(i), x = values.text(x),
      }
    end
  end
end

--- Adds the cells of a matrix, whose columns stand at x and whose rows at y.
local function add_cells(self, records, panel, matrix)
  for i, row in ipairs(matrix) do
    for j, value in ipairs(row) do
      records[#records + 1] = {
        panel = panel, value = values.text(value),
        x = values.text(self.x and self.x[j] or j), y = values.text(self.y and self.y[i] or i),
        x_label = self.xlabels and self.xlabels[j], y_label = self.ylabels and self.ylabels[i],
        marked = self.marked and self.marked[i] and "yes",
      }
    end
  end
end

--- Adds a figure's numbers to a list of CSV records.
local function collect(self, records, panel)
  if self.kind == "grid" then
    for _, one in ipairs(self.figures) do
      records.panels = (records.panels or 0) + 1
      collect(one, records, one.options.title or ("panel %d"):format(records.panels))
    end
    return
  end
  local matrix = self.matrix or self.z
  if matrix then add_cells(self, records, panel, matrix) end
  if self.series then add_series(self, records, panel) end
  add_rules(self, records, panel)
  add_spans(self, records, panel)
end

--- Tells whether a text is what `values.text` writes, or another number.
local function is_number(text) return tonumber(text) ~= nil or text == "-inf" end

--- Writes a CSV field, in quotes where RFC 4180 asks for them. Before a text that a spreadsheet
-- would take for a formula stands an apostrophe, as OWASP advises.
local function field(text)
  text = tostring(text or "")
  if text:find("^[=+%-@\t\r]") and not is_number(text) then text = "'" .. text end
  if text:find('[",\r\n]') then return '"' .. text:gsub('"', '""') .. '"' end
  return text
end

--- Returns a figure's numbers, one line for each point or cell.
-- @treturn string with a line of column names first
function csv.text(figure)
  local records = {}
  collect(figure, records)
  local used = {}
  for _, name in ipairs(columns) do
    for _, record in ipairs(records) do
      if record[name] then
        used[#used + 1] = name
        break
      end
    end
  end
  local lines = { table.concat(used, ",") }
  for _, record in ipairs(records) do
    local fields = {}
    for i, name in ipairs(used) do fields[i] = field(record[name]) end
    lines[#lines + 1] = table.concat(fields, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

return csv
