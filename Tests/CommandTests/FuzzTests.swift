import LuaBridge
import MnemoModule
import Testing

/// Every function with arguments drawn at random: only Lua errors may come of it.
@Suite struct FuzzTests {
  @Test(arguments: [1, 2]) func nothingCrashes(seed: Int) throws {
    let lua = Lua()
    defer { lua.close() }
    let registry = try MnemoModule.open(in: lua, scripts: nil).registry
    let functions = registry.all.map { function in
      let options = (function.options ?? []).map { "'\($0.name)'" }.joined(separator: ", ")
      return "{ '\(function.name)', { \(options) } }"
    }
    try withFolder { folder in
      let outcome = try run(
        "local functions = {\n  \(functions.joined(separator: ",\n  "))\n}\n" + Self.script,
        ["\(seed)", "5000"], in: folder)
      #expect(outcome.status == 0, "\(folder.text("last.txt")): \(outcome.errors.prefix(2000))")
      let counts =
        outcome.output.split(separator: "\n").last?.split(separator: "\t")
        .compactMap { Int($0) } ?? []
      // Both kinds of calls were made, and none was lost.
      #expect(counts.count == 2 && counts.reduce(0, +) == 5000 && counts.allSatisfy { $0 > 500 })
    }
  }

  private static let script = """
    math.randomseed(tonumber(arg[1]))
    local function pick(list) return list[math.random(#list)] end

    local huge = { math.maxinteger, math.mininteger, 1 << 40, -(1 << 31), 1e300, -1e300, 0 / 0,
      1 / 0, 2.5 }
    local small = { 0, 1, 2, 3, -1, 5, 4.0, 0.5 }
    local task = mnemo.data.bigram { seq_len = 8, seed = 1 }
    local function model()
      return mnemo.model.simplified { vocab = 65, dim = 4, max_len = 8, seed = 1 }
    end
    local objects = {
      function() return mnemo.rand(3, 4, { seed = 1 }) end,
      function() return mnemo.rand(4, { seed = 1 }):requires_grad(true) end,
      function() return mnemo.zeros(0, 3) end,
      function() return mnemo.ones(2, 3, 4):transpose(1, 3) end,
      function() return mnemo.tensor(2) end,
      function() return mnemo.ones(1):expand(3, 3) end,
      function() return mnemo.int_tensor { { 1, 2 }, { 3, 1 } } end,
      function() return mnemo.int_tensor { -5, 2147483647, -2147483648 } end,
      function() return mnemo.corpus.letters() end,
      function() return task end,
      model,
      function() return mnemo.optim.sgd { lr = 0.1 } end,
      function()
        return mnemo.train { model = model(), data = task, steps = 1, batch_size = 2,
          optimizer = mnemo.optim.adamw {}, progress = false }
      end,
      function() return task:batch(2, 1) end,
      function()
        return mnemo.model.transformer { vocab = 65, dim = 4, heads = 2, max_len = 8, seed = 1 }
      end,
    }
    local others = {
      function()
        return pick { "", "a", "tokens", "all", "x\\0y", "é\\xff", ("n"):rep(5000) }
      end,
      function() return true end, function() return nil end,
      function() return {} end, function() return { 1, 2, 3 } end,
      function() return { { 1, 2 }, { 3 } } end, function() return { x = 1, seed = "no" } end,
      function() local t = {} t[1] = t return t end,
      function() return function() return 1 end end,
      function() return function() error "callback" end end,
      function() return print end, function() return coroutine.create(print) end,
      function() return io.stdout end,
    }

    -- Results are arguments later on.
    local pool = {}
    local function value(is_count)
      if #pool > 0 and math.random() < 0.3 then return pick(pool) end
      local kind = math.random(10)
      if kind <= 3 then return pick(small) end
      if kind == 4 then return is_count and pick(small) or pick(huge) end
      if kind <= 7 then return pick(objects)() end
      return pick(others)()
    end

    -- The call that is made is on disk before it is made.
    local last = io.open("last.txt", "w")
    local function note(i, name, arguments)
      local words = {}
      for j = 1, arguments.n do words[j] = tostring(arguments[j]):sub(1, 60) end
      last:seek("set", 0)
      last:write(i, " ", name, "(", table.concat(words, ", "), ")", (" "):rep(400), "\\n")
      last:flush()
    end

    local succeeded, failed = 0, 0
    for i = 1, tonumber(arg[2]) do
      local name, options = table.unpack(functions[(i - 1) % #functions + 1])
      local class, method = name:match "^(%w+):(%w+)$"
      local f = mnemo
      if class then
        f = function(self, ...) return self[method](self, ...) end
      else
        for part in name:gmatch "[^.]+" do f = f[part] end
      end
      local arguments = { n = math.random(0, 4) }
      -- Steps that a run is asked for are steps it makes.
      for j = 1, arguments.n do arguments[j] = value(name == "Run:resume") end
      if #options > 0 and math.random() < 0.8 then
        local given = {}
        for _, option in ipairs(options) do
          if math.random() < 0.6 then given[option] = value(option == "steps") end
        end
        if name == "train" then
          given.steps, given.batch_size, given.progress = pick { 0, 1, 2 }, 2, false
          if math.random() < 0.9 then
            given.model, given.data, given.optimizer = model(), task, objects[12]()
          end
        end
        arguments = { n = 1, given }
      end
      if class then
        local object
        repeat
          object = #pool > 0 and math.random() < 0.3 and pick(pool) or pick(objects)()
        until getmetatable(object) == class or math.random() < 0.02
        table.insert(arguments, 1, object)
        arguments.n = arguments.n + 1
      end
      note(i, name, arguments)
      local ok, result = pcall(f, table.unpack(arguments, 1, arguments.n))
      if ok then succeeded = succeeded + 1 else failed = failed + 1 end
      if ok and type(result) == "userdata" then
        tostring(result)
        pool[#pool < 30 and #pool + 1 or math.random(30)] = result
      end
    end
    print(succeeded, failed, "")
    """
}
