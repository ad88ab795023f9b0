--- Runs that are loaded from their folders and go on, by themselves or by their script.
local exit = os.exit  -- luaunit puts its own in this place
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

local task = mnemo.data.bigram { seq_len = 16, seed = 1 }

--- Makes a small model.
local function new_model(seed)
  return mnemo.model.simplified { vocab = 65, dim = 8, max_len = 16, seed = seed or 1 }
end

--- Returns the options of a training; `more` adds to them.
local function options(more)
  local all = {
    model = new_model(), data = task, steps = 12, batch_size = 4, eval_every = 5, progress = false,
    optimizer = mnemo.optim.adamw { lr = 0.01 },
  }
  for name, value in pairs(more or {}) do all[name] = value end
  return all
end

--- Calls a function with a folder that is removed afterwards.
local function with_folder(f)
  local folder = os.tmpname()
  os.remove(folder)
  local ok, reason = pcall(f, folder)
  os.execute("rm -rf '" .. folder .. "'")
  if not ok then error(reason, 0) end
end

--- Returns all numbers of a model.
local function numbers(model)
  local all = {}
  for name, tensor in pairs(model:parameters()) do all[name] = tensor:totable() end
  return all
end

--- Reads a file.
local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

function tests.test_a_loaded_run_is_the_run()
  with_folder(function(folder)
    local run = mnemo.train(options { dir = folder, checkpoints = { 3, 12 }, clip_norm = 2 })
    local loaded = mnemo.runs.load(folder)
    luaunit.assertEquals(loaded.history, run.history)
    luaunit.assertEquals(numbers(loaded.model), numbers(run.model))
    luaunit.assertEquals(loaded.model:trainable(), run.model:trainable())
    luaunit.assertEquals({ loaded.step, loaded.status }, { 12, "finished" })
    luaunit.assertEquals(loaded.checkpoints, { 3, 12 })
    luaunit.assertEquals(loaded.settings, run.settings)
    luaunit.assertEquals(loaded.settings.optimizer.betas, { 0.9, 0.999 })
    luaunit.assertEquals(loaded.settings.train.checkpoints, { 3, 12 })
    luaunit.assertEquals(loaded.settings.task.kind, "bigram")
    luaunit.assertEquals(numbers(loaded:model_at(3)), numbers(run:model_at(3)))
    luaunit.assertNotEquals(numbers(loaded:model_at(3)), numbers(run.model))
    luaunit.assertEquals(mnemo.runs.last({ loaded, run }, "loss")[1], run.history[4].loss)
    -- What was given, beside what held by default.
    local said = contents(folder .. "/run.json"):gsub("%s", "")
    luaunit.assertStrContains(said, '"optimizer":["lr"]')
    luaunit.assertStrContains(said, '"model":["vocab","dim","max_len","seed"]')
    luaunit.assertStrContains(said, '"task":["seq_len","seed"]')
    luaunit.assertStrContains(said, '"train":["model","data","steps","batch_size","optimizer",')
    luaunit.assertStrContains(said, '"betas":[0.9,0.999]')
    -- Nothing is left of what was asked for; more may be asked for.
    luaunit.assertEquals(loaded:resume().step, 12)
    luaunit.assertEquals(contents(folder .. "/history.jsonl"):match "{\"step\":12.-\n",
      contents(folder .. "/history.jsonl"):match "[^\n]*\n$")
    local whole = mnemo.train(options { steps = 20, clip_norm = 2 })
    loaded:resume(8)
    luaunit.assertEquals(numbers(loaded.model), numbers(whole.model))
    luaunit.assertErrorMsgContains("was taken by another run meanwhile", run.resume, run, 1)
    luaunit.assertErrorMsgContains(
      "there is no checkpoint of step 4 (there are those of 3, 12, 20)", loaded.model_at, loaded, 4)
  end)
end

