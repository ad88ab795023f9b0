--- Tensors and models on disk.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

--- Calls a function with the name of a file that is removed afterwards.
local function with_file(f)
  local path = os.tmpname()
  local ok, message = pcall(f, path)
  os.remove(path)
  if not ok then error(message, 0) end
end

--- Makes a small model.
local function new_model(seed)
  return mnemo.model.simplified {
    vocab = 7, dim = 4, max_len = 5, ffn = { "mlp", "none" }, seed = seed or 1,
  }
end

local ids = mnemo.int_tensor { { 1, 7, 3 }, { 2, 2, 5 } }

function tests.test_round_trip()
  with_file(function(path)
    local given = {
      matrix = mnemo.randn(3, 5, { seed = 1 }), scalar = mnemo.tensor(-0.25),
      empty = mnemo.zeros(0, 4), ids = mnemo.int_tensor { { 1, -2 }, { 2147483647, 0 } },
      ["a name with \"quotes\", ü and \\"] = mnemo.tensor { 0 / 0, 1 / 0, -1 / 0 },
      -- A view is written as it reads, not as it lies in memory.
      view = mnemo.arange(1, 6):reshape(2, 3):t(),
    }
    mnemo.safetensors.save(path, given, { author = "é\"\n", n = "3" })
    local found, metadata = mnemo.safetensors.load(path)
    luaunit.assertEquals(metadata, { author = "é\"\n", n = "3" })
    for name, tensor in pairs(given) do
      luaunit.assertEquals(found[name]:shape(), tensor:shape(), name)
      luaunit.assertEquals(tostring(found[name]), tostring(tensor), name)
      found[name] = nil
    end
    luaunit.assertEquals(found, {})
    luaunit.assertEquals(given.view:totable(), { { 1, 4 }, { 2, 5 }, { 3, 6 } })
  end)
end

function tests.test_nothing_at_all()
  with_file(function(path)
    mnemo.safetensors.save(path, {})
    local found, metadata = mnemo.safetensors.load(path)
    luaunit.assertEquals(found, {})
    luaunit.assertEquals(metadata, {})
  end)
end

function tests.test_wrong_arguments()
  with_file(function(path)
    mnemo.safetensors.save(path, { kept = mnemo.ones(2) })
    local save = mnemo.safetensors.save
    for message, arguments in pairs {
      ["(.a: Tensor or IntTensor expected, got number)"] = { path, { a = 3 } },
      ["names expected as keys, got a number"] = { path, { mnemo.ones(1) } },
      ["string expected, got number"] = { path, { a = mnemo.ones(1) }, { n = 3 } },
      ["bad argument #1 to 'safetensors.save' (string expected, got nil)"] = { nil, {} },
      ["must not contain a zero byte"] = { "a\0b", { a = mnemo.ones(1) } },
      ["No such file or directory"] = { "/nowhere/at/all", { a = mnemo.ones(1) } },
    } do
      luaunit.assertErrorMsgContains(message, save, table.unpack(arguments, 1, 3))
    end
    -- A save that fails leaves the earlier file.
    luaunit.assertEquals(mnemo.safetensors.load(path).kept:totable(), { 1, 1 })
  end)
  luaunit.assertErrorMsgContains("nowhere", mnemo.safetensors.load, "/nowhere")
end

function tests.test_saved_models_load()
  with_file(function(path)
    local model = new_model()
    luaunit.assertEquals(model:save(path), model)
    local loaded = mnemo.model.load(path)
    luaunit.assertEquals(loaded.config, model.config)
    luaunit.assertEquals(loaded:names(), model:names())
    luaunit.assertEquals(loaded:trainable(), model:trainable())
    luaunit.assertEquals(loaded(ids):totable(), model(ids):totable())
    -- The file holds the names that Python sees.
    local found, metadata = mnemo.safetensors.load(path)
    for _, name in ipairs(model:names()) do
      luaunit.assertEquals(found[name]:totable(), model:get(name):totable(), name)
    end
    luaunit.assertNotNil(next(metadata))
  end)
end

