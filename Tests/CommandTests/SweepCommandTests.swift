import Foundation
import Glibc
import RunStore
import Testing

/// Sweeps of several processes, and the command that lists runs.
@Suite struct SweepCommandTests {
  /// A sweep of so many points that take a while; each has a result that no other try has.
  private static func script(_ count: Int, seconds: Double, _ options: String = "") -> String {
    """
    local xs = {}
    for x = 1, \(count) do xs[x] = x end
    local random = io.open("/dev/urandom", "rb"):read(8)
    local points = mnemo.sweep { name = "test", grid = { x = xs }, store = "s.sqlite",
      progress = false, \(options)
      run = function(point)
        local start = mnemo.clock()
        while mnemo.clock() - start < \(seconds) do end
        if point.x > 2 then io.stderr:write("begun\\n") end
        return { y = point.x ^ 2, who = ("%q"):format(random):gsub("[^%d]", "") .. start }
      end }
    local sum = 0
    for i, point in ipairs(points) do sum = sum + (point.x == i and point.y or math.huge) end
    print(#points, sum)
    """
  }

  private func points(_ folder: URL) throws -> [SweepPoint] {
    try RunStore(folder.appending(path: "s.sqlite").path, for: .using).points(of: "test")
  }

  @Test func killedWorkersLoseNothing() throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.script(60, seconds: 0.1))
      func start() throws -> Running { try Running(["script.lua"], in: folder) }
      var workers = try (1...3).map { _ in try start() }
      var done: [Int: String] = [:]
      var random = SystemRandomNumberGenerator()
      // Each of them is killed four times, at any moment.
      for round in 0..<12 {
        usleep(UInt32.random(in: 20_000...200_000, using: &random))
        workers[round % 3].signal(SIGKILL)
        _ = workers[round % 3].finish()
        workers[round % 3] = try start()
        guard let now = try? points(folder) else { continue }
        for point in now where point.state == "done" {
          // What was once done stays what it was.
          #expect(done[point.position] ?? point.result == point.result)
          done[point.position] = point.result
        }
      }
      for worker in workers {
        let outcome = worker.finish()
        #expect(outcome.status == 0 && outcome.output == "60\t73810.0\n", "\(outcome)")
      }
      let store = try RunStore(folder.appending(path: "s.sqlite").path, for: .using)
      guard case .integer(let deaths) = try store.rows("SELECT sum(deaths) FROM points").rows[0][0]
      else { throw Missing(description: "no count of deaths") }
      #expect(deaths >= 3)
      let last = try points(folder)
      #expect(last.map(\.position) == Array(1...60))
      #expect(last.allSatisfy { $0.state == "done" })
      for point in last { #expect(done[point.position] ?? point.result == point.result) }
      #expect(Set(last.compactMap(\.result)).count == 60)
    }
  }

  @Test func workersShareThePoints() throws {
    try withFolder { folder in
      let outcome = try run(Self.script(12, seconds: 0.1, "workers = 3,"), in: folder)
      #expect(outcome.status == 0 && outcome.output == "12\t650.0\n", "\(outcome)")
      let workers = Set(try points(folder).compactMap(\.worker))
      #expect(workers.count > 1 && workers.count <= 3)
    }
  }

  @Test func ctrlCGivesThePointsBack() throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.script(40, seconds: 0.1, "workers = 2,"))
      let running = try Running(["script.lua"], in: folder)
      try running.wait(for: "begun")
      running.signal()
      let outcome = running.finish()
      #expect(outcome.status == 130)
      #expect(outcome.errors.hasSuffix("mnemo: interrupted\n"))
      let found = try points(folder)
      #expect(found.contains { $0.state == "done" })
      #expect(found.allSatisfy { ["done", "open"].contains($0.state) })
    }
  }

  /// Training hears of a Ctrl-C and ends early; what it measured then is no result.
  @Test func ctrlCInTrainingIsNoResult() throws {
    try withFolder { folder in
      try folder.write(
        "script.lua",
        smallRun + """
          mnemo.sweep { name = "test", grid = { x = { 1, 2 } }, store = "s.sqlite", progress = false,
            run = function(point)
              local run = train { steps = 1000000000, eval_every = 1, progress = false,
                probes = { said = function(ctx)
                  if ctx.step == 3 then io.stderr:write("begun\\n") end
                  return 1
                end } }
              return { step = run.step }
            end }
          """)
      let running = try Running(["script.lua"], in: folder)
      try running.wait(for: "begun")
      running.signal()
      #expect(running.finish().status == 130)
      #expect(try points(folder).map(\.state) == ["open", "open"])
      let runs = try RunStore(folder.appending(path: "s.sqlite").path, for: .using).runs()
      #expect(runs.map(\.state) == ["interrupted"])
    }
  }

  @Test func aChangedScriptIsRefused() throws {
    try withFolder { folder in
      _ = try run(Self.script(3, seconds: 0), in: folder)
      let changed = Self.script(3, seconds: 0) + "-- A word more."
      let refused = try run(changed, in: folder)
      #expect(refused.status == 1)
      #expect(
        refused.sentence.hasPrefix(
          "mnemo: script.lua:4: sweep: the script 'script.lua' has changed since the sweep 'test' "
            + "was begun ("), "\(refused)")
      let arguments = try run(Self.script(3, seconds: 0), ["--quick"], in: folder)
      #expect(
        arguments.sentence.contains(#"the script's arguments are ["--quick"], and were [], since"#))
      let forced = try run(Self.script(3, seconds: 0, "force = true,"), in: folder)
      #expect(forced.output == "3\t14.0\n", "\(forced)")
    }
  }

  /// An experiment in a folder that is typed goes on there with the same words, and replaces its
  /// runs; other words are refused until they may overwrite.
  @Test func anExperimentGoesOnInItsFolder() throws {
    try withFolder { folder in
      let script = """
        local options = require "mnemo.arguments" {
          sweep = true, { "steps", 1, "steps" }, { "out", "runs/x", "results", type = "folder" },
        }
        local task = mnemo.data.bigram { seq_len = 8, seed = 1 }
        local points = mnemo.sweep {
          name = "x", store = options.out .. "/sweep.sqlite", options = options, seeds = 2,
          stop_on_error = true,
          run = function(point)
            local run = mnemo.train {
              model = mnemo.model.simplified { vocab = 65, dim = 8, max_len = 8, seed = 1 },
              data = task, steps = options.steps, batch_size = 2, eval_every = 1,
              optimizer = mnemo.optim.sgd { lr = 0.1 },
              dir = options.out .. "/seed_" .. point.seed, overwrite = options.overwrite,
            }
            if point.seed == 2 and not io.open("ready") then error "not yet" end
            return { step = run.step }
          end,
        }
        print(points[1].step, points[2].step)
        """
      let failed = try run(script, ["--out", "here"], in: folder)
      #expect(failed.status == 1 && failed.sentence == "mnemo: script.lua:15: not yet", "\(failed)")
      try folder.write("ready", "")
      let hint = try run(script, ["--out", "here"], in: folder)
      #expect(
        hint.status == 1
          && hint.errors.contains("mnemo: script.lua:15: not yet; --retry tries it again\n"),
        "\(hint)")
      let done = try run(script, ["--out", "here", "--retry"], in: folder)
      #expect(done.output == "1\t1\n", "\(done)")
      let other = try run(script, ["--out", "here", "--steps", "2"], in: folder)
      #expect(other.status == 1 && other.errors.contains("the script's arguments are"), "\(other)")
      let anew = try run(script, ["--out", "here", "--steps", "2", "--overwrite"], in: folder)
      #expect(anew.output == "2\t2\n", "\(anew)")
    }
  }

  @Test func tasksHaveStoresOfTheirOwn() throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.script(7, seconds: 0))
      for task in 1...3 {
        let outcome = try mnemo("script.lua", "--task", "\(task)", "--tasks", "3", in: folder)
        #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome)")
      }
      #expect(!folder.names.contains("s.sqlite"))
      let files = (1...3).map { "s.task\($0)-of-3.sqlite" }
      let merged = try Running(["runs", "merge", "--store", "s.sqlite"] + files, in: folder)
        .finish()
      #expect(
        merged.output
          == zip(files, [3, 2, 2]).map { "\($0): 0 runs, results of \($1) points\n" }
          .joined(), "\(merged)")
      let whole = try mnemo("script.lua", in: folder)
      #expect(whole.output == "7\t140.0\n", "\(whole)")
      // Of a whole sweep a task has nothing left to do, and goes on with all results.
      let again = try mnemo("script.lua", "--task=2", "--tasks=3", in: folder)
      #expect(again.output == "7\t140.0\n", "\(again)")
    }
  }

  @Test func slurmSaysTheShare() throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.script(4, seconds: 0))
      let variables = [
        "SLURM_ARRAY_TASK_ID=5", "SLURM_ARRAY_TASK_COUNT=2", "SLURM_ARRAY_TASK_MIN=4",
      ]
      let command = package.appending(path: ".build/release/mnemo").path
      let outcome = try Running(
        variables + [command, "script.lua"], in: folder, executable: URL(filePath: "/usr/bin/env")
      ).finish()
      #expect(outcome.status == 0, "\(outcome)")
      #expect(
        outcome.errors.hasSuffix(
          "sweep 'test': task 2 of 2 has its 2 points in s.task2-of-2.sqlite\n"))
    }
  }

  @Test func runsAreListedShownAndCompared() throws {
    try withFolder { folder in
      let outcome = try run(
        smallRun + """
          for _, lr in ipairs { 0.1, 0.5 } do
            train { optimizer = mnemo.optim.sgd { lr = lr }, steps = 4, eval_every = 1,
              store = "runs/store.sqlite", progress = false }
          end
          """, in: folder)
      #expect(outcome.status == 0, "\(outcome)")
      let list = try mnemo("runs", in: folder).output.split(separator: "\n")
      #expect(list.count == 3 && list[0].hasPrefix("id  state"))
      #expect(list[1].contains("finished") && list[1].contains("script.lua"))
      let shown = try mnemo("runs", "show", "2", in: folder).output
      #expect(shown.contains("optimizer.lr") && shown.contains("0.5"))
      let compared = try mnemo("runs", "diff", "1", "2", in: folder).output.split(separator: "\n")
      #expect(
        compared.dropFirst().map { $0.prefix { $0 != " " } } == ["optimizer.lr", "loss"],
        "\(compared)")
      #expect(try mnemo("runs", "watch", "1", in: folder).output.hasSuffix("run 1: finished\n"))
      for (words, sentence) in [
        (
          ["runs", "shwo"],
          "'shwo' is no command of mnemo runs; there are show, diff, watch, resume and merge"
        ),
        (["runs", "show", "9"], "store 'runs/store.sqlite' has no run 9"),
        (["runs", "show"], "the number of a run is missing"),
        (["runs", "--limit", "x"], "--limit wants a whole number, got 'x'"),
        (["runs", "--storm", "x"], "unknown option '--storm'; mnemo runs --help shows them"),
        (["runs", "--store", "none"], "store: 'none' cannot be opened: there is no such file"),
      ] {
        let refused = try Running(words, in: folder).finish()
        #expect(refused.status == 1 && refused.sentence == "mnemo: \(sentence)", "\(refused)")
      }
    }
  }

  /// Needs a file system of its own, which root alone may mount.
  @Test(.enabled(if: getuid() == 0)) func aFullDiskEndsTheRunAndLeavesTheStoreWhole() throws {
    try withFolder { folder in
      let script =
        smallRun + """
          local probes = {}
          for i = 1, 60 do probes["p" .. i] = function() return i end end
          train { steps = 100000, eval_every = 1, probes = probes, store = "small/s.sqlite",
            progress = false }
          """
      try folder.write("script.lua", script)
      let command = package.appending(path: ".build/release/mnemo").path
      let outcome = try Running(
        [
          "-m", "sh", "-c",
          "mkdir small && mount -t tmpfs -o size=1m none small && '\(command)' script.lua; "
            + "echo status $?; sqlite3 small/s.sqlite 'PRAGMA integrity_check' || true; "
            + "'\(command)' runs --store small/s.sqlite | tail -n 1",
        ], in: folder, executable: URL(filePath: "/usr/bin/unshare")
      ).finish()
      guard !outcome.errors.contains("unshare") && !outcome.errors.contains("mount:") else {
        return
      }
      #expect(outcome.output.hasPrefix("status 1\n"), "\(outcome)")
      #expect(outcome.sentence.contains("cannot be written: the disk is full"), "\(outcome)")
      #expect(outcome.output.contains("script.lua"), "\(outcome)")
    }
  }
}
