--- Tokenizers of pretrained models.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

local here = arg[0]:match "^(.*)/" or "."
local fixtures = here .. "/../Fixtures/"
local function open(name)
  return mnemo.pretrained.tokenizer(fixtures .. "tokenizer-" .. name .. ".json")
end

--- Calls a function with the path of a file of this text, which is removed afterwards.
local function with_file(text, f)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  local ok, message = pcall(f, path)
  os.remove(path)
  if not ok then error(message, 0) end
end

function tests.test_texts_come_back()
  local gpt2, neox = open "gpt2", open "neox"
  for _, text in ipairs {
    "", " ", "The capital of Spain is Madrid.", "it's\n\n\t  a", "élève 漢字 😀 العربية", "\0",
    "a<|endoftext|>b", ("x"):rep(5000),
  } do
    luaunit.assertEquals(gpt2:decode(gpt2:encode(text)), text)
    luaunit.assertEquals(neox:decode(neox:encode(text)), text)
  end
  -- NeoX composes.
  luaunit.assertEquals(neox:decode(neox:encode "e\u{301}"), "\u{e9}")
  luaunit.assertEquals(gpt2:decode(gpt2:encode "e\u{301}"), "e\u{301}")
end

function tests.test_ids_count_from_1()
  local gpt2 = open "gpt2"
  -- The bytes come first: ! is the first of those that are printed.
  luaunit.assertEquals(gpt2:encode "!", { 1 })
  luaunit.assertEquals(gpt2:encode "!\"<|endoftext|>", { 1, 2, 901 })
  luaunit.assertEquals(#gpt2, 901)
  luaunit.assertEquals(gpt2.count, 901)
  luaunit.assertEquals(tostring(gpt2), "Tokenizer of 901 tokens")
  luaunit.assertEquals(gpt2:token(1), "!")
  luaunit.assertEquals(gpt2:token(901), "<|endoftext|>")
  luaunit.assertEquals(gpt2:id "<|endoftext|>", 901)
  luaunit.assertEquals(gpt2:encode " the", { gpt2:id "Ġthe" })
  luaunit.assertEquals(gpt2:token(gpt2:id "Ġthe"), " the")
  luaunit.assertNil(gpt2:id "no such token")
  luaunit.assertNil(gpt2:id "\xff")
  luaunit.assertEquals(open "neox":id "<|endoftext|>", 1)
end

function tests.test_parts_of_characters_are_bytes()
  local gpt2 = open "gpt2"
  local bytes = {}
  for id = 1, 256 do bytes[#bytes + 1] = gpt2:token(id) end
  table.sort(bytes)
  for byte = 0, 255 do luaunit.assertEquals(bytes[byte + 1], string.char(byte)) end
  local ids = gpt2:encode "\u{1f9e0}"
  luaunit.assertEquals(#ids, 3)
  luaunit.assertEquals(gpt2:decode { ids[1] }, "\xf0\x9f")
end

function tests.test_decodes_tensors()
  local gpt2 = open "gpt2"
  local ids = mnemo.int_tensor(gpt2:encode "The capital of Spain")
  luaunit.assertEquals(gpt2:decode(ids), "The capital of Spain")
  luaunit.assertEquals(gpt2:decode(mnemo.int_tensor {}), "")
end

function tests.test_wrong_arguments()
  local gpt2 = open "gpt2"
  for message, call in pairs {
    ["encode: the text is not UTF-8 (byte 3)"] = function() gpt2:encode "ab\xff" end,
    ["bad argument #1 to 'encode' (string expected, got no value)"] = function() gpt2:encode() end,
    ["decode: token 902 is outside 1…901"] = function() gpt2:decode { 1, 902 } end,
    ["decode: token 0 is outside 1…901"] = function() gpt2:decode { 0 } end,
    ["[2]: number expected, got string"] = function() gpt2:decode { 1, "a" } end,
    ["bad argument #1 to 'token' (an id from 1 to 901 expected, got 0)"] =
      function() gpt2:token(0) end,
    ["an id from 1 to 901 expected, got -9223372036854775808"] =
      function() gpt2:token(math.mininteger) end,
    ["Tokenizer: has no member 'decoed'; did you mean 'decode'?"] =
      function() return gpt2.decoed end,
    ["tokenizer: \"/nowhere/t.json\": No such file or directory"] =
      function() mnemo.pretrained.tokenizer "/nowhere/t.json" end,
    ["a path must not contain a zero byte"] = function() mnemo.pretrained.tokenizer "a\0b" end,
  } do
    luaunit.assertErrorMsgContains(message, call)
  end
end

function tests.test_other_files_are_refused()
  local rest = [[, "pre_tokenizer": {"type": "ByteLevel"}, "decoder": {"type": "ByteLevel"}}]]
  for text, message in pairs {
    [ [[{"model": {"type": "Unigram"}]] .. rest ] =
      "its model is of type \"Unigram\" (allowed: \"BPE\")",
    [ [[{"model": {"type": "WordPiece"}]] .. rest ] = "of type \"WordPiece\"",
    ["{"] = "is not JSON: no text in quotation marks at byte 2",
    [""] = "is not JSON: it ends early, at byte 1",
    [ [[{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]}]] .. rest ] =
      "merge 1 of its model needs \"aa\", which its vocab lacks",
  } do
    with_file(text, function(path)
      luaunit.assertErrorMsgContains(message, mnemo.pretrained.tokenizer, path)
    end)
  end
  -- What the vocabulary lacks is an error, not left out.
  with_file(
    [[{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}]] .. rest,
    function(path)
      local tokenizer = mnemo.pretrained.tokenizer(path)
      luaunit.assertErrorMsgContains(
        "encode: the vocabulary has no token for byte 32", tokenizer.encode, tokenizer, "a")
    end)
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "tokenizer", tests } })
