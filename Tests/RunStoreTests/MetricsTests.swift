import Foundation
import GRDB
import JSONText
import RunStore
import TestSupport
import Testing

/// Runs and what they measure.
struct MetricsTests {
  private let facts = RunFacts(settings: #"{"model":{"dim":8}}"#, version: "0.1.0")

  @Test func numbersComeBack() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let writer = MetricsWriter(store)
      let run = try writer.begin(facts)
      let values = [
        0.1, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, -.greatestFiniteMagnitude, 0,
      ]
      for (step, value) in values.enumerated() {
        try writer.add(run: run, step: step, [("loss", value), ("name, \"x\" é", 1)])
      }
      try writer.flush()
      let records = try store.metrics(of: run)
      #expect(records.map(\.step) == Array(0..<7))
      for (record, value) in zip(records, values) {
        let found = record.values.first { $0.name == "loss" }?.value
        #expect(found?.bitPattern == value.bitPattern || value.isNaN && found?.isNaN == true)
      }
      writer.end(run, "finished")
      #expect(try store.runs().map(\.state) == ["finished"])
    }
  }

  @Test func aThreadWritesWithinASecond() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let writer = MetricsWriter(store)
      let run = try writer.begin(facts)
      try writer.add(run: run, step: 3, [("loss", 2)])
      let end = ContinuousClock.now + .seconds(5)
      while try store.metrics(of: run).isEmpty, .now < end { usleep(20_000) }
      #expect(try store.metrics(of: run).map(\.step) == [3])
      writer.end(run, "finished")
    }
  }

  @Test func rewindForgetsWhatCameAfter() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let writer = MetricsWriter(store)
      let (run, other) = (try writer.begin(facts), try writer.begin(facts))
      for step in [0, 10, 20] {
        try writer.add(run: run, step: step, [("loss", Double(step))])
        try writer.add(run: other, step: step, [("loss", 1)])
      }
      try writer.rewind(run: run, after: 10)
      try writer.add(run: run, step: 15, [("loss", 15)])
      writer.end(run, "interrupted")
      try writer.resume(run)
      try writer.add(run: run, step: 30, [("loss", 30)])
      writer.end(run, "finished")
      writer.end(other, "finished")
      #expect(try store.metrics(of: run).map(\.step) == [0, 10, 15, 30])
      #expect(try store.metrics(of: other).map(\.step) == [0, 10, 20])
    }
  }

  @Test func summariesAreReadFromTheIndex() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let writer = MetricsWriter(store)
      let run = try writer.begin(facts)
      for step in 0...100 {
        try writer.add(run: run, step: step, [("loss", 100 - Double(step)), ("acc", .infinity)])
      }
      try writer.add(run: run, step: 101, [("loss", .nan)])
      try writer.flush()
      let summary = try #require(try store.runs().first)
      #expect(summary.state == "running")
      #expect(summary.step == 101)
      #expect(summary.last.map(\.name) == ["acc", "loss"])
      #expect(summary.last[0].value == .infinity && summary.last[1].value.isNaN)
      #expect(
        try store.samples(of: run, name: "acc", count: 3) == Array(repeating: .infinity, count: 3))
      #expect(try store.samples(of: run, name: "loss", count: 4).prefix(3) == [100, 67, 33])
      #expect(try store.samples(of: run, name: "none", count: 4).isEmpty)
      let view = try store.rows("SELECT step, loss, last FROM run_summary").rows[0]
      #expect(JSON.list(view).text == #"[101,null,"{\"acc\":1e999,\"loss\":null}"]"#)
      writer.end(run, "finished")
    }
  }

  @Test func aRunWhoseProcessEndedIsLost() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let run = try store.beginRun(facts)
      try store.write { db in
        let me = ProcessIdentity.current.text.split(separator: "/")
        // No process has so large a number.
        try db.execute(
          sql: "UPDATE runs SET process = ?", arguments: ["\(me[0])/999999999/1"])
      }
      #expect(try store.runs().map(\.state) == ["lost"])
      var filter = RunFilter()
      filter.state = "running"
      #expect(try store.runs(filter).isEmpty)
      filter.state = "lost"
      #expect(try store.runs(filter).map(\.id) == [run])
    }
  }

  @Test func twoConnectionsWriteAtOnce() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/s"
      DispatchQueue.concurrentPerform(iterations: 2) { _ in
        do {
          let writer = MetricsWriter(try RunStore(path))
          let run = try writer.begin(facts)
          for step in 0..<200 {
            try writer.add(run: run, step: step, [("loss", 1), ("acc", 2)])
            if step % 10 == 0 { try writer.flush() }
          }
          writer.end(run, "finished")
        } catch {
          Issue.record(error)
        }
      }
      let store = try RunStore(path)
      #expect(try store.runs().map(\.state) == ["finished", "finished"])
      for run in [1, 2] as [Int64] { #expect(try store.metrics(of: run).count == 200) }
    }
  }

  @Test func aFullDiskIsToldAndTheStoreStaysWhole() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/s"
      let store = try RunStore(path)
      let writer = MetricsWriter(store)
      let run = try writer.begin(facts)
      try writer.add(run: run, step: 0, [("loss", 1)])
      try writer.flush()
      try store.limit(pages: 30)
      let words =
        "store: '\(path)' cannot be written: the disk is full; it holds all that was written before"
      expectStoreError(words) {
        for step in 1..<20_000 { try writer.add(run: run, step: step, [("loss", 1)]) }
        try writer.flush()
      }
      #expect(try store.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
      #expect(try store.metrics(of: run).first?.step == 0)
      // What could not be written is there when there is room again.
      try store.limit(pages: 1_000_000)
      try writer.flush()
      #expect(try store.metrics(of: run).count == 20_000)
      writer.end(run, "finished")
    }
  }

  @Test func queriesOnlyRead() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let run = try store.beginRun(facts)
      let found = try store.rows("SELECT id, ? AS x FROM runs", .inOrder([.number(0.5)]))
      #expect(found.columns == ["id", "x"])
      #expect(found.rows.map { JSON.list($0).text } == ["[\(run),0.5]"])
      let named = try store.rows("SELECT :a AS a", .named([("a", .text("é"))]))
      #expect(named.rows[0][0].text == "\"é\"")
      for query in ["DELETE FROM runs", "PRAGMA user_version = 7", "CREATE TABLE x (y)", ""] {
        #expect(throws: StoreError.self) { try store.rows(query) }
      }
      expectStoreError("sql: no such column: nowhere") { try store.rows("SELECT nowhere") }
      #expect(throws: StoreError.self) { try store.rows("SELECT ?") }
      #expect(throws: StoreError.self) { try store.rows("SELECT 1; DELETE FROM runs") }
      #expect(try store.runs().count == 1)
      expectStoreError("store: '\(store.path)' has no run 99") { try store.metrics(of: 99) }
    }
  }

  @Test func exportWritesAllValues() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let writer = MetricsWriter(store)
      let run = try writer.begin(facts)
      try writer.add(run: run, step: 0, [("loss", .nan), ("a,\"b\"", 0.5)])
      writer.end(run, "finished")
      #expect(try store.export(to: folder + "/m.csv") == 2)
      #expect(
        try lines(folder + "/m.csv") == [
          "run,step,name,value", "1,0,\"a,\"\"b\"\"\",0.5", "1,0,loss,nan",
        ])
      #expect(try store.export(to: folder + "/m.jsonl") == 2)
      #expect(
        try lines(folder + "/m.jsonl").last == #"{"name":"loss","run":1,"step":0,"value":null}"#)
      expectStoreError("export: a path ending in .csv or .jsonl expected, got 'x.txt'") {
        try store.export(to: "x.txt")
      }
      #expect(throws: StoreError.self) { try store.export(to: folder + "/none/m.csv") }
    }
  }

  @Test func artifactsAreKept() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let run = try store.beginRun(facts)
      for hash in ["a", "b"] {
        try store.addArtifact(run: run, kind: "model", path: "m.safetensors", hash: hash)
      }
      #expect(try store.artifacts(of: run).map(\.hash) == ["b"])
    }
  }
}