function tests.test_a_run_with_functions_goes_on_by_its_script()
  with_folder(function(folder)
    local function train(more)
      local all = options {
        at = { [4] = function(model) model:freeze "layers.0.*" end },
        probes = {
          drawn = function() return mnemo.randn(1):item() end, nan = function() return 0 / 0 end,
        },
        optimizer = mnemo.optim.sgd {
          lr = function(step) return 0.1 / (1 + step) end, momentum = 0.9,
        },
      }
      for name, value in pairs(more) do all[name] = value or nil end
      mnemo.seed(3)
      return mnemo.train(all)
    end
    local whole = train {}
    local first = train { dir = folder, steps = 7 }
    luaunit.assertEquals(first.step, 7)
    local loaded = mnemo.runs.load(folder)
    luaunit.assertEquals(loaded:series "drawn", first:series "drawn")
    luaunit.assertErrorMsgContains("has what only its script can give (optimizer.lr, "
      .. "train.probes.drawn, train.probes.nan, train.at.4); it goes on there, by "
      .. "mnemo.train{resume = \"" .. folder .. "\", …}", loaded.resume, loaded, 1)
    luaunit.assertErrorMsgContains("began with other settings: optimizer.momentum: 0.9 in the "
      .. "folder, 0 given; train.batch_size: 4 in the folder, 5 given", train, {
        resume = folder, batch_size = 5,
        optimizer = mnemo.optim.sgd { lr = function() return 0.1 end },
      })
    local resumed = train { resume = folder }
    luaunit.assertEquals(resumed.step, 12)
    luaunit.assertEquals(numbers(resumed.model), numbers(whole.model))
    luaunit.assertEquals(resumed:series "drawn", whole:series "drawn")
    luaunit.assertEquals(resumed.model:trainable(), whole.model:trainable())
    -- The same line again has nothing left to do.
    luaunit.assertEquals(train { resume = folder }.history[4].loss, whole.history[4].loss)
    luaunit.assertErrorMsgContains("it takes the place of dir and overwrite", train,
      { resume = folder, dir = folder })
    luaunit.assertErrorMsgContains("it takes the place of dir and overwrite", train,
      { resume = folder, overwrite = true })
  end)
end

function tests.test_custom_models_and_tasks()
  with_folder(function(folder)
    local copying = {
      vocab = 8, seq_len = 6, seed = 1,
      sample = function(rng)
        local ids = {}
        for t = 1, 7 do ids[t] = t > 3 and ids[t - 3] or rng:integer(1, 8) end
        return ids
      end,
    }
    local function train(more)
      local w = mnemo.randn(8, 4, { seed = 1 })
      local all = options {
        model = mnemo.model.custom {
          vocab = 8, parameters = { w = w }, forward = function(tokens, p)
            return p.w[tokens]:matmul(p.w:t())
          end,
        },
        data = mnemo.data.custom(copying),
      }
      for name, value in pairs(more) do all[name] = value end
      return mnemo.train(all)
    end
    local whole = train {}
    train { dir = folder, steps = 5, checkpoints = "log" }
    local loaded = mnemo.runs.load(folder)
    luaunit.assertEquals(loaded.settings.model.vocab, 8)
    luaunit.assertEquals(loaded.model:names(), { "w" })
    luaunit.assertErrorMsgContains("the forward pass of a custom model is its script's",
      loaded.model.forward or loaded.model, loaded.model, mnemo.int_tensor { { 1, 2 } })
    luaunit.assertErrorMsgContains("(model.forward, task.sample)", loaded.resume, loaded, 1)
    local resumed = train { resume = folder }
    luaunit.assertEquals(numbers(resumed.model), numbers(whole.model))
    -- A copy of the model that is there has its function.
    luaunit.assertEquals(resumed:model_at(4)(mnemo.int_tensor { { 1 } }):size(3), 8)
  end)
end

