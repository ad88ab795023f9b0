import Foundation
import GRDB
import RunStore
import Synchronization
import TestSupport
import Testing

/// Sweeps: who has which point, and what becomes of it.
struct SweepTests {
  private func plan(_ count: Int, _ change: (inout SweepPlan) -> Void = { _ in }) -> SweepPlan {
    var plan = SweepPlan(
      name: "grid", points: (1...count).map { ($0, #"{"x":\#($0)}"#) })
    (plan.script, plan.scriptHash) = ("a.lua", "h")
    change(&plan)
    return plan
  }

  @Test func pointsComeInOrderAndOnce() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/s"
      let one = try SweepWorker(RunStore(path), plan(5))
      let two = try SweepWorker(RunStore(path), plan(5))
      var positions: [Int] = []
      while let claim = try one.claim() {
        positions.append(claim.position)
        #expect(try one.finish(claim, result: "{}"))
        if let other = try two.claim() {
          positions.append(other.position)
          #expect(try two.finish(other, result: "{}"))
        }
      }
      #expect(positions == [1, 2, 3, 4, 5])
      #expect(try one.counts().done == 5)
    }
  }

  @Test func manyWorkersDoEveryPointOnce() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/s"
      let done = Mutex<[Int]>([])
      DispatchQueue.concurrentPerform(iterations: 4) { _ in
        do {
          let worker = try SweepWorker(RunStore(path), plan(60))
          while let claim = try worker.claim() {
            guard try worker.finish(claim, result: claim.parameters) else { continue }
            done.withLock { $0.append(claim.position) }
          }
        } catch {
          Issue.record(error)
        }
      }
      let positions = done.withLock { $0.sorted() }
      #expect(positions == Array(1...60))
      let points = try RunStore(path).points(of: "grid")
      #expect(points.allSatisfy { $0.result == $0.parameters && $0.state == "done" })
    }
  }

  /// Gives a point to a process that has ended, or is on another machine.
  private func give(_ store: RunStore, to process: String, silence: Double) throws {
    try store.write { db in
      try db.execute(
        sql: "UPDATE points SET process = ?, heartbeat = ? WHERE state = 'running'",
        arguments: [process, RunStore.now - silence])
    }
  }

  @Test func pointsOfTheDeadAreTakenAgainLast() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let worker = try SweepWorker(store, plan(3))
      _ = try worker.claim()
      let machine = ProcessIdentity.current.text.split(separator: "/")[0]
      try give(store, to: "\(machine)/999999999/1", silence: 0)
      let positions = [try worker.claim(), try worker.claim(), try worker.claim()].map {
        $0?.position
      }
      #expect(positions == [2, 3, 1])
      #expect(try worker.claim() == nil)
    }
  }

  @Test func aWorkerElsewhereIsHeardByItsHeartbeat() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let worker = try SweepWorker(store, plan(1))
      let claim = try #require(try worker.claim())
      try give(store, to: "elsewhere/1/1", silence: 50)
      #expect(try worker.claim() == nil)
      try give(store, to: "elsewhere/1/1", silence: 70)
      #expect(try worker.claim()?.position == 1)
      // Whoever had it before brings a result too late.
      try give(store, to: "elsewhere/2/1", silence: 0)
      #expect(try !worker.finish(claim, result: "{}"))
      #expect(try worker.points().map(\.state) == ["running"])
    }
  }

  @Test func heartbeatsAreGiven() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let worker = try SweepWorker(store, plan(1), heartbeat: 0.05)
      _ = try worker.claim()
      func beat() throws -> String {
        try store.rows("SELECT heartbeat FROM points").rows[0][0].text
      }
      let first = try beat()
      let end = ContinuousClock.now + .seconds(5)
      while try beat() == first, .now < end { usleep(10_000) }
      #expect(try beat() != first)
    }
  }

  @Test func givenBackPointsAreOpen() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      var worker: SweepWorker? = try SweepWorker(store, plan(2))
      let claim = try #require(try worker?.claim())
      try worker?.release(claim)
      #expect(try store.points(of: "grid").map(\.state) == ["open", "open"])
      _ = try worker?.claim()
      worker = nil
      let end = ContinuousClock.now + .seconds(5)
      while try store.points(of: "grid")[0].state != "open", .now < end { usleep(10_000) }
      #expect(try store.points(of: "grid").map(\.state) == ["open", "open"])
    }
  }

  @Test func failedPointsAreTriedAgainOnlyIfAsked() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let worker = try SweepWorker(store, plan(1))
      try worker.fail(#require(try worker.claim()), error: "a.lua:3: no")
      #expect(try worker.claim() == nil)
      #expect(try SweepWorker(store, plan(1)).claim() == nil)
      #expect(try store.points(of: "grid").map(\.error) == ["a.lua:3: no"])
      let again = try SweepWorker(store, plan(1) { $0.retriesFailed = true })
      #expect(try again.claim()?.position == 1)
    }
  }

  /// The words up to the date, which is today's.
  private func refusal(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return "\(error)".components(separatedBy: " since the sweep").first ?? ""
    }
  }

  @Test func anotherScriptIsRefusedUnlessForced() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let worker = try SweepWorker(store, plan(2))
      _ = try worker.finish(#require(try worker.claim()), result: "{}")
      func open(_ count: Int = 2, _ change: @escaping (inout SweepPlan) -> Void) -> String {
        refusal { _ = try SweepWorker(store, plan(count, change)) }
      }
      #expect(open { $0.scriptHash = "other" } == "sweep: the script 'a.lua' has changed")
      #expect(
        open { $0.arguments = #"["--quick"]"# }
          == #"sweep: the script's arguments are ["--quick"], and were [],"#)
      #expect(
        open { $0.points[0].parameters = #"{"x":9}"# }
          == #"sweep: the points have changed (point 1 was {"x":1})"#)
      #expect(open(3) { _ in } == "")
      #expect(open { ($0.scriptHash, $0.isForced) = ("other", true) } == "")
      #expect(open { $0.scriptHash = "h" } == "sweep: the script 'a.lua' has changed")
      // What was done stays done; a point that is gone is not asked for.
      let forced = try SweepWorker(
        store, plan(3) { ($0.scriptHash, $0.isForced, $0.points[1].parameters) = ("h", true, "{}") }
      )
      #expect(try forced.counts() == store.sweeps()[0].counts)
      #expect(try forced.points().map(\.state) == ["done", "open", "open"])
      #expect(try [forced.claim(), forced.claim()].map { $0?.parameters } == ["{}", #"{"x":3}"#])
    }
  }

  @Test func anotherScriptBeginsAnewIfItMayOverwrite() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let worker = try SweepWorker(store, plan(2) { $0.version = "1" })
      let claim = try #require(try worker.claim())
      let writer = MetricsWriter(store)
      var facts = RunFacts(settings: "{}", version: "0")
      facts.point = claim.id
      writer.end(try writer.begin(facts), "finished")
      _ = try worker.finish(claim, result: "{}")
      func open(_ change: @escaping (inout SweepPlan) -> Void) throws -> SweepWorker {
        try SweepWorker(
          store,
          plan(2) {
            ($0.version, $0.isOverwriting) = ("1", true)
            change(&$0)
          })
      }
      let same = try open { _ in }
      #expect(same.replaced == nil)
      #expect(try same.counts().done == 1)
      #expect(
        refusal { _ = try open { ($0.version, $0.isOverwriting) = ("2", false) } }
          == "sweep: mnemo is 2, and was 1,")
      // Not under the hands of one that is at work.
      _ = try same.claim()
      #expect(refusal { _ = try open { $0.version = "2" } } == "sweep: mnemo is 2, and was 1,")
      same.stop()
      let other = try open { $0.version = "2" }
      #expect(other.replaced == "mnemo is another")
      #expect(try other.points().map(\.state) == ["open", "open"])
      #expect(try store.runs().isEmpty)
      #expect(
        try open { ($0.version, $0.scriptHash) = ("2", "x") }.replaced
          == "the script has changed")
    }
  }

  @Test func theFileIsWholeByItself() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      let worker = try SweepWorker(store, plan(1))
      _ = try worker.finish(#require(try worker.claim()), result: "{}")
      worker.stop()
      store.settle()
      try FileManager.default.copyItem(atPath: folder + "/s", toPath: folder + "/copy")
      #expect(try RunStore(folder + "/copy").points(of: "grid").map(\.state) == ["done"])
    }
  }

  @Test func sharesAreMerged() throws {
    try withTemporaryFolder { folder in
      for task in 1...3 {
        let store = try RunStore(folder + "/\(task)")
        let share = plan(7) { $0.points = $0.points.filter { $0.position % 3 == task % 3 } }
        let worker = try SweepWorker(store, share)
        while let claim = try worker.claim() {
          let writer = MetricsWriter(store)
          var facts = RunFacts(settings: "{}", version: "0")
          facts.point = claim.id
          let run = try writer.begin(facts)
          try writer.add(run: run, step: 0, [("loss", Double(claim.position))])
          writer.end(run, "finished")
          if claim.position == 5 {
            try worker.fail(claim, error: "no")
          } else {
            _ = try worker.finish(claim, result: claim.parameters)
          }
        }
      }
      let all = try RunStore(folder + "/all")
      for _ in 1...2 {
        for task in 1...3 { _ = try all.merge(RunStore(folder + "/\(task)", for: .reading)) }
      }
      let points = try all.points(of: "grid")
      #expect(points.map(\.position) == Array(1...7))
      #expect(
        points.map { $0.result ?? $0.error ?? "" }
          == (1...7).map {
            $0 == 5 ? "no" : #"{"x":\#($0)}"#
          })
      let runs = try all.runs()
      #expect(runs.count == 7)
      #expect(runs.map { Int($0.last[0].value) } == runs.map { $0.position })
      #expect(try SweepWorker(all, plan(7)).counts().done == 6)
      _ = try SweepWorker(RunStore(folder + "/other"), plan(7) { $0.scriptHash = "other" })
      expectStoreError(
        "store: '\(all.path)' cannot take in '\(folder)/other': its sweep 'grid' was begun by "
          + "another version of the script or of mnemo, or with other arguments"
      ) { try all.merge(RunStore(folder + "/other")) }
    }
  }

  @Test func unknownSweepIsNamed() throws {
    try withTemporaryFolder { folder in
      let store = try RunStore(folder + "/s")
      _ = try SweepWorker(store, plan(1))
      expectStoreError("store: '\(store.path)' has no sweep 'gird'; there are grid") {
        try store.points(of: "gird")
      }
    }
  }
}
