-- Calls every function, method, operator and index of mnemo, on valid receivers, with arguments
-- that are drawn at random and mostly hostile. Only Lua errors may come of it: see FuzzTests.swift.
--
--   mnemo fuzz.lua SEED CALLS
--
-- The call that is made stands in last.txt before it is made.
local seed, calls = tonumber(arg[1]), tonumber(arg[2])
math.randomseed(seed)
local random = math.random
local function pick(list) return list[random(#list)] end
local function chance(p) return random() < p end

---- Numbers ----

local small = { 0, 1, 2, 3, 4, 5, -1, -2, -3, 1.0, 4.0, 0.5, -0.0, 2.5, 8, 17 }
-- Too large to be had by far, or no size at all: what could just be had would be asked for.
local huge = {
  math.maxinteger, math.mininteger, math.maxinteger - 1, math.mininteger + 1, 1 << 62, -(1 << 62),
  1 << 61, 1 << 40, -(1 << 40), -(1 << 31), -(1 << 31) - 1, 1e300, -1e300, 2 ^ 53, -2 ^ 63, 2 ^ 63,
  0 / 0, 1 / 0, -1 / 0, 1e-320,
}
local function number() return chance(0.8) and pick(small) or pick(huge) end

-- Shapes: small ones, and huge sizes beside 0.
local shapes = {
  {}, { 0 }, { 1 }, { 3 }, { 2, 3 }, { 3, 0 }, { 0, 3 }, { 1, 1, 1 }, { 2, 3, 4 }, { 0, 1 << 62 },
  { 1 << 62, 0 }, { 0, 1 << 40 }, { 1 << 40, 0, 1 << 40 }, { 1 << 32, 1 << 32 }, { -1, 3 },
  { 1 << 62, 4 }, { math.maxinteger, 2 }, { math.mininteger, 0 }, { 0, -1 }, { 6, -1 }, { 2.5 },
  { 1, 1, 1, 1, 1, 1, 1, 1 }, { 0, 0 }, { 1 << 62, 1 << 62, 0 },
}

---- Objects, among them views of every kind ----

-- For other objects' making: nobody closes it.
local task = mnemo.data.bigram { seq_len = 8, seed = 1 }
local function model()
  return mnemo.model.simplified { vocab = 65, dim = 4, max_len = 8, seed = 1 }
end
local function transformer()
  return mnemo.model.transformer { vocab = 65, dim = 4, heads = 2, max_len = 8, seed = 1 }
end
local fixtures = (arg[0]:match ".*/" or "") .. "../Fixtures/"
--- A small model of a published kind.
local function published(kind)
  return mnemo.model[kind] {
    vocab = 65, dim = 4, layers = 1, heads = 2, max_len = 8, seed = 1,
  }
end
local function custom(weights)
  return mnemo.model.custom {
    vocab = 65, max_len = 8,
    parameters = { e = weights or mnemo.randn(65, 4, { seed = 1 }), u = mnemo.ones(4, 65) },
    forward = function(tokens, p, visit)
      return visit("hidden", p.e[tokens]):matmul(p.u)
    end,
  }
end
local function run(trained)
  return mnemo.train {
    model = trained or model(), data = task, steps = 1, batch_size = 2, progress = false,
    optimizer = mnemo.optim.adamw {},
  }
end
local function source()
  local kept
  mnemo.data.custom {
    vocab = 3, seq_len = 2, seed = 1,
    sample = function(rng)
      kept = rng
      return { 1, 2, 3 }
    end,
  }:batch(1)
  return kept
end

--- A tensor over a file.
local function mapped(name)
  mnemo.safetensors.save("mapped.safetensors", {
    floats = mnemo.rand(3, 4, { seed = 1 }), halves = mnemo.rand(3, 3, { seed = 1 }):half(),
  })
  return mnemo.safetensors.open("mapped.safetensors")[name]
end

--- The path of a tokenizer.json with a token that takes spaces, and gaps between ids.
local function tokenizer_file()
  io.open("tokenizer.json", "w"):write [[{
    "added_tokens": [{"id": 9, "content": "<|", "lstrip": true, "rstrip": true}],
    "normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "ByteLevel"},
    "decoder": {"type": "ByteLevel"},
    "model": {
      "type": "BPE", "vocab": {"Ġ": 0, "a": 1, "b": 2, "n": 5, "nn": 6}, "merges": ["n n"]
    }
  }]]:close()
  return "tokenizer.json"
end

local makers = {
  Tensor = {
    function() return mnemo.rand(3, 4, { seed = random(9) }) end,
    function() return mnemo.randn(3, 3, { seed = 1 }) end,
    function() return mnemo.rand(4, { seed = 1 }):requires_grad(true) end,
    function() return mnemo.rand(3, 3, { seed = 1 }):requires_grad(true) * 2 end,
    function() return (mnemo.rand(3, { seed = 1 }):requires_grad(true) * 2):sum() end,
    function() return mnemo.zeros(0) end,
    function() return mnemo.zeros(0, 3) end,
    function() return mnemo.zeros(3, 0):t() end,
    function() return mnemo.zeros(0, 1 << 40) end,
    function() return mnemo.zeros(0, 1):expand(0, 1 << 50) end,
    function() return mnemo.zeros(100000, 0) end,
    function() return mnemo.tensor(2) end,
    function() return mnemo.ones(2, 3, 4):transpose(1, 3) end,
    function() return mnemo.rand(5, 6, { seed = 1 }):t() end,
    function() return mnemo.rand(5, 6, { seed = 1 }):narrow(2, 2, 3) end,
    function() return mnemo.rand(5, 6, { seed = 1 }):narrow(1, 2, 3):t() end,
    function() return mnemo.rand(5, 6, { seed = 1 }):narrow(1, 2, 0) end,
    function() return mnemo.rand(5, 6, { seed = 1 }):select(2, 3) end,
    function() return mnemo.rand(5, 6, { seed = 1 })[2] end,
    function() return mnemo.ones(1):expand(3, 3) end,
    function() return mnemo.ones(1, 1):expand(3, 1000) end,
    function() return mnemo.rand(4, 1, { seed = 1 }):expand(4, 5):t() end,
    function() return mnemo.ones(65, 4):t():t() end,
    function() return mnemo.tensor { 0 / 0, 1 / 0, -1 / 0, 1e-40, 3e38 } end,
    function() return mnemo.ones(2, 8, 65) end,
    function() return mnemo.ones(2, 8) end,
    function() return mnemo.ones(1, 1, 1, 1, 1, 1, 1, 2) end,
    function() return mnemo.rand(3, 4, { seed = 1 }):half() end,
    function() return mnemo.rand(4, 3, { seed = 1 }):bfloat16():t() end,
    function() return mnemo.rand(5, 6, { seed = 1 }):half():narrow(2, 2, 3) end,
    function() return mnemo.rand(3, { seed = 1 }):bfloat16():expand(3, 3) end,
    function() return mnemo.zeros(0, 3):half() end,
    function() return mnemo.ones(65, 4):bfloat16() end,
    function() return mapped(pick { "floats", "halves" }) end,
  },
  IntTensor = {
    function() return mnemo.int_tensor { { 1, 2 }, { 3, 1 } } end,
    function() return mnemo.int_tensor { { 1, 2 }, { 3, 1 } }:t() end,
    function() return mnemo.int_tensor { -5, 2147483647, -2147483648 } end,
    function() return mnemo.int_tensor {} end,
    function() return mnemo.int_tensor {}:reshape(0, 1):expand(0, 1 << 50) end,
    function() return mnemo.int_tensor { 1 }:expand(2, 8) end,
    function() return mnemo.int_tensor { { 1, 2, 3 }, { 4, 5, 6 } }:narrow(2, 2, 2) end,
    function() return mnemo.int_tensor { 0, 1 } end,
    function() return mnemo.int_tensor { 66 } end,
    function() return task:batch(2, 1).tokens end,
    function() return task:batch(2, 1).targets:t() end,
  },
  Corpus = {
    function() return mnemo.corpus.letters() end, function() return mnemo.corpus.uniform(3) end,
    function() return mnemo.corpus.text "abracadabra" end,
  },
  Task = {
    function() return mnemo.data.bigram { seq_len = 8, seed = random(9) } end,
    function()
      return mnemo.data.custom {
        vocab = 65, seq_len = 8, seed = 1,
        sample = function(rng)
          local ids = {}
          for i = 1, 9 do ids[i] = rng:integer(1, 65) end
          return ids
        end,
      }
    end,
    function()
      return mnemo.data.custom {
        vocab = 3, seq_len = 2, seed = 1, sample = function() error "sample" end,
      }
    end,
    function()
      return mnemo.data.custom {
        vocab = 65, seq_len = 8, classes = 3, seed = 1,
        sample_batch = function(rng, n) return rng:integer(1, 65, n, 8), rng:integer(1, 3, n) end,
      }
    end,
  },
  Random = { source },
  Model = {
    model, transformer, custom, function() return custom(mnemo.ones(4, 65):t()) end,
    function() return published "gpt2" end, function() return published "gpt_neox" end,
    function() return mnemo.pretrained.load(fixtures .. "pretrained/neox-text") end,
    function() return custom(mnemo.ones(1, 1):expand(65, 4)) end,
    function()
      return mnemo.model.custom {
        vocab = 65, outputs = 3, positions = "last", parameters = { e = mnemo.ones(65, 3) },
        forward = function(tokens, p, visit) return visit("sum", p.e[tokens]:sum(2)) end,
      }
    end,
  },
  Circuit = {
    function() return model():circuit("ov", 2, 1) end,
    function() return transformer():circuit("qk", 1, 2) end,
  },
  Visitor = {
    function()
      local kept
      local made = mnemo.model.custom {
        vocab = 3, parameters = { e = mnemo.ones(3, 3) },
        forward = function(tokens, p, visit)
          kept = visit
          return p.e[tokens]
        end,
      }
      made(mnemo.int_tensor { { 1, 2 } })
      return kept
    end,
  },
  Optimizer = {
    function() return mnemo.optim.sgd { lr = 0.1 } end,
    function() return mnemo.optim.sgd { lr = 0.1, momentum = 0.9 } end,
    function() return mnemo.optim.adamw {} end,
    function() return mnemo.optim.adamw { lr = function() return 0.1 end } end,
    function() return mnemo.optim.sgd { lr = function() error "lr" end } end,
    function() return mnemo.optim.adam { groups = { { match = "*", lr = 0.1 } } } end,
    function() return mnemo.optim.muon {} end,
    function() return mnemo.optim.sign_sgd { momentum = 0.5 } end,
  },
  Progress = { function() return (mnemo.progress(random(5))) end },
  Run = { run, function() return run(transformer()) end, function() return run(custom()) end },
  ProbeContext = {
    function()
      local kept
      mnemo.train {
        model = model(), data = task, steps = 0, batch_size = 2, progress = false,
        optimizer = mnemo.optim.adamw {},
        probes = { p = function(context) kept = context return 1 end },
      }
      return kept
    end,
  },
  Batch = { function() return task:batch(2, 1) end },
  Tokenizer = { function() return mnemo.pretrained.tokenizer(tokenizer_file()) end },
  Store = {
    function()
      mnemo.sweep {
        name = "made", points = { { x = 1 } }, store = "made.sqlite", progress = false,
        force = true, run = function() return {} end,
      }
      return mnemo.store "made.sqlite"
    end,
  },
  Figure = { function() return mnemo.plot.lines { y = { 1, 2, 3 } } end },
}
local classes = {}
for class in pairs(makers) do classes[#classes + 1] = class end
table.sort(classes)

-- Making one anew is dear for some, and a used one is as valid: results of calls come in as well.
local pool = {}
local function object(class)
  local kept = pool[class]
  if kept == nil then
    kept = {}
    pool[class] = kept
  end
  if #kept < 24 or chance(0.1) then
    -- Some of the shapes are refused.
    local done, made
    repeat done, made = pcall(pick(makers[class])) until done
    kept[#kept < 24 and #kept + 1 or random(24)] = made
    return made
  end
  return pick(kept)
end
local function keep(value)
  local class = type(value) == "userdata" and getmetatable(value)
  local kept = type(class) == "string" and pool[class]
  if kept and chance(0.3) then kept[random(24)] = value end
end

---- Tables that change, or raise, under the reader; callbacks ----

local weights = { "a", "b", "lr", "seed", "steps", "x", "y", "tokens", "targets", "names", "step" }
-- Finalizers that change a table while somebody reads it.
local function restless(t)
  local left = 20
  local function arm()
    setmetatable({}, {
      __gc = function()
        left = left - 1
        if left < 0 then return end
        t["k" .. left], t[left], t[1] = left, left, nil
        if left % 5 == 0 then error "in __gc" end
        if left % 7 == 0 then mnemo.ones(2, 2):sum() end
        arm()
      end,
    })
  end
  arm()
  return t
end
local hostile = {
  function() return {} end,
  function() return { 1, 2, 3 } end,
  function() return { { 1, 2 }, { 3 } } end,
  -- Parameters with gradients, and a state that may be theirs.
  function()
    local w = mnemo.ones(2, 3):requires_grad(true)
    w.grad = mnemo.ones(2, 3)
    return { w }
  end,
  function()
    return { steps = pick { 1, -1, math.maxinteger }, parameters = { { steps = 1,
      momentum_buffer = mnemo.ones(2, 3), exp_avg = mnemo.ones(2, 3) } } }
  end,
  function() return { 1, "2", {} } end,
  function() return { x = 1, seed = "no" } end,
  function() return pick(shapes) end,
  function() return { [pick(weights)] = number(), [number() == number() and 1 or 2] = {} } end,
  function()
    local t = {}
    t[1] = t
    return t
  end,
  function() return restless { 1, 2, 3, a = 1, tokens = mnemo.int_tensor { 1 } } end,
  function() return restless { seed = 1, lr = 0.1 } end,
  function()
    return setmetatable({ 1 }, {
      __index = function() error "in __index" end, __pairs = function() error "in __pairs" end,
      __len = function() error "in __len" end, __newindex = function() error "in __newindex" end,
      __tostring = function() error "in __tostring" end, __call = function() error "in __call" end,
      __eq = function() error "in __eq" end, __name = pick { "Tensor", "interrupt", 5, {} },
    })
  end,
  function() return setmetatable({}, { __gc = function() error "in __gc" end }) end,
  function()
    local t = { 1, 2, 3, 4, 5, [9] = 1 }
    for i = 3, 62 do t[1 << i] = 1 end
    return t
  end,
  function() return { [0 / 1] = 1, [true] = 2, [print] = 3, [1.5] = 4 } end,
  function() return { ["\xff"] = 1, ["\u{e9}"] = 2, ["e\u{301}"] = 3 } end,
  function() return { ["\u{e9}"] = mnemo.ones(2), ["e\u{301}"] = mnemo.ones(2) } end,
  function() return { object "Tensor", object "Tensor" } end,
  function() return { object(pick(classes)), nil, object(pick(classes)) } end,
  function() return { loss = function() return 1 end, p = function() return 1 end } end,
}
local callbacks = {
  function() return function() return 1 end end,
  function() return function(...) return ... end end,
  function() return function() error "callback" end end,
  function() return function() error { "callback" } end end,
  function() return function() error() end end,
  function() return function(x) return x, x, x end end,
  function() return function() return mnemo.ones(2, 8) end end,
  function() return function() return object(pick(classes)) end end,
  function() return function() collectgarbage() end end,
  function() return function() return mnemo.no_grad(function() return 1 end) end end,
  function() return function() return coroutine.yield() end end,
  function()
    local kept = object "Tensor"
    return function(x)
      pcall(kept.fill_, kept, 2)
      if type(x) == "userdata" then pcall(function() x:fill_(3) end) end
      return x
    end
  end,
  function() return function(t) if type(t) == "table" then t[1], t.tokens = nil, 5 end end end,
  function() return print ~= nil and tostring end,
  function() return pick(hostile)() end,
}
local strings = {
  "", "a", "b", "tokens", "all", "loss", "x\0y", "\xe9\xff", ("n"):rep(5000), "*",
  "layers.0.*", "e", "u", "output.weight", "\u{e9}", "a.npy", "a.safetensors",
  "folder", "missing/a.npy", "%", "tokenizer.json",
  "3", "ij,jk->ik", "ii", "i,j->", "ij,", "->",
}
local others = {
  function() return true end, function() return false end, function() return nil end,
  function() return pick(strings) end, function() return print end,
  function() return coroutine.create(print) end, function() return io.stdout end,
  function() return pick(callbacks)() end, function() return pick(hostile)() end,
}
local function anything()
  local kind = random(10)
  if kind <= 3 then return pick(small) end
  if kind == 4 then return pick(huge) end
  if kind <= 7 then return object(pick(classes)) end
  return pick(others)()
end

-- A value of a declared type; as a rule, for nothing would be reached if every argument were
-- refused.
local valued = {
  any = anything, integer = number, number = number,
  string = function() return pick(strings) end,
  boolean = function() return chance(0.5) end,
  ["function"] = function() return pick(callbacks)() end,
  table = function() return pick(hostile)() end,
}
local function declared(type)
  if type.kind == "choice" then return pick(type.choices) end
  if type.kind == "union" then return declared(pick(type.of)) end
  if type.kind == "object" then return object(type.class) end
  if type.kind ~= "list" then return valued[type.kind]() end
  local list = {}
  for i = 1, random(0, 4) do list[i] = declared(type.of) end
  return chance(0.2) and restless(list) or list
end
local function value(type) return chance(0.7) and declared(type) or anything() end

---- The calls ----

-- What takes time in proportion to a number gets a small one.
local counts = {
  steps = true, length = true, batch_size = true, columns = true, n = true, first = true,
  last = true,
}
local function argument(parameter, name)
  if counts[parameter.name] and name ~= "full" then return pick { 0, 1, 2, 3, -1, 2.5 } end
  return value(parameter.type)
end

-- Left out: what ends the process, what starts another program, and what takes the time it is told.
local skipped = {
  ["arguments.parse"] = true, ["arguments"] = true, ["Figure:save"] = true, ["Figure:show"] = true,
  ["Run:plot"] = true, ["plot.grid"] = true, peak_flops = true,
}
local targets = {}
for _, entry in ipairs(mnemo.documentation()) do
  if (entry.kind == "function" or entry.kind == "method") and not skipped[entry.name] then
    targets[#targets + 1] = entry
  end
end
local operators = {
  function(a, b) return a + b end, function(a, b) return a - b end, function(a, b) return a * b end,
  function(a, b) return a / b end, function(a, b) return a ^ b end, function(a, b) return a % b end,
  function(a, b) return a // b end, function(a, b) return a .. b end,
  function(a, b) return a == b end, function(a, b) return a < b end,
  function(a, b) return a <= b end,
  function(a) return -a end, function(a) return #a end, function(a) return tostring(a) end,
  function(a, b) return a[b] end, function(a, b, c) a[b] = c end,
  function(a, b) return a(b) end, function(a, b, c) return a(b, c) end,
  function(a) return pairs(a)(a) end, function(a) return ipairs(a)(a, 0) end,
  function(a)
    local closed <close> = a
    return closed
  end,
}
local function operator()
  local f = random(#operators)
  local call = { name = "operator " .. f, n = 3 }
  local a, b = object(pick(classes)), anything()
  if f <= 13 and chance(0.3) then a, b = b, a end
  -- A closed object refuses everything from then on; few are enough.
  if f == #operators and chance(0.9) then f = random(#operators - 1) end
  call[1], call[2], call[3] = a, b, anything()
  return operators[f], call
end

local function targeted(entry)
  local call = { name = entry.name, n = 0 }
  local function add(given)
    call.n = call.n + 1
    call[call.n] = given
  end
  local class, method = entry.name:match "^(%w+):([%w_]+)$"
  local f
  if class then
    f = function(self, ...) return self[method](self, ...) end
    add(chance(0.98) and object(class) or anything())
  else
    f = mnemo
    for part in entry.name:gmatch "[^.]+" do f = f[part] end
  end
  for _, parameter in ipairs(entry.parameters) do
    if parameter.optional and chance(0.4) then break end
    for _ = 1, parameter.variadic and random(0, 3) or 1 do add(argument(parameter, entry.name)) end
  end
  if chance(0.1) then add(anything()) end
  -- Who writes into the registry has broken Lua: it is for readers written in Swift.
  if chance(0.01) and call.n > (class and 1 or 0) and entry.name ~= "Random:shuffle"
    and not entry.name:find "^p[rl]o" and not entry.name:find "^runs" then
    call[call.n] = debug.getregistry()
  end
  if chance(0.1) and call.n > 0 then call.n = call.n - 1 end
  if entry.options and chance(0.9) then
    local given = chance(0.15) and restless {} or {}
    for _, option in ipairs(entry.options) do
      if not option.optional and chance(0.95) or chance(0.4) then
        given[option.name] = argument(option, entry.name)
      end
    end
    if entry.name == "train" then
      given.steps, given.progress = pick { 0, 1, 2 }, false
      if chance(0.9) then given.batch_size = 2 end
      if chance(0.8) then
        given.model, given.data = object "Model", object "Task"
        given.optimizer = object "Optimizer"
      end
      if chance(0.1) then given.optimizer = { step = pick { anything(), function() end } } end
      if chance(0.1) then given.data = { batch = function() return task:batch(2, 1) end } end
    end
    if entry.name == "sweep" then
      -- Further processes, and shares of the points, end with the process.
      given.workers, given.task, given.tasks, given.progress = nil, nil, nil, false
      if chance(0.8) then given.name, given.run = "s", function() return { y = 1 } end end
      if chance(0.5) then given.points = nil else given.grid = nil end
    end
    add(given)
  end
  return f, call
end

local function words_of(x)
  if type(x) == "string" then return ("%q"):format(x:sub(1, 40)) end
  if type(x) ~= "userdata" then return rawequal(x, nil) and "nil" or type(x) == "table" and "{…}"
    or tostring(x)
  end
  local done, shape = pcall(function() return table.concat(x:shape(), "×") end)
  return tostring(getmetatable(x)) .. (done and " " .. shape or "")
end
local last = assert(io.open("last.txt", "w"))
last:setvbuf "full"
local function note(i, call)
  local words = {}
  for j = 1, call.n do
    local x = call[j]
    words[j] = words_of(x)
    if type(x) == "table" and not getmetatable(x) then
      local fields = {}
      for key, field in next, x do
        fields[#fields + 1] = words_of(key) .. "=" .. words_of(field)
        if #fields > 15 then break end
      end
      words[j] = "{" .. table.concat(fields, " ") .. "}"
    end
  end
  last:seek("set", 0)
  local text = ("%d %s(%s)"):format(i, call.name, table.concat(words, ", ")):sub(1, 1000)
  last:write(text, (" "):rep(1000 - #text), "\n")
  last:flush()
end

-- What a whole process computes: the same at the end, whatever happened between.
local function witness()
  local made = model()
  local trained = mnemo.train {
    model = made, data = mnemo.data.bigram { seq_len = 8, seed = 1 }, steps = 5, batch_size = 4,
    optimizer = mnemo.optim.adamw { lr = 0.01 }, progress = false,
  }
  local a = mnemo.randn(40, 30, { seed = 3 })
  return table.concat {
    ("%a "):format(trained.history[#trained.history].loss),
    ("%a "):format(a:matmul(a:t()):softmax(2):var():item()),
    ("%a"):format(mnemo.linalg.svd(a):sum():abs():item()),
  }
end

local before = witness()
local succeeded, failed = 0, 0
for i = 1, calls do
  local f, call
  if i % 6 == 0 then
    f, call = operator()
  else
    f, call = targeted(targets[(i - i // 6 - 1) % #targets + 1])
  end
  note(i, call)
  local done, result
  if i % 50 == 0 then
    done, result = coroutine.resume(coroutine.create(f), table.unpack(call, 1, call.n))
  else
    done, result = pcall(f, table.unpack(call, 1, call.n))
  end
  if done then
    succeeded = succeeded + 1
    keep(result)
    if i % 20 == 0 and type(result) == "userdata" then pcall(tostring, result) end
  else
    failed = failed + 1
    if i % 20 == 0 then pcall(tostring, result) end
  end
  if i % 500 == 0 then mnemo.threads(2) end
  if i % 2000 == 0 then
    pool = {}
    collectgarbage()
  end
end
mnemo.threads(1)
mnemo.seed(0)
assert(witness() == before, "what was computed before comes out otherwise")
io.stderr:write(("%d succeeded, %d failed\n"):format(succeeded, failed))
