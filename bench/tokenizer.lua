--- What cutting text into tokens costs: processor seconds of one core, at first and with the words
-- known. bench/tokenizer.py does the same with the package tokenizers.
--
--     .build/release/mnemo bench/tokenizer.lua --tokenizer gpt2 --write words.txt
--     .build/release/mnemo bench/tokenizer.lua --tokenizer gpt2 --text mine.txt
--     python bench/tokenizer.py gpt2/tokenizer.json words.txt
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match ".*/" or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "Seconds of the processor for a text, a line of JSON.",
  { "tokenizer", "Tests/Fixtures/pretrained/neox-text", "a tokenizer.json, or its folder" },
  { "text", type = "string", nil, "the file that is cut; without it, made-up words" },
  { "words", 100000, "different words that are made up, drawn by Zipf's law", min = 1 },
  { "megabytes", 10, "how much is made up", min = 1 },
  { "write", type = "string", nil, "where the made-up words are written, for others to cut" },
}

--- Makes up words of 2 to 11 letters, drawn by Zipf's law.
local function made_up()
  mnemo.seed(1)
  local lengths = mnemo.randint(2, 11, options.words):totable()
  local letters, words = mnemo.randint(97, 122, 11 * options.words):totable(), {}
  for i, length in ipairs(lengths) do
    words[i] = string.char(table.unpack(letters, 11 * i - 10, 11 * i - 11 + length))
  end
  local weights, pieces, bytes = 1 / mnemo.arange(1, options.words), {}, 0
  while bytes < options.megabytes * 1e6 do
    for _, id in ipairs(mnemo.multinomial(weights, 65536, true):totable()) do
      pieces[#pieces + 1] = words[id]
      bytes = bytes + #words[id] + 1
    end
  end
  return table.concat(pieces, " "):sub(1, math.floor(options.megabytes * 1e6))
end

--- Returns a file's bytes.
local function contents(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local text = options.text and contents(options.text) or made_up()
if options.write then
  local file <close> = assert(io.open(options.write, "wb"))
  file:write(text)
end
local tokenizer, seconds, ids = mnemo.pretrained.tokenizer(options.tokenizer), {}, nil
for i = 1, 2 do
  local start = os.clock()
  ids = tokenizer:encode(text)
  seconds[i] = os.clock() - start
end
measure.print { "bench", "tokenizer", "megabytes", #text / 1e6, "vocab", #tokenizer,
  "tokens", #ids, "cpu_s", seconds[1], "again_cpu_s", seconds[2], "load", measure.load() }
