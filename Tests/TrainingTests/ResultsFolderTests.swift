import FoundationEssentials
import Glibc
import TensorFiles
import Tensors
import TestModels
import TestSupport
import Testing
import Training
import Transformers

/// What a run leaves on disk.
struct ResultsFolderTests {
  private static let odd = "a \"quoted\" \\ name\n\t\u{1}\u{1F} é 🙂\u{2028}/"

  /// The records of a history, each line decoded as JSON.
  private func records(_ path: String) throws -> [[String: Double]] {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try lines(path).map {
      try decoder.decode([String: Double].self, from: Data($0.utf8))
    }
  }

  @Test func historiesAreLinesOfJSON() throws {
    try withTemporaryFolder { folder in
      let run = try smallRun(steps: 7) {
        $0.sinks = [try ResultsFolder(folder)]
        $0.probes = [
          (Self.odd, { $0.step == 3 ? .nan : 1e-300 * Double($0.step) }),
          ("infinite", { $0.step == 0 ? .infinity : -.infinity }), ("large", { _ in -1e300 }),
          ("", { _ in 0.1 }),
        ]
      }
      try run.run()
      let records = try records("\(folder)/history.jsonl")
      #expect(records.map { $0["step"] } == [0, 3, 6, 7])
      for (record, made) in zip(records, run.history) {
        #expect(record.count == 6)
        #expect(record["loss"] == made.loss)
        #expect(record["infinite"] == (made.step == 0 ? .infinity : -.infinity))
        #expect(record["large"] == -1e300)
        #expect(record[""] == 0.1)
        let value = try #require(record[Self.odd])
        #expect(made.step == 3 ? value.isNaN : value == 1e-300 * Double(made.step))
      }
      #expect(
        try lines("\(folder)/history.jsonl")[1].hasPrefix("{\"step\":3,\"loss\":"))
    }
  }

  @Test func recordsAreOnDiskAsSoonAsTheyAreMade() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/deep/er"
      var seen: [Int] = []
      let run = try smallRun(steps: 7) {
        $0.sinks = [try ResultsFolder(path)]
        $0.onRecord = { _ in seen.append(try lines("\(path)/history.jsonl").count) }
      }
      try run.run()
      #expect(seen == [1, 2, 3, 4])
      // Nothing but the results.
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
          == ["history.jsonl", "model.safetensors", "run.json"])
      // Going on adds to them.
      try run.advance(2)
      #expect(try records("\(path)/history.jsonl").map { $0["step"] } == [0, 3, 6, 7, 9])
      // Another run begins anew.
      try smallRun(steps: 1) { $0.sinks = [try ResultsFolder(path, overwrites: true)] }.run()
      #expect(try records("\(path)/history.jsonl").map { $0["step"] } == [0, 1])
    }
  }

  @Test func checkpointsAreWrittenInBetween() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.safetensors"
      var seen: [String?] = []
      let run = try smallRun(steps: 10) {
        $0.sinks = [try ResultsFolder(folder)]
        ($0.checkpointEvery, $0.evalEvery) = (4, 1)
        $0.onRecord = { _ in
          let exists = FileManager.default.fileExists(atPath: path)
          seen.append(exists ? try Safetensors.load(path).metadata["step"] : nil)
        }
      }
      try run.run()
      #expect(seen == [nil, nil, nil, nil, "4", "4", "4", "4", "8", "8", "8"])
      #expect(try Safetensors.load(path).metadata["step"] == "10")
      let loaded = try Checkpoint.load(from: path)
      #expect(loaded.bits == run.bits)
      #expect(try loaded.bits != smallModel().bits)
    }
  }

  @Test func aRunThatFailsLeavesItsResults() throws {
    try withTemporaryFolder { folder in
      let run = try smallRun(steps: 10) {
        $0.sinks = [try ResultsFolder(folder)]
        $0.probes = [("p", { if $0.step == 6 { throw Refusal() } else { 2 } })]
      }
      #expect(throws: Refusal.self) { try run.run() }
      #expect(try records("\(folder)/history.jsonl").map { $0["step"] } == [0, 3])
      #expect(try Checkpoint.load(from: "\(folder)/model.safetensors").bits == run.bits)
      #expect(try Safetensors.load("\(folder)/model.safetensors").metadata["step"] == "6")
    }
  }

  @Test func resultsAreSavedAfterwardsToo() throws {
    try withTemporaryFolder { folder in
      let run = try smallRun(steps: 7)
      try run.run()
      for path in ["\(folder)/one", "\(folder)/one", "\(folder)/two/"] {
        try run.save(to: path)
        #expect(try records("\(path)/history.jsonl").map { $0["step"] } == [0, 3, 6, 7])
        #expect(try Checkpoint.load(from: "\(path)/model.safetensors").bits == run.bits)
      }
    }
  }

  @Test func foldersThatCannotBeWrittenAreRefusedAtOnce() throws {
    try withTemporaryFolder { folder in
      let file = "\(folder)/file"
      try Data("x".utf8).write(to: URL(fileURLWithPath: file))
      for path in [file, "\(file)/below", "\(file)/far/below"] {
        expectError("results folder: '\(path)' cannot be written: Not a directory") {
          try ResultsFolder(path)
        }
      }
      #expect(throws: EngineError.self) { try ResultsFolder("/proc/mnemo") }
      #expect(throws: EngineError.self) { try ResultsFolder("/proc") }
      expectError("results folder: the path is empty") { try ResultsFolder("") }
      #expect(try String(contentsOfFile: file, encoding: .utf8) == "x")

      let run = try smallRun(steps: 1)
      try run.run()
      expectError("results folder: '\(file)' cannot be written: Not a directory") {
        try run.save(to: file)
      }
    }
  }

  // MARK: Whose a folder is

  /// What a finished run of `steps` steps leaves in a folder.
  @discardableResult
  private func leaveRun(of steps: Int, in folder: String) throws -> TrainingRun {
    let run = try smallRun(steps: steps) {
      $0.sinks = [try ResultsFolder(folder, overwrites: true)]
    }
    try run.run()
    return run
  }

  /// The names in a folder and what the files hold.
  private func contents(_ folder: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return try Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")))
      })
  }

  @Test func aFolderBelongsToOneRunAtATime() throws {
    try withTemporaryFolder { folder in
      var attempts = 0
      let sentence = "results folder: '\(folder)' is in use by another run of this process"
      let other = try smallRun(steps: 1)
      let run = try smallRun(steps: 4) {
        $0.sinks = [try ResultsFolder(folder)]
        $0.probes = [
          (
            "p",
            { _ in
              attempts += 1
              expectError(sentence) { try ResultsFolder(folder, overwrites: true) }
              expectError(sentence) { try other.save(to: folder, overwrites: true) }
              return 1
            }
          )
        ]
      }
      // From the beginning, between records, and whenever it goes on.
      expectError(sentence) { try ResultsFolder(folder) }
      try run.run()
      try other.save(to: folder, overwrites: true)
      try run.save(to: folder, overwrites: true)
      try run.advance(3)
      #expect(attempts == 5)
      #expect(try lines("\(folder)/history.jsonl") == run.history.map(\.json))
      #expect(
        try contents(folder).keys.sorted() == ["history.jsonl", "model.safetensors", "run.json"])
    }
  }

  @Test func aFolderThatHoldsARunIsRefused() throws {
    try withTemporaryFolder { folder in
      func holds(_ what: String) {
        let sentence = "results folder: '\(folder)' holds \(what); overwrite = true replaces it"
        expectError(sentence) { try ResultsFolder(folder) }
        expectError(sentence) { try smallRun(steps: 1).save(to: folder) }
      }
      let path = "\(folder)/history.jsonl"
      try leaveRun(of: 7, in: folder)
      let before = try contents(folder)
      holds("a run of 4 records up to step 7 and a model")
      #expect(try contents(folder) == before)
      try FileManager.default.removeItem(atPath: "\(folder)/model.safetensors")
      holds("a run of 4 records up to step 7")
      for (text, what) in [
        ("{\"step\":0,\"loss\":1}\n", "a run of 1 record up to step 0"),
        ("mine\n", "a run of 1 record"), ("", "an empty history.jsonl"),
      ] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        holds(what)
      }
      // A link is a file of that name, wherever it leads.
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.createSymbolicLink(
        atPath: path, withDestinationPath: "\(folder)/kept")
      holds("a history.jsonl")
      try leaveRun(of: 1, in: folder)
      #expect(
        try contents(folder).keys.sorted() == ["history.jsonl", "model.safetensors", "run.json"])
      try FileManager.default.removeItem(atPath: path)
      holds("a model")
    }
  }

  @Test func overwritingReplacesTheWholeRun() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.safetensors"
      try leaveRun(of: 7, in: folder)
      let before = try contents(folder)
      // Until there is a record, what was there stays.
      let failing = try smallRun(steps: 1) {
        $0.sinks = [try ResultsFolder(folder, overwrites: true)]
        $0.probes = [("p", { _ in throw Refusal() })]
      }
      #expect(throws: Refusal.self) { try failing.run() }
      #expect(try contents(folder) == before)
      // Then neither history nor model of it do.
      var seen: [Bool] = []
      let run = try smallRun(steps: 7) {
        $0.sinks = [try ResultsFolder(folder, overwrites: true)]
        ($0.checkpointEvery, $0.evalEvery) = (2, 1)
        $0.onRecord = { record in
          let count = try lines("\(folder)/history.jsonl").count
          #expect(count == record.step + 1)
          seen.append(FileManager.default.fileExists(atPath: path))
        }
      }
      try run.run()
      #expect(seen == [false, false, true, true, true, true, true, true])
      // The run that failed had leave to replace another one.
      expectError(
        "results folder: '\(folder)' was taken by another run meanwhile and holds "
          + "a run of 8 records up to step 7 and a model; run:save with overwrite = true replaces it"
      ) { try failing.advance(1) }
      #expect(try lines("\(folder)/history.jsonl") == run.history.map(\.json))
    }
  }

  @Test(arguments: [1, 3, 8]) func aRunWhoseFolderWasTakenIsRefused(_ steps: Int) throws {
    try withTemporaryFolder { folder in
      let first = try leaveRun(of: 7, in: folder)
      // Also one whose records are the beginning of its own.
      let second = try leaveRun(of: steps, in: folder)
      let count = second.history.count
      let sentence =
        "results folder: '\(folder)' was taken by another run meanwhile and holds a run of \(count) "
        + "records up to step \(steps) and a model; run:save with overwrite = true replaces it"
      let before = try contents(folder)
      for _ in 1...2 { expectError(sentence) { try first.advance(3) } }
      expectError(sentence) { try first.save(to: folder) }
      #expect(first.status == .failed && first.step == 7)
      #expect(try contents(folder) == before)
      try second.advance(1)
      // It may be taken back.
      try first.save(to: folder, overwrites: true)
      try first.advance(3)
      #expect(try lines("\(folder)/history.jsonl") == first.history.map(\.json))
      #expect(
        try Checkpoint.load(from: "\(folder)/model.safetensors").bits == first.bits)
      #expect(throws: EngineError.self) { try second.advance(1) }
    }
  }

  @Test func savingAgainIsNoOverwriting() throws {
    try withTemporaryFolder { folder in
      let (own, copy) = ("\(folder)/own", "\(folder)/copy")
      let run = try leaveRun(of: 4, in: own)
      for path in [own, copy, "\(folder)/./copy/", own] {
        try run.save(to: path)
        try run.advance(3)
        try run.save(to: path)
        #expect(try lines("\(path)/history.jsonl") == run.history.map(\.json))
        #expect(try Checkpoint.load(from: "\(path)/model.safetensors").bits == run.bits)
      }
    }
  }

  // MARK: What is lost meanwhile

  @Test(arguments: ["history.jsonl", ".lock", ""])
  func whatIsRemovedIsWrittenAgain(_ name: String) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/results"
      let run = try smallRun(steps: 10) {
        $0.sinks = [try ResultsFolder(path)]
        for step in [2, 8] {
          $0.schedule[step] = { _ in try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
        }
        $0.onRecord = { record in
          let count = try lines("\(path)/history.jsonl").count
          #expect(count == record.step / 3 + 1)
        }
      }
      // The second time no record comes before the end's.
      try run.advance(9)
      func isWhole() throws {
        #expect(try lines("\(path)/history.jsonl") == run.history.map(\.json))
        #expect(try Checkpoint.load(from: "\(path)/model.safetensors").bits == run.bits)
        #expect(
          try contents(path).keys.sorted() == ["history.jsonl", "model.safetensors", "run.json"])
      }
      try isWhole()
      if name != ".lock" {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        try run.advance(3)
        try isWhole()
      }
    }
  }

  @Test func aFolderMadeAnewMayBeAnothers() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/results"
      var other: ResultsFolder?
      let run = try smallRun(steps: 10) {
        $0.sinks = [try ResultsFolder(path)]
        $0.schedule[2] = { _ in
          try FileManager.default.removeItem(atPath: path)
          other = try ResultsFolder(path)
        }
      }
      expectError("results folder: '\(path)' is in use by another run of this process") {
        try run.run()
      }
      #expect(run.status == .failed && run.steps == [0, 3])
      #expect(try contents(path).keys.sorted() == [".lock"])
      // What was measured is kept in memory, and written when the folder is free.
      other?.letGo()
      try run.advance(3)
      #expect(try lines("\(path)/history.jsonl") == run.history.map(\.json))
    }
  }

  @Test func recordsThatFoundNoPlaceAreWrittenLater() async {
    // In a process of its own, whose files may not grow: a full disk.
    await #expect(processExitsWith: .success) {
      try withTemporaryFolder { folder in
        let path = "\(folder)/history.jsonl"
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
        let free = limit.rlim_cur
        // The signal would end the process; without it the write fails.
        signal(SIGXFSZ, SIG_IGN)
        let run = try smallRun(steps: 10) {
          $0.sinks = [try ResultsFolder(folder)]
          $0.evalEvery = 1
          // Long lines: what this process tells of the test has to fit below the limit.
          $0.probes = [(String(repeating: "p", count: 20_000), { _ in 1 })]
          $0.onRecord = { record in
            guard record.step == 4 else { return }
            // Room for the beginning of a line.
            limit.rlim_cur = rlim_t(try Data(contentsOf: URL(fileURLWithPath: path)).count + 9)
            try #require(setrlimit(__rlimit_resource_t(1), &limit) == 0)
          }
        }
        expectError("results folder: '\(path)' cannot be written: File too large") {
          try run.run()
        }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == run.history.dropLast().map { $0.json + "\n" }.joined())
        limit.rlim_cur = free
        try #require(setrlimit(__rlimit_resource_t(1), &limit) == 0)
        try run.advance(2)
        #expect(run.steps == Array(0...7))
        #expect(try lines(path) == run.history.map(\.json))
      }
    }
  }

  @Test func filesOfProcessesThatAreGoneAreRemoved() throws {
    try withTemporaryFolder { folder in
      // No process has a number above 2²².
      let gone = [".mnemo-4194305-1a2b.tmp", ".mnemo-9999999-0.tmp"]
      let kept = [
        ".mnemo-\(getpid())-1a2b.tmp", ".mnemo-1-z.tmp", ".mnemo-9999999.tmp", ".mnemo-x-1.tmp",
        "mnemo-9999999-1.tmp", ".mnemo-9999999-1.tmp~",
      ]
      for name in gone + kept {
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      try ResultsFolder(folder).letGo()
      #expect(try contents(folder).keys.sorted() == kept.sorted())
    }
  }
}
