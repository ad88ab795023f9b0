import Glibc
import Tensors

/// Tells on standard error how far a run is: a bar on a terminal, plain lines elsewhere.
///
/// Written at most ten times a second on a terminal, and elsewhere at most every five seconds. Runs
/// that go on side by side share one, which tells the mean of their steps and of their losses.
public final class Progress: RunSink {
  private struct State {
    /// How many runs go on.
    var runs = 0
    var first = 0
    var last = 0
    var began = 0.0
    var written = 0.0
    var isShown = false
    /// How many updates were made, and the losses of the latest, one for each run.
    var updates = 0
    var losses: [Double] = []
  }

  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let state = Lock(State())

  /// A bar that is not shown yet.
  public init() {}

  /// Reports on the steps that are about to be made.
  public func begin(_ run: RunDescription) {
    state.withLock { state in
      if state.runs == 0 {
        state = State()
        state.began = Progress.now()
        state.written = state.began
      }
      state.runs += 1
      (state.first, state.last) = (run.first, run.last)
    }
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
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
      let now = Progress.now()
      guard now - state.written >= (isTerminal ? 0.1 : 5) else { return }
      state.written = now
      show(&state, at: now)
    }
  }

  private func show(_ state: inout State, at now: Double) {
    let (first, last, runs) = (state.first, state.last, state.runs)
    let made = state.updates / runs
    let speed = Double(state.updates) / Double(runs) / max(now - state.began, 1e-9)
    let left = Double(last - first - made) / max(speed, 1e-9)
    let loss = state.losses.reduce(0, +) / Double(state.losses.count)
    let text =
      "step \(first + made)/\(last)" + (runs > 1 ? " of \(runs) models" : "")
      + "  \(Self.short(speed)) steps/s  loss \(Self.short(loss))  \(Self.duration(left)) left"
    guard isTerminal else { return Progress.write(text + "\n") }
    let share = Double(made) / Double(max(last - first, 1))
    let width = max(0, min(30, Self.columns() - text.count - 4))
    let line =
      width >= 8 ? "\(Self.bar(share, width))  \(text)" : String(text.prefix(Self.columns() - 1))
    Progress.write("\r\u{1B}[K\(line)")
    state.isShown = true
  }

  public func end(_ status: TrainingRun.Status) {
    pause()
    state.withLock { $0.runs = max(0, $0.runs - 1) }
  }

  /// Takes the bar away, so that a callback may print.
  public func pause() {
    state.withLock { state in
      guard state.isShown else { return }
      Progress.write("\r\u{1B}[K")
      state.isShown = false
      // The next update draws it again.
      state.written = 0
    }
  }

  private static func write(_ text: String) {
    var text = text
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  private static func columns() -> Int {
    var size = winsize()
    let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return known ? Int(size.ws_col) : 80
  }

  private static func bar(_ share: Double, _ width: Int) -> String {
    let eighths = Int((share * Double(width * 8)).rounded())
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    let filled = String(repeating: "█", count: eighths / 8) + partial
    return filled + String(repeating: "░", count: max(0, width - filled.count))
  }

  private static func short(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
    let digits = abs(value) >= 100 ? 0 : (abs(value) >= 10 ? 1 : 3)
    let scale = pow(10.0, Double(digits))
    let whole = Int((abs(value) * scale).rounded())
    let sign = value < 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let fraction = String(whole % Int(scale))
    let padded = String(repeating: "0", count: digits - fraction.count) + fraction
    return "\(sign)\(whole / Int(scale)).\(padded)"
  }

  private static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 360_000 else { return "long" }
    let whole = Int(seconds.rounded(.up))
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    let two = rest < 10 ? "0\(rest)" : "\(rest)"
    return hours > 0 ? "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(two)" : "\(minutes):\(two)"
  }
}
