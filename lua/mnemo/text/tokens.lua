--- Lists of ids that show their text.
local visible = require "mnemo.text.visible"

--- Lets a list of ids show itself with what each token stands for, where it is printed.
-- @tparam {integer,...} ids from 1; the list itself is changed by nothing else
-- @tparam Model model one with a tokenizer
-- @treturn {integer,...} the same list
return function(ids, model)
  return setmetatable(ids, {
    __name = "tokens",
    __tostring = function(self)
      local parts = {}
      for i, id in ipairs(self) do
        local is_known, text = pcall(model.decode, model, id)
        parts[i] = is_known and visible.token(text) or "?"
        if i == 200 and #self > i then parts[i + 1] = "…" break end
      end
      local shown = table.concat(self, ", ", 1, math.min(#self, 200))
      return ("{%s%s}\n  %s"):format(shown, #self > 200 and ", …" or "", table.concat(parts, "|"))
    end,
  })
end