function tests.test_frozen_parameters_stay_frozen()
  local model = new_model()
  model:freeze "layers.0.*"
  luaunit.assertNotEquals(model:trainable(), new_model():trainable())
  luaunit.assertEquals(model:clone():trainable(), model:trainable())
end

function tests.test_load_state()
  local one, two = new_model(1), new_model(2)
  luaunit.assertNotEquals(one(ids):totable(), two(ids):totable())
  luaunit.assertEquals(two:load_state(one:parameters()), two)
  luaunit.assertEquals(two(ids):totable(), one(ids):totable())
  -- Copied, not shared.
  one:get("pe"):fill_(0)
  luaunit.assertNotEquals(two(ids):totable(), one(ids):totable())
end

function tests.test_load_state_takes_all_or_nothing()
  local model = new_model()
  local before = model(ids):totable()
  local name = "output.weight"
  for message, change in pairs {
    ["missing: " .. name] = function(state) state[name] = nil end,
    ["not a parameter of this model: output.bias"] = function(state)
      state["output.bias"] = mnemo.ones(7)
    end,
    ["shape"] = function(state) state[name] = mnemo.ones(4, 7) end,
    ["Tensor expected, got number"] = function(state) state[name] = 3 end,
  } do
    local state = {}
    for key, tensor in pairs(model:parameters()) do state[key] = tensor * 2 end
    change(state)
    luaunit.assertErrorMsgContains(message, model.load_state, model, state)
    luaunit.assertEquals(model(ids):totable(), before, message)
  end
end

function tests.test_opened_files()
  with_file(function(path)
    local given = {
      plain = mnemo.randn(3, 5, { seed = 1 }), ids = mnemo.int_tensor { 1, -2 },
      half = mnemo.randn(4, 5, { seed = 2 }):half(),
      brain = mnemo.randn(5, { seed = 3 }):bfloat16(), empty = mnemo.zeros(0, 4):half(),
    }
    mnemo.safetensors.save(path, given, { n = "3" })
    local opened, metadata = mnemo.safetensors.open(path)
    luaunit.assertEquals(metadata, { n = "3" })
    for name, tensor in pairs(given) do
      luaunit.assertEquals(opened[name]:dtype(), tensor:dtype(), name)
      luaunit.assertEquals(opened[name]:shape(), tensor:shape(), name)
      luaunit.assertEquals(tostring(opened[name]), tostring(tensor), name)
      luaunit.assertEquals(opened[name]:totable(), tensor:totable(), name)
    end
    luaunit.assertEquals(mnemo.safetensors.load(path).half:dtype(), "float32")
    luaunit.assertEquals(mnemo.safetensors.load(path).half:totable(), given.half:totable())
    -- What is changed is changed in memory.
    opened.plain:fill_(7)
    luaunit.assertEquals(opened.plain:get(3, 5), 7)
    luaunit.assertEquals(mnemo.safetensors.open(path).plain:totable(), given.plain:totable())
    -- The file may go, and so may the table.
    local rows, view
    do
      local half = mnemo.safetensors.open(path).half
      rows, view = half[mnemo.int_tensor { 4, 1 }], half:narrow(1, 2, 2):t()
    end
    os.remove(path)
    collectgarbage()
    luaunit.assertEquals(view:totable(), given.half:narrow(1, 2, 2):t():totable())
    luaunit.assertEquals(rows:totable()[2], given.half:totable()[1])
    luaunit.assertErrorMsgContains("No such file", mnemo.safetensors.open, path)
  end)
end

