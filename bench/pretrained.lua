--- What published models cost: memory, and seconds for each token beside what reading the weights
-- once from memory takes.
--
-- The models have the sizes of published ones and random weights, which are written into a
-- temporary folder, in a process of their own; what is measured is another.
--
-- usage: mnemo bench/pretrained.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "Memory and speed of models of published sizes, a line of JSON for each.",
  { "model", "gpt2", "whose sizes", choices = { "gpt2", "pythia-1b" } },
  { "prompt", 16, "tokens of the prompt", min = 1, max = 512 },
  { "rounds", 5, "how often it is measured", min = 1 },
  { "length", 32, "tokens that are drawn", min = 2, max = 256 },
  { "write", "", "writes the folder and ends; the script calls itself so" },
  { "read", "", "measures the folder" },
}

local sizes = {
  gpt2 = { kind = "gpt2", vocab = 50257, dim = 768, layers = 12, heads = 12, max_len = 1024 },
  ["pythia-1b"] = {
    kind = "gpt_neox", vocab = 50304, dim = 2048, layers = 16, heads = 8, max_len = 2048,
    dtype = "bfloat16",
  },
}

local configurations = {
  gpt2 = [[{"model_type": "gpt2", "vocab_size": %d, "n_embd": %d, "n_layer": %d, "n_head": %d,
"n_positions": %d}]],
  gpt_neox = [[{"model_type": "gpt_neox", "vocab_size": %d, "hidden_size": %d,
"num_hidden_layers": %d, "num_attention_heads": %d, "max_position_embeddings": %d,
"intermediate_size": %d}]],
}

local function write_text(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

--- Lists names and shapes of a model's parameters, those of its last layer standing for all.
local function shapes(size)
  local one = mnemo.model[size.kind] {
    vocab = 2, dim = size.dim, layers = 1, heads = size.heads, max_len = 2,
  }
  local found = {}
  for _, name in ipairs(one:names()) do
    local shape = one:get(name):shape()
    if shape[1] == 2 then shape[1] = name:find "wpe" and size.max_len or size.vocab end
    local count = name:find "%.0%." and size.layers or 1
    for layer = 0, count - 1 do
      found[#found + 1] = { name = name:gsub("%.0%.", (".%d."):format(layer)), shape = shape }
    end
  end
  return found
end

--- Writes a folder, in several files if the numbers have 16 bits, so that few are in memory.
local function write(folder, size)
  write_text(folder .. "/config.json", configurations[size.kind]:format(size.vocab, size.dim,
    size.layers, size.heads, size.max_len, 4 * size.dim))
  local tensors, count, places, file = {}, 0, {}, 1
  local function flush()
    local name = size.dtype and ("model-%05d.safetensors"):format(file) or "model.safetensors"
    mnemo.safetensors.save(folder .. "/" .. name, tensors)
    for tensor in pairs(tensors) do places[#places + 1] = ("%q: %q"):format(tensor, name) end
    tensors, count, file = {}, 0, file + 1
    collectgarbage()
  end
  for i, one in ipairs(shapes(size)) do
    local tensor = mnemo.randn(one.shape, { seed = i }) * 0.02
    tensors[one.name] = size.dtype and tensor:bfloat16() or tensor
    count = count + tensor:numel()
    if size.dtype and count > 100e6 then flush() end
  end
  flush()
  if size.dtype then
    write_text(folder .. "/model.safetensors.index.json",
      '{"weight_map": {' .. table.concat(places, ",\n") .. "}}")
  end
end

--- Returns the bytes a second that all threads together read of memory that no cache holds.
local function bandwidth()
  local numbers = mnemo.ones(48 << 20)
  local _, least = measure.median_and_least(measure.times(0.5, function()
    return numbers:sum()
  end))
  return numbers:numel() * 4 / least
end

local function read(folder)
  local at_start = measure.peak_memory()
  local start = mnemo.clock()
  local model = mnemo.pretrained.load(folder)
  local loading = mnemo.clock() - start
  local parameters, held, bytes = 0, 0, 0
  for _, name in ipairs(model:names()) do
    local tensor = model:get(name)
    parameters = parameters + tensor:numel()
    -- A token reads one row of each table of embeddings; the output matrix is read whole.
    local is_table = name:find "wpe" or name:find "embed_in"
    local size = tensor:numel() * (tensor:dtype() == "float32" and 4 or 2)
    held = held + size
    bytes = bytes + (is_table and 0 or size)
  end
  local prompt = {}
  for i = 1, options.prompt do prompt[i] = i end
  local function seconds(length, ids)
    return measure.seconds(function()
      model:generate(ids or prompt, { length = length, temperature = 0 })
    end)
  end
  -- The first pass reads the files.
  seconds(1)
  seconds(options.length)
  local peak = measure.peak_memory()
  -- In turns, as other work on the machine comes and goes; the best of each.
  local of_prompt, of_all, token, speed = math.huge, math.huge, math.huge, 0
  local processor = math.huge
  for _ = 1, options.rounds do
    speed = math.max(speed, bandwidth())
    -- One token is read, and the next told.
    for _ = 1, 10 do
      local start_of = os.clock()
      token = math.min(token, seconds(1, { 1 }))
      processor = math.min(processor, os.clock() - start_of)
    end
    of_prompt = math.min(of_prompt, seconds(1))
    of_all = math.min(of_all, seconds(options.length))
  end
  measure.print {
    "bench", "pretrained", "model", options.model, "parameters", parameters,
    "file_mib", held / 2 ^ 20, "read_mib", bytes / 2 ^ 20, "load_s", loading,
    "prompt_s", of_prompt, "token_s", token, "token_cpu_s", processor,
    "tokens_per_s", (options.length - 1) / (of_all - of_prompt),
    "read_once_s", bytes / speed, "gb_per_s", speed / 1e9,
    "times_reading", token * speed / bytes, "peak_mib", peak,
    "peak_over_file", peak / (held / 2 ^ 20), "at_start_mib", at_start,
    "threads", mnemo.threads(), "load", measure.load(),
  }
end

if options.write ~= "" then
  write(options.write, sizes[options.model])
elseif options.read ~= "" then
  read(options.read)
else
  local folder = os.tmpname()
  os.remove(folder)
  mnemo.make_folder(folder)
  -- The shell's parent is this program.
  local command = ("\"$(readlink /proc/$PPID/exe)\" %q --model %s --prompt %d --length %d "
    .. "--rounds %d --%%s %q"):format(arg[0], options.model, options.prompt, options.length,
    options.rounds, folder)
  local done = os.execute(command:format "write") and os.execute(command:format "read")
  os.execute(("rm -r %q"):format(folder))
  if not done then os.exit(1) end
end
