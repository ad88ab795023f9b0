import Foundation
import Testing

/// Memory that cannot be had is an error of the operation that wanted it, and the script goes on.
@Suite struct OutOfMemoryTests {
  /// Runs a script that may use 800 MB of addresses.
  private func limited(_ script: String, in folder: URL? = nil) throws -> Outcome {
    let command = package.appending(path: ".build/release/mnemo").path
    return try Running(
      ["prlimit", "--as=800000000", command, "-e", script], in: folder,
      executable: URL(filePath: "/usr/bin/env")
    ).finish()
  }

  /// Calls that want more than that.
  private static let calls = [
    "mnemo.zeros(30000, 30000)", "mnemo.randn(30000, 30000)", "mnemo.eye(30000)",
    "mnemo.arange(1, 1e9)", "column:matmul(row)", "column + row", "row:expand(30000, 30000) * 2",
    "wide:clone()", "wide:contiguous()", "wide:exp()", "-wide", "wide:t():reshape(-1)",
    "wide:softmax(2)", "wide:sort(2)", "wide:gt(0)", "wide:argmax(2)",
    "mnemo.cat({ wide, wide }, 1)", "mnemo.stack({ wide, wide }, 1)",
    "mnemo.one_hot(ids, 30000)", "ids:narrow(1, 1, 1):narrow(2, 1, 1):expand(30000, 30000):clone()",
    "mnemo.linalg.svd(square)",
    "mnemo.linalg.qr(square)", "mnemo.linalg.eigh(square)", "mnemo.linalg.solve(square, square)",
    "mnemo.load('large.npy')", "task:batch(5000000)", "model:forward(ids)",
    "mnemo.model.simplified { vocab = 65, dim = 20000, max_len = 16, seed = 1 }",
    "mnemo.model.transformer { vocab = 65, dim = 20000, layers = 1, heads = 1, max_len = 16 }",
    "mnemo.model.simplified { vocab = 65, dim = 1000, max_len = 1000000, seed = 1 }",
    "train { batch_size = 5000000 }",
    "train { model = large, batch_size = 4, optimizer = mnemo.optim.adamw { lr = 0.1 } }",
  ]

  @Test func whatCannotBeHadIsAnError() throws {
    try withFolder { folder in
      try writeFiles(in: folder)
      let outcome = try limited(
        smallRun + """
          local column, row = mnemo.zeros(30000, 1), mnemo.zeros(1, 30000)
          local wide = mnemo.zeros(1, 1):expand(30000, 30000)
          local square = mnemo.zeros(1, 1):expand(15000, 15000)
          local things = {
            column = column, row = row, wide = wide, square = square, task = task, model = model,
            train = train,
            ids = mnemo.int_tensor { 1 }:reshape(1, 1):expand(2000000, 16),
          }
          local function ask(text)
            local call = assert(load("return " .. text, text, "t",
              setmetatable(things, { __index = _G })))
            local ok, message = pcall(call)
            print(text, ok, (tostring(message):gsub("\\n.*", "")))
            collectgarbage()
          end
          for line in io.lines("calls") do
            things.large = line:find("= large", 1, true)
              and mnemo.model.simplified { vocab = 65, dim = 3500, max_len = 16, seed = 1 }
            ask(line)
          end
          things.large = nil
          collectgarbage()
          local product = mnemo.eye(100):matmul(mnemo.ones(100, 100))
          print(train { steps = 2 }.status, product:sum():item())
          """,
        in: folder)
      let lines = outcome.output.split(separator: "\n")
      for (call, line) in zip(Self.calls, lines) {
        #expect(line.hasPrefix(call + "\tfalse\t"), "\(line)")
        #expect(line.contains(/not enough|too large/), "\(line)")
      }
      #expect(lines.last == "finished\t10000.0")
      #expect(lines.count == Self.calls.count + 1)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }

  /// Operations of all kinds with a few megabytes left: each ends well or in an error.
  @Test func littleIsLeft() throws {
    let outcome = try limited(
      smallRun + """
        local x = mnemo.randn(1500, 1500, { seed = 1 })
        local w = mnemo.randn(1500, 1500, { seed = 2 }):requires_grad(true)
        local ids = mnemo.int_tensor { 1, 2, 3, 4 }:reshape(4, 1):expand(4, 4000):reshape(1000, 16)
        x[1]:matmul(x)
        local held = {}
        local function fill(size)
          while true do
            local ok, more = pcall(mnemo.zeros, size)
            if not ok then return end
            held[#held + 1] = more
          end
        end
        fill(1 << 18)
        local calls = {
          function() return x:matmul(x) end, function() return x + x end,
          function() return x:t():clone() end, function() return x:softmax(2) end,
          function() return x:sort(1) end, function() return x:sum(1) end,
          function() return (x * w):sum():backward() end,
          function() return x:matmul(w):square():mean():backward() end,
          function() return mnemo.linalg.svd(x:narrow(1, 1, 700)) end,
          function() return mnemo.linalg.solve(x, x) end,
          function() return mnemo.linalg.eigh(x + x:t()) end,
          function() return mnemo.cat({ x, x }, 1) end,
          function() return x:masked_select(x:gt(0)) end,
          function() return x:topk(1000) end, function() return x:log_softmax(2) end,
          function() return model:forward(ids) end, function() return task:batch(20000) end,
          function() return train { batch_size = 20000 } end,
          function() return train { steps = 3 } end,
          function() return x:save("x.npy") end, function() return mnemo.randn(1500, 1500) end,
          function() return mnemo.model.transformer { vocab = 65, dim = 512, max_len = 16 } end,
        }
        local failed = 0
        for _, call in ipairs(calls) do
          local ok, message = pcall(call)
          if not ok then
            failed = failed + 1
            if not tostring(message):find("not enough") then print(message) end
          end
          message = nil
          collectgarbage()
        end
        print(failed > 10, mnemo.ones(2):sum():item())
        held = nil
        collectgarbage()
        print(x:matmul(x):gt(-1e9):sum():item())
        """)
    #expect(outcome.output == "true\t2.0\n2250000.0\n", "\(outcome.errors)")
    #expect(outcome.status == 0)
  }

  /// The calls, and a NumPy file of 20000 × 20000 zeros that takes no room on the disk.
  private func writeFiles(in folder: URL) throws {
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (20000, 20000), }"
    header += String(repeating: " ", count: 117 - header.count) + "\n"
    let file = try folder.write(
      "large.npy",
      bytes: Array("\u{93}NUMPY\u{1}\u{0}".unicodeScalars.map { UInt8($0.value) })
        + [UInt8(header.utf8.count), 0] + Array(header.utf8))
    try folder.write("calls", Self.calls.joined(separator: "\n"))
    let handle = try FileHandle(forWritingTo: file)
    try handle.truncate(atOffset: 128 + 4 * 20000 * 20000)
    try handle.close()
  }
}
