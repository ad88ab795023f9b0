-- E20  What a language model says when its late MLPs are cut down
--
-- "Madrid is located in" may go on with " the", as many texts do, or with " Spain". The input
-- matrices of the MLPs of the last layers are truncated to their largest singular values, a share ρ
-- of them, and the probabilities of both words are read at every share from 1, the model as it is,
-- to 0, where these MLPs read nothing.
--
-- What should be seen in Pythia 1B: as it is, it says " the"; with the late MLPs cut down " Spain"
-- gains: they hold what follows often whatever was asked, and what was asked is found elsewhere.
--
-- Without a folder the script runs on a small model whose weights are random. It shows how the
-- script works, and nothing about language.
--
-- After Chen, Bruna, Bietti 2024, "Distributional Associations vs In-Context Reasoning"; the
-- truncation is LASER (Sharma, Ash, Misra 2023).
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Truncates the late MLPs of a pretrained model (E20).",
  quick = { least = 0.1 },
  full = { least = 0.001 },
  { "folder", "", "a GPT-NeoX or GPT-2 model: config.json, model.safetensors, tokenizer.json" },
  { "prompt", "Madrid is located in", "what the model reads" },
  { "common", " the", "what texts often go on with, one token" },
  { "fact", " Spain", "what is asked for, one token" },
  { "layers", 0, "how many of the last layers are truncated; 0: a quarter", min = 0 },
  { "least", 0.01, "least share of singular values beside 0", min = 1e-6, max = 1 },
  { "out", "runs/pretrained_laser", "folder for results", type = "folder" },
}

--- Stops with a message and nothing else.
local function fail(message, ...)
  io.stderr:write("mnemo: ", message:format(...), "\n")
  os.exit(1)
end

local function tried(f, ...)
  local done, result = pcall(f, ...)
  return done and result or fail("%s", result)
end

-- The model, what it reads, and the two answers ----------------------------------------------

--- A model of random weights, larger than those that training begins with, so that all of it
-- counts; the answers are its own two most likely tokens.
local function random_model()
  local model = mnemo.model.gpt_neox {
    vocab = 64, dim = 32, layers = 4, heads = 4, max_len = 16, seed = 1,
  }
  for i, name in ipairs(model:names()) do
    local shape = model:get(name):shape()
    if #shape == 2 then model:set(name, mnemo.randn(shape, { seed = i }) / shape[2] ^ 0.5) end
  end
  local prompt = { 7, 21, 3, 40, 12 }
  local first, second = table.unpack(model:next_tokens(prompt, 2))
  return model, prompt, { first.id, second.id }, { "token " .. first.id, "token " .. second.id }
end

--- The model of the folder, and the ids of the options' texts.
local function read_model()
  local model, ids, words = tried(mnemo.pretrained.load, options.folder), {}, {}
  for i, text in ipairs { options.common, options.fact } do
    local tokens = tried(model.encode, model, text)
    if #tokens ~= 1 then fail("\"%s\" is %d tokens of this model; one is wanted", text, #tokens) end
    ids[i], words[i] = tokens[1], ("\"%s\""):format(text)
  end
  return model, tried(model.encode, model, options.prompt), ids, words
end

local is_random = options.folder == ""
if is_random then
  print("No folder was given. One with the model of the paper is made by\n\n"
    .. "  hf download EleutherAI/pythia-1b --local-dir pythia-1b\n\n"
    .. "and read by --folder pythia-1b. What follows is a small model of random weights.\n")
end
local model, prompt, ids, words = (is_random and random_model or read_model)()

-- Truncation ---------------------------------------------------------------------------------

local last = options.layers > 0 and options.layers or math.max(1, model.layers // 4)
if last > model.layers then fail("--layers is %d; the model has %d", last, model.layers) end
local names, name = {}, model.kind == "gpt2" and "transformer.h.%d.mlp.c_fc.weight"
  or "gpt_neox.layers.%d.mlp.dense_h_to_4h.weight"
for layer = model.layers - last, model.layers - 1 do names[#names + 1] = name:format(layer) end

-- 1, 0.5, 0.2, 0.1, 0.05, …, and 0.
local shares, power = {}, 1
while power >= options.least do
  for _, factor in ipairs { 1, 0.5, 0.2 } do
    if factor * power >= options.least then shares[#shares + 1] = factor * power end
  end
  power = power / 10
end
shares[#shares + 1] = 0

local rows = { { "share", "rank", "energy kept", words[1], words[2], "most likely" } }
local found = { {}, {} }
for i, share in ipairs(shares) do
  local energy, ranks = model:truncate { names = names, share = share }
  local probabilities = model:forward(prompt, "last"):detach():softmax(2)[1]
  for j, id in ipairs(ids) do found[j][i] = probabilities[id]:item() end
  local most = model:next_tokens(prompt, 1)[1]
  local kept = 0
  for _, value in pairs(energy) do kept = kept + value / last end
  rows[#rows + 1] = {
    ("%.3f"):format(share), ranks[names[1]], ("%.3f"):format(kept), ("%.4f"):format(found[1][i]),
    ("%.4f"):format(found[2][i]), most.token and ("%q"):format(most.token) or "token " .. most.id,
  }
end
model:restore()
print(("Next token after %s; MLP input matrices of layers %d to %d truncated:\n"):format(
  is_random and "5 random tokens" or ("\"%s\""):format(options.prompt), model.layers - last + 1,
  model.layers))
print(mnemo.runs.columns(rows) .. "\n")

-- What it says -------------------------------------------------------------------------------

local expected = 10 / model.config.vocab -- ten times what a guess would have
local most = { math.max(table.unpack(found[1])), math.max(table.unpack(found[2])) }
local function say(text, ...) print(text:format(...)) end
local function ratio(i) return found[2][i] / found[1][i] end
if is_random then
  say("Nothing can be said about truncation in language models: these weights are random.")
elseif math.min(most[1], most[2]) < expected then
  local which = most[1] < expected and 1 or 2
  say("Nothing can be said about truncation: at no share does the model expect %s (%.2g at most).",
    words[which], most[which])
elseif #shares < 3 then
  say("Nothing can be said about truncation: there is no share between 1 and 0.")
else
  local best = 1
  for i = 2, #shares do best = ratio(i) > ratio(best) and i or best end
  say("As it is, the model says %s with probability %.3f and %s with %.3f.", words[1], found[1][1],
    words[2], found[2][1])
  if best == 1 then
    say("Truncation only takes from %s beside %s: their ratio is largest at share 1.", words[2],
      words[1])
  else
    say("The ratio of %s to %s is largest at share %.3f: %.3f to %.3f, %.1f times that at share 1.",
      words[2], words[1], shares[best], found[2][best], found[1][best], ratio(best) / ratio(1))
  end
end

local series = {}
for j, word in ipairs(words) do
  local y = { table.unpack(found[j], 1, #shares - 1) }
  series[j] = { name = word, x = { table.unpack(shares, 1, #y) }, y = y, style = "linespoints" }
  series[2 + j] = {
    name = word .. ", share 0", x = { shares[#shares - 1], 1 },
    y = { found[j][#shares], found[j][#shares] }, style = "reference",
  }
end
mnemo.plot.lines {
  title = is_random and "A model of random weights" or options.prompt .. " …", series = series,
  xlabel = "share ρ of singular values kept", ylabel = "probability of the next token",
  xscale = "log", legend = "below", width = 640, height = 440,
}:save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")
print("Results are in " .. options.out)
