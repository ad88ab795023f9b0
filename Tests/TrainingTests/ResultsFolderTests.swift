import FoundationEssentials
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
  private func records(_ path: String) throws -> [[String: Double?]] {
    try lines(path).map {
      try JSONDecoder().decode([String: Double?].self, from: Data($0.utf8))
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
        #expect(record["infinite"] == .some(nil) && record["large"] == -1e300)
        #expect(record[""] == 0.1)
        let value = record[Self.odd]
        #expect(made.step == 3 ? value == .some(nil) : value == 1e-300 * Double(made.step))
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
          == ["history.jsonl", "model.safetensors"])
      // Going on adds to them.
      try run.advance(2)
      #expect(try records("\(path)/history.jsonl").map { $0["step"] } == [0, 3, 6, 7, 9])
      // Another run begins anew.
      try smallRun(steps: 1) { $0.sinks = [try ResultsFolder(path)] }.run()
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

  /// The folder disappears while the run goes on: what was measured is kept in memory.
  @Test func aFolderThatDisappearsEndsTheRun() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/results"
      let run = try smallRun(steps: 10) {
        $0.sinks = [try ResultsFolder(path)]
        $0.checkpointEvery = 4
        $0.schedule[2] = { _ in try FileManager.default.removeItem(atPath: path) }
      }
      #expect(throws: EngineError.self) { try run.run() }
      #expect(run.status == .failed && run.step == 4 && run.steps == [0, 3])
    }
  }
}
