import Kernels
import Synchronization
import Testing

@Suite struct BackgroundTests {
  private struct Refusal: Error, Equatable { let number: Int }

  /// Each outcome is that of its own body, which has run once, whether a thread or the caller did
  /// it.
  @Test func bodiesRunOnce() throws {
    let counter = Counter()
    let work = (0..<200).map { number in
      Background {
        counter.runs.wrappingAdd(1, ordering: .relaxed)
        return number
      }
    }
    for (number, one) in work.enumerated().reversed() { #expect(try one.outcome() == number) }
    for (number, one) in work.enumerated() { #expect(try one.outcome() == number) }
    #expect(counter.runs.load(ordering: .relaxed) == 200)
  }

  private final class Counter: Sendable { let runs = Atomic<Int>(0) }

  @Test func errorsAreHandedOn() {
    for number in 0..<20 {
      #expect(throws: Refusal(number: number)) {
        try Background<Int> { throw Refusal(number: number) }.outcome()
      }
    }
  }

  /// What nobody asks for is freed all the same.
  @Test func whatIsDroppedIsFreed() async throws {
    let counter = Counter()
    for _ in 0..<20 { _ = Background { counter.runs.load(ordering: .relaxed) } }
    weak var held: Counter?
    do {
      let other = Counter()
      held = other
      _ = try Background { other.runs.load(ordering: .relaxed) }.outcome()
    }
    for _ in 0..<2000 where held != nil { try await Task.sleep(for: .milliseconds(1)) }
    #expect(held == nil)
  }

  /// With all threads, loops inside are like any others.
  @Test func loopsInsideMayUseAllThreads() throws {
    #expect(try Background { Parallel.isInside }.outcome())
    #expect(try !Background(usesAllThreads: true) { Parallel.isInside }.outcome())
  }

  /// Loops inside stay on the thread that runs the body.
  @Test func loopsInsideStayOnOneThread() throws {
    let lanes = try Background {
      var lanes: Set<Int> = []
      Parallel.run(50, lanes: 4) { _, lane in lanes.insert(lane) }
      return lanes
    }.outcome()
    #expect(lanes == [0])
  }
}
