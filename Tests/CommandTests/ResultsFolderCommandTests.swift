import Foundation
import Testing

/// Results folders that several processes meet in, and processes that are killed.
@Suite struct ResultsFolderCommandTests {
  /// The records of a history, every line of which must be whole.
  private func records(_ text: String) -> [[String: Any]] {
    #expect(text.isEmpty || text.hasSuffix("\n"))
    return text.split(separator: "\n").map { line in
      let record = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(record != nil, "\(line)")
      return record ?? [:]
    }
  }

  @Test func aFolderInUseIsRefusedToOtherProcesses() throws {
    try withFolder { folder in
      try folder.write(
        "endless.lua",
        smallRun + """
          train { steps = 1000000000, dir = "out", eval_every = 1, progress = false,
            probes = { said = function(ctx)
              if ctx.step == 3 then io.stderr:write("begun\\n") end
              return 1
            end } }
          """)
      let running = try Running(["endless.lua"], in: folder)
      try running.wait(for: "begun")
      for attempt in [
        "train { dir = 'out' }", "train { dir = 'out', overwrite = true }", "train():save('out')",
        "train():save('out', { overwrite = true })",
      ] {
        let outcome = try run(smallRun + "\n" + attempt, in: folder)
        #expect(outcome.status == 1)
        #expect(
          try /.*: results folder: 'out' is in use by process \d+/.wholeMatch(
            in: outcome.sentence) != nil, "\(outcome.sentence)")
      }
      running.signal()
      #expect(running.finish().status == 0)
      let steps = records(folder.text("out/history.jsonl")).map { $0["step"] as? Int }
      #expect(steps.count > 3 && steps == Array(0..<steps.count))
      #expect(
        folder.appending(path: "out").names == ["history.jsonl", "model.safetensors", "run.json"])
      let outcome = try run(smallRun + "train { dir = 'out' }", in: folder)
      #expect(outcome.status == 1)
      #expect(
        outcome.sentence
          == "mnemo: script.lua:7: results folder: 'out' holds a run of \(steps.count) records up "
          + "to step \(steps.count - 1) and a model; overwrite = true replaces it")
    }
  }

  @Test func namesOfFoldersAreBytes() throws {
    let outcome = try run(
      smallRun + """
        for _, name in ipairs { "a\\233", "a\\234" } do
          train { dir = name }:save(name .. "/b\\xFF")
          print(#io.open(name .. "/b\\xFF/history.jsonl"):read("a") > 0)
          print(pcall(train, { dir = name }))
        end
        """)
    #expect(outcome.status == 0, "\(outcome.sentence)")
    let lines = outcome.output.split(separator: "\n")
    try #require(lines.count == 4)
    for place in [0, 2] {
      #expect(lines[place] == "true")
      #expect(lines[place + 1].contains("holds a run of 2 records up to step 2 and a model"))
    }
  }

  @Test func aKilledSaveLeavesAWholeHistory() throws {
    try withFolder { folder in
      let script =
        smallRun + """
          local probes = {}
          for i = 1, 20 do probes[("x"):rep(80) .. i] = function() return i end end
          local run = train { steps = 150, eval_every = 1, progress = false, probes = probes }
          run:save("out", { overwrite = true })
          io.stderr:write("begun\\n")
          while true do run:save("out") end
          """
      try folder.write("script.lua", script)
      for _ in 1...50 {
        let running = try Running(["script.lua"], in: folder)
        try running.wait(for: "begun")
        usleep(.random(in: 0...15000))
        running.signal(SIGKILL)
        #expect(running.finish().status == -SIGKILL)
        #expect(records(folder.text("out/history.jsonl")).count == 151)
        let found = folder.appending(path: "out").names.filter { $0.hasPrefix(".mnemo-") }
        // What an earlier one left is gone.
        #expect(found.count <= 1, "\(found)")
      }
      let load = "print(mnemo.model.load('out/model.safetensors').kind)"
      #expect(try mnemo("-e", load, in: folder).output == "simplified\n")
    }
  }

  /// A model is never beside a history that is not its own.
  @Test func aKilledRunLeavesOneRun() throws {
    try withFolder { folder in
      try folder.write(
        "script.lua",
        smallRun + """
          for seed = arg[1] * 1000000, math.huge do
            model = mnemo.model.simplified { vocab = 65, dim = 8, max_len = 16, seed = seed }
            train { dir = "out", overwrite = true, eval_every = 1, model = model,
              progress = false, probes = { seed = function() return seed end } }
            if seed % 1000000 == 2 then io.stderr:write("begun\\n") end
          end
          """)
      for attempt in 1...30 {
        let running = try Running(["script.lua", "\(attempt)"], in: folder)
        try running.wait(for: "begun")
        usleep(.random(in: 0...15000))
        running.signal(SIGKILL)
        #expect(running.finish().status == -SIGKILL)
        let found = records(folder.text("out/history.jsonl"))
        let seeds = Set(found.map { $0["seed"] as? Int })
        #expect(seeds.count == 1 && found.count <= 3)
        if folder.appending(path: "out").names.contains("model.safetensors") {
          let ask = "print(mnemo.model.load('out/model.safetensors').config.seed)"
          let seed = try mnemo("-e", ask, in: folder).output
          #expect(seeds.first == Int(seed.dropLast()), "\(seeds) \(seed)")
        }
      }
    }
  }
}
