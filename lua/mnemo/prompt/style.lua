--- Colours of the prompt, and how many columns a text takes.
--
-- `engine` is what the prompt offers its Lua files: the window's size, whether there are colours.
local style = {}

local palette = {
  dim = "\27[2m", bold = "\27[1m", name = "\27[36m", string = "\27[32m", number = "\27[35m",
  keyword = "\27[33m", red = "\27[31m", trigger = "\27[1;33m", output = "\27[1;36m",
  reset = "\27[0m",
}

local find, gsub, sub = string.find, string.gsub, string.sub

--- Encloses a text in a style, if the engine's terminal has colours.
function style.styled(engine, text, name)
  if not engine.colour() then return text end
  return palette[name] .. text .. palette.reset
end

--- The number of columns a text takes, styles apart.
function style.width(engine, text)
  text = gsub(text, "\27%[[%d;]*m", "")
  return find(text, "[\x80-\xff]") and engine.width(text) or #text
end

--- As much of a text without styles as fits a number of columns; an ellipsis stands for the rest.
function style.fitted(engine, text, room)
  local width = 0
  for start, code in utf8.codes(text, true) do
    local own = code < 128 and 1 or engine.width(utf8.char(code))
    -- The last column is the ellipsis's, unless nothing follows.
    if width + own >= room and (width + own > room or utf8.offset(text, 2, start) <= #text) then
      return sub(text, 1, start - 1) .. "…"
    end
    width = width + own
  end
  return text
end

return style
