--- The numbers in figures as CSV.
local values = require "mnemo.plot.values"

local csv = {}

--- Adds a figure's numbers to a list of CSV records.
local function collect(self, records, panel)
  if self.kind == "grid" then
    for _, one in ipairs(self.figures) do
      records.panels = (records.panels or 0) + 1
      collect(one, records, one.options.title or ("panel %d"):format(records.panels))
    end
  elseif self.kind == "lines" then
    for i, series in ipairs(self.series) do
      for j = 1, #series.y do
        records[#records + 1] = {
          panel = panel, series = series.name or ("series %d"):format(i),
          x = values.text(series.x[j]), y = values.text(series.y[j]),
          low = series.low and values.text(series.low[j]),
          high = series.high and values.text(series.high[j]),
        }
      end
    end
  else
    for i, row in ipairs(self.matrix) do
      for j, value in ipairs(row) do
        records[#records + 1] = {
          panel = panel, x = values.text(j), y = values.text(i), value = values.text(value),
          x_label = self.xlabels and self.xlabels[j], y_label = self.ylabels and self.ylabels[i],
        }
      end
    end
  end
end

--- Writes a CSV field, in quotes where RFC 4180 asks for them.
local function field(text)
  text = text or ""
  if text:find('[",\r\n]') then return '"' .. text:gsub('"', '""') .. '"' end
  return text
end

--- Returns a figure's numbers, one line for each point or cell.
-- @treturn string with a line of column names first
function csv.text(figure)
  local records = {}
  collect(figure, records)
  local columns = {}
  for _, name in ipairs { "panel", "series", "x", "y", "low", "high", "value", "x_label",
    "y_label" } do
    for _, record in ipairs(records) do
      if record[name] then
        columns[#columns + 1] = name
        break
      end
    end
  end
  local lines = { table.concat(columns, ",") }
  for _, record in ipairs(records) do
    local fields = {}
    for i, name in ipairs(columns) do fields[i] = field(record[name]) end
    lines[#lines + 1] = table.concat(fields, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

return csv