function tests.test_numbers_of_16_bits_are_only_read()
  local half = mnemo.tensor { { 0.5, 2 }, { 1, -1 } }:half()
  luaunit.assertEquals(half:dtype(), "float16")
  luaunit.assertEquals(mnemo.int_tensor({ 1 }):dtype(), "int32")
  luaunit.assertEquals(half[1][2]:item(), 2)
  luaunit.assertEquals((half + 1):totable(), { { 1.5, 3 }, { 2, 0 } })
  luaunit.assertEquals((half + 1):dtype(), "float32")
  luaunit.assertEquals(half:matmul(mnemo.eye(2)):totable(), half:totable())
  luaunit.assertEquals(half:float():dtype(), "float32")
  luaunit.assertIs(half:half(), half)
  luaunit.assertEquals(tostring(half):match "^[^\n]*", "Tensor [2, 2], float16")
  for name, change in pairs {
    fill_ = function() half:fill_(1) end, add_ = function() half:add_(1) end,
    ["t[i] = v"] = function() half[1] = 3 end,
    normal_ = function() half:normal_ { seed = 1 } end,
    requires_grad = function() half:requires_grad(true) end,
  } do
    luaunit.assertErrorMsgContains(
      name .. ": a tensor of float16, here of shape [2, 2], is only read; use x:float()", change)
  end
  luaunit.assertEquals(half:totable(), { { 0.5, 2 }, { 1, -1 } })
  local x = mnemo.ones(1, 2):requires_grad(true)
  x:matmul(half):sum():backward()
  luaunit.assertEquals(x.grad:totable(), { { 2.5, 0 } })
  -- A checkpoint in half the bytes loads as any other state.
  local model, state = new_model(1), {}
  for name, tensor in pairs(new_model(2):parameters()) do state[name] = tensor:detach():half() end
  model:load_state(state)
  luaunit.assertEquals(model:get("pe"):totable(), state.pe:totable())
end

function tests.test_names_and_texts_are_bytes()
  with_file(function(path)
    local one, two = mnemo.ones(1), mnemo.zeros(1)
    -- Bytes, and the characters by which the file keeps them.
    local names = { ["a\xe9"] = one, ["a\xea"] = two, ["a\u{10ffe9}"] = two, ["a\u{e9}"] = two }
    mnemo.safetensors.save(path, names, { ["n\xe9"] = "caf\xe9" })
    local tensors, metadata = mnemo.safetensors.load(path)
    for name, tensor in pairs(names) do
      luaunit.assertEquals(tensors[name]:item(), tensor:item())
      names[name], tensors[name] = nil, nil
    end
    luaunit.assertNil(next(tensors))
    luaunit.assertEquals(metadata, { ["n\xe9"] = "caf\xe9" })
  end)
end

function tests.test_names_and_texts_that_the_file_cannot_hold()
  with_file(function(path)
    local function fails(message, tensors, metadata)
      luaunit.assertErrorMsgContains(message, mnemo.safetensors.save, path, tensors, metadata)
    end
    local eye = { eye = mnemo.eye(2) }
    fails("another name is the same in Unicode", eye, { ["\u{e9}"] = "1", ["e\u{301}"] = "2" })
  end)
end

--- What a shell's command line prints.
local function printed(line)
  local pipe = assert(io.popen(line))
  local text = pipe:read "a"
  pipe:close()
  return text
end

function tests.test_a_file_is_replaced_as_it_was()
  with_file(function(path)
    local file, link = path .. ".npy", path .. ".link.npy"
    mnemo.ones(2):save(file)
    printed(("chmod 640 '%s'; ln -s '%s' '%s'"):format(file, file, link))
    mnemo.zeros(3):save(link)
    luaunit.assertEquals(mnemo.load(file):numel(), 3)
    luaunit.assertEquals(printed(("stat -c %%A '%s' '%s'"):format(link, file)),
      "lrwxrwxrwx\n-rw-r-----\n")
    printed(("chmod 440 '%s'"):format(file))
    luaunit.assertErrorMsgContains("it is write-protected", function() mnemo.ones(1):save(file) end)
    luaunit.assertErrorMsgContains("it is write-protected", function() mnemo.ones(1):save(link) end)
    luaunit.assertEquals(mnemo.load(file):numel(), 3)
    os.remove(link)
    os.remove(file)
  end)
end

function tests.test_files_that_are_no_models()
  with_file(function(path)
    mnemo.safetensors.save(path, { w = mnemo.ones(2) })
    luaunit.assertErrorMsgContains(path, mnemo.model.load, path)
    local file = io.open(path, "w")
    file:write("print 'a script'")
    file:close()
    luaunit.assertErrorMsgContains(path, mnemo.model.load, path)
  end)
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "safetensors", tests } })