function tests.test_models_side_by_side()
  with_folder(function(folder)
    local function train(more)
      local all = options { model = { new_model(1), new_model(2) } }
      for name, value in pairs(more) do all[name] = value end
      return mnemo.train(all)
    end
    local whole = train {}
    train { dir = folder, steps = 5 }
    local loaded = mnemo.runs.load(folder)
    luaunit.assertEquals(#loaded, 2)
    luaunit.assertEquals(loaded[2].settings.model.seed, 2)
    loaded[2]:resume(3)
    local resumed = train { resume = folder }
    for i = 1, 2 do
      luaunit.assertEquals(resumed[i].step, 12)
      luaunit.assertEquals(numbers(resumed[i].model), numbers(whole[i].model))
      luaunit.assertEquals(resumed[i]:series "loss", whole[i]:series "loss")
    end
    local folders = { folder .. "/1", folder .. "/2" }
    luaunit.assertEquals(train({ resume = folders, steps = 14 })[1].step, 14)
    luaunit.assertErrorMsgContains("model 2: train: the run in '" .. folder .. "/2' began with "
      .. "other settings: model.seed: 2 in the folder, 3 given", train,
      { resume = folder, model = { new_model(1), new_model(3) } })
  end)
end

function tests.test_optimizers_in_lua()
  with_folder(function(folder)
    local function rule(with_state)
      local made = { inner = mnemo.optim.adamw { lr = 0.01 }, count = 0.0 }
      function made:step(parameters)
        self.count = self.count + 1
        self.names = { "a", [7] = true }
        self.inner:step(parameters)
      end
      if with_state then
        function made:state(parameters)
          return { inner = self.inner:state(parameters), count = self.count, names = self.names }
        end
        function made:load_state(parameters, state)
          self.inner:load_state(parameters, state.inner)
          self.count, self.names = state.count, state.names
        end
      end
      return made
    end
    local whole = mnemo.train(options { optimizer = rule(true) })
    mnemo.train(options { optimizer = rule(true), dir = folder .. "/a", steps = 7 })
    local second = rule(true)
    local resumed = mnemo.train(options { optimizer = second, resume = folder .. "/a" })
    luaunit.assertEquals(numbers(resumed.model), numbers(whole.model))
    luaunit.assertEquals(second.names, { "a", [7] = true })
    luaunit.assertEquals(math.type(second.count), "float")
    luaunit.assertEquals(second.count, 12)
    mnemo.train(options { optimizer = rule(false), dir = folder .. "/b", steps = 7 })
    luaunit.assertErrorMsgContains("does not hold what the optimizer remembers, which is a table: "
      .. "give it functions state(self, parameters) and load_state(self, parameters, state)",
      mnemo.train, options { optimizer = rule(false), resume = folder .. "/b" })
    for what, message in pairs {
      [print] = "got function", [false] = "state must return a table, got boolean",
    } do
      local broken = rule(true)
      function broken.state() return what and { what } end
      luaunit.assertErrorMsgContains(message, mnemo.train,
        options { optimizer = broken, dir = folder .. "/" .. tostring(what):sub(1, 3) })
    end
  end)
end

function tests.test_options_that_are_refused()
  local unused = os.tmpname()
  os.remove(unused)
  local function refused(message, more)
    luaunit.assertErrorMsgContains(message, mnemo.train, options(more))
  end
  refused("checkpoints needs dir", { checkpoints = "log" })
  refused("checkpoints has step -1 (allowed: 0 or more)", { checkpoints = { -1 }, dir = unused })
  refused("bad option 'checkpoints'", { checkpoints = "often" })
  refused("bad option 'checkpoints'", { checkpoints = { "a" } })
  refused("bad option 'resume'", { resume = 3 })
  refused("a list needs a list of models, too", { resume = { "a" } })
  luaunit.assertErrorMsgContains("there is no run in '/nowhere'", mnemo.runs.load, "/nowhere")
  luaunit.assertErrorMsgContains("string expected, got nil", mnemo.runs.load)
  os.remove(unused)
end

exit(luaunit.LuaUnit.new():runSuiteByInstances { { "resume", tests } })
