import Glibc
import Kernels
import Stopping
import Synchronization
import Testing

@Suite struct StopTokenTests {
  private final class Wish: Sendable {
    let isUrgent = Atomic<Bool>(false)
    let parts = Atomic<Int>(0)
    var token: StopToken {
      StopToken(
        isWanted: { self.isUrgent.load(ordering: .relaxed) },
        isUrgent: { self.isUrgent.load(ordering: .relaxed) })
    }
  }

  /// Parts that were run of so many, under a token that wants to stop when `last` have been.
  private func parts(of count: Int, stoppingAfter last: Int, lanes: Int) -> (Int, StopToken) {
    let wish = Wish()
    let token = wish.token
    StopToken.with(token) {
      Parallel.run(count, lanes: lanes) { _, _ in
        if wish.parts.add(1, ordering: .relaxed).newValue >= last {
          wish.isUrgent.store(true, ordering: .relaxed)
        }
      }
    }
    return (wish.parts.load(ordering: .relaxed), token)
  }

  @Test(arguments: [1, 2, 4]) func lanesHandOutNoMoreParts(_ lanes: Int) {
    let (count, token) = parts(of: 10000, stoppingAfter: 5, lanes: lanes)
    #expect(count >= 5 && count <= 5 + lanes)
    #expect(token.takeCut() && !token.takeCut())
  }

  @Test func whatIsNotAskedToStopRunsToItsEnd() {
    let (count, token) = parts(of: 100, stoppingAfter: 101, lanes: 2)
    #expect(count == 100 && !token.takeCut())
  }

  /// Two that follow one are stopped with it, and each hears of its own cuts alone.
  @Test func aTokenFollowsAnother() throws {
    let wish = Wish()
    let token = wish.token
    let (first, second) = (StopToken(following: token), StopToken(following: token))
    #expect(!first.isRequested)
    wish.isUrgent.store(true, ordering: .relaxed)
    #expect(first.isRequested && second.isRequested)
    StopToken.with(first) {
      StopToken.with(second) {
        StopToken.suspended { #expect(!StopToken.stopsHere) }
      }
      StopToken.suspended {
        StopToken.with(second) { #expect(StopToken.stopsHere) }
        #expect(!StopToken.stopsHere)
      }
    }
    #expect(!first.takeCut() && second.takeCut() && !token.takeCut())
  }

  /// Numbers of an operation that was cut short go no further until somebody has heard of it.
  @Test func aCutStaysUntilItIsTaken() throws {
    let wish = Wish()
    let token = wish.token
    try StopToken.with(token) {
      try StopToken.check()
      wish.isUrgent.store(true, ordering: .relaxed)
      // Nothing has been left out yet.
      try StopToken.check()
      #expect(throws: Stopped.self) { try StopToken.checkpoint() }
      wish.isUrgent.store(false, ordering: .relaxed)
      #expect(throws: Stopped.self) { try StopToken.check() }
      #expect(StopToken.takes(EngineError("loss", "is nan")))
      try StopToken.check()
      #expect(StopToken.takes(Stopped()) && !StopToken.takes(EngineError("loss", "is nan")))
    }
  }

  @Test func whatIsSuspendedRunsToItsEnd() throws {
    let wish = Wish()
    wish.isUrgent.store(true, ordering: .relaxed)
    try StopToken.with(wish.token) {
      try StopToken.suspended {
        var parts = 0
        try StopToken.parts(1000, of: 100) { parts += $0.count }
        #expect(parts == 1000 && !StopToken.stopsHere)
        StopToken.suspended { #expect(StopToken.heard == nil) }
        #expect(StopToken.heard == nil)
      }
      #expect(throws: Stopped.self) { try StopToken.parts(1000, of: 100) { _ in } }
    }
  }

  @Test func theOuterTokenComesBack() {
    let (outer, inner) = (Wish().token, Wish().token)
    #expect(StopToken.current == nil)
    StopToken.with(outer) {
      StopToken.with(inner) { #expect(StopToken.current === inner) }
      StopToken.with(nil) { #expect(StopToken.current == nil) }
      #expect(StopToken.current === outer)
      try? StopToken.with(inner) { throw Stopped() }
      #expect(StopToken.current === outer)
    }
    #expect(StopToken.current == nil)
  }

  /// Two sessions on two threads: one is stopped for good, the other never hears of it.
  @Test func sessionsDoNotStopEachOther() throws {
    let (stopped, other) = (Wish(), Wish())
    stopped.isUrgent.store(true, ordering: .relaxed)
    let counts = try [stopped, other].map { wish in
      try Thread {
        StopToken.with(wish.token) {
          Parallel.run(1000) { _, _ in wish.parts.add(1, ordering: .relaxed) }
          let isCut = (try? StopToken.check()) == nil
          return (wish.parts.load(ordering: .relaxed), isCut)
        }
      }
    }.map { try #require($0.join()) }
    #expect(counts[0] == (0, true) && counts[1] == (1000, false))
  }
}

/// A thread of its own for a body, and what it returned.
private final class Thread<R>: @unchecked Sendable {
  // Sendable: the result is written before the thread ends and read after it has been joined.
  private var body: (() -> R)?
  private var result: R?
  private var thread = pthread_t()

  init(_ body: @escaping () -> R) throws {
    self.body = body
    let run = Runner { [unowned self] in result = self.body?() }
    let status = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Runner>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, Unmanaged.passRetained(run).toOpaque())
    try #require(status == 0)
  }

  func join() -> R? {
    pthread_join(thread, nil)
    body = nil
    return result
  }
}

private final class Runner {
  let body: () -> Void
  init(_ body: @escaping () -> Void) { self.body = body }
}
