--- The tokens of a text that is being typed.
local byte, find, match, sub = string.byte, string.find, string.match, string.sub

local closing = { [")"] = "(", ["]"] = "[", ["}"] = "{" }

--- Reads a text up to its end.
--
-- @tparam string text
-- @treturn table its tokens, each with `kind` ("name", "number", "string" or "symbol"), `text`,
-- `from` and `to`, brackets that are closed also with `opener` or `closer`, the number of the
-- other one; `open`, the numbers of the brackets that are not closed; `inside`, what the text ends
-- in, if it is a string (its quote) or a comment ("comment"); and `start`, where the string's text
-- begins
return function(text)
  local tokens = { open = {} }
  local open, i = tokens.open, 1

  local function add(kind, to)
    tokens[#tokens + 1] = { kind = kind, text = sub(text, i, to), from = i, to = to }
    i = to + 1
  end

  --- Reads what ends in `closer`; tells whether it does.
  local function long(kind, level, closer)
    local _, stop = find(text, closer, i, true)
    if not stop then
      tokens.inside = kind == "string" and "[[" or "comment"
      tokens.start = i + #level + 2
      return false
    end
    if kind == "string" then add(kind, stop) else i = stop + 1 end
    return true
  end

  --- Reads a string in quotes; tells whether it ends.
  local function quoted(quote)
    local j = i + 1
    while j <= #text and sub(text, j, j) ~= quote and sub(text, j, j) ~= "\n" do
      if sub(text, j, j) == "\\" then j = j + 1 end
      j = j + 1
    end
    if j > #text then
      tokens.inside, tokens.start = quote, i + 1
      return false
    end
    add("string", j)
    return true
  end

  while i <= #text do
    local c = sub(text, i, i)
    if find(c, "%s") then
      i = i + 1
    elseif c == '"' or c == "'" then
      if not quoted(c) then return tokens end
    elseif find(text, "^%-%-", i) then
      local level = match(text, "^%-%-%[(=*)%[", i)
      if not long("comment", level or "", level and "]" .. level .. "]" or "\n") then
        return tokens
      end
    elseif find(text, "^%[=*%[", i) then
      local level = match(text, "^%[(=*)%[", i)
      if not long("string", level, "]" .. level .. "]") then return tokens end
    elseif find(text, "^%.?%d", i) then
      local _, stop = find(text, "^%.?%d[%w_%.]*", i)
      add("number", stop)
    elseif find(c, "[%a_]") or byte(c) > 127 then
      local _, stop = find(text, "^[%w_\x80-\xff]+", i)
      add("name", stop)
    else
      local _, stop = find(text, "^%.%.%.?", i)
      if not stop then _, stop = find(text, "^::", i) end
      add("symbol", stop or i)
      local token = tokens[#tokens]
      if token.text == "(" or token.text == "[" or token.text == "{" then
        open[#open + 1] = #tokens
      elseif closing[token.text] then
        local opener = open[#open]
        if opener and tokens[opener].text == closing[token.text] then
          token.opener, tokens[opener].closer = opener, #tokens
          open[#open] = nil
        end
      end
    end
  end
  return tokens
end
