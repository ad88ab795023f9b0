import Tensors

/// Tells on standard error how far a run is, its loss, and what its probes gave last.
///
/// Runs that go on side by side share one, which tells the mean of their steps, of their losses and
/// of what their probes gave.
public final class Progress: RunSink {
  private struct State {
    /// How many runs go on.
    var runs = 0
    var first = 0
    var last = 0
    var began = 0.0
    var line = ProgressLine()
    /// How many updates were made, and the losses of the latest, one for each run.
    var updates = 0
    var losses: [Double] = []
    /// The latest records, one for each run.
    var records: [Record] = []
  }

  private let state = Lock(State())
  private let prefix: [String]

  /// A line that is not shown yet.
  /// - Parameter prefix: what the line begins with: how far the whole is that runs are a part of.
  public init(prefix: String? = nil) { self.prefix = prefix.map { [$0] } ?? [] }

  /// Reports on the steps that are about to be made.
  public func begin(_ run: RunDescription) {
    state.withLock { state in
      if state.runs == 0 {
        state = State()
        state.began = ProgressLine.now()
      }
      state.runs += 1
      (state.first, state.last) = (run.first, run.last)
    }
  }

  /// Says that `step` updates are done, and the loss of the last.
  public func updated(step: Int, loss: Double) {
    state.withLock { state in
      guard state.runs > 0 else { return }
      if state.losses.count < state.runs {
        state.losses.append(loss)
      } else {
        state.losses[state.updates % state.runs] = loss
      }
      state.updates += 1
      let now = ProgressLine.now()
      if state.line.isDue(at: now) { show(&state, at: now) }
    }
  }

  /// Notes what the probes of a run gave.
  public func record(_ record: Record) {
    state.withLock { $0.records = ($0.records + [record]).suffix(max($0.runs, 1)) }
  }

  private func show(_ state: inout State, at now: Double) {
    let (first, last, runs) = (state.first, state.last, state.runs)
    let made = state.updates / runs
    let speed = Double(state.updates) / Double(runs) / max(now - state.began, 1e-9)
    let left = Double(last - first - made) / max(speed, 1e-9)
    let short = ProgressLine.short
    let words =
      prefix + [
        "step \(first + made)/\(last)" + (runs > 1 ? " of \(runs) models" : ""),
        "\(short(speed)) steps/s", "loss \(short(Self.mean(state.losses)))",
        "\(ProgressLine.duration(left)) left",
      ]
    state.line.show(
      Double(made) / Double(max(last - first, 1)), words + Self.values(state.records), at: now)
  }

  /// What the probes gave, each as a word.
  private static func values(_ records: [Record]) -> [String] {
    guard let last = records.last else { return [] }
    return last.values.map { name, _ in
      "\(name) \(ProgressLine.short(mean(records.compactMap { $0[name] })))"
    }
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  /// Ends the report on a run.
  public func end(_ status: TrainingRun.Status) {
    pause()
    state.withLock { $0.runs = max(0, $0.runs - 1) }
  }

  /// Takes the line away, so that a callback may print.
  public func pause() { state.withLock { $0.line.hide() } }
}
