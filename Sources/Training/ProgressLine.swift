import Glibc

/// The line on standard error that says how far something is: a bar on a terminal, a line of text
/// each time elsewhere.
public struct ProgressLine {
  /// Whether somebody sees a bar.
  public static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  private let isTerminal = ProgressLine.isTerminal
  private let seconds: Double
  private var isShown = false
  private var written = 0.0

  /// A line that is not shown yet.
  /// - Parameter seconds: how long there is nothing new where it is no bar.
  public init(every seconds: Double = 5) {
    self.seconds = seconds
    written = Self.now()
  }

  /// Seconds on a clock that only goes forward.
  public static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Whether it is time to show it anew; on a terminal it is ten times a second.
  public func isDue(at now: Double) -> Bool { now - written >= (isTerminal ? 0.1 : seconds) }

  /// Shows a share of the way, and words, of which those at the end may be left out for lack of
  /// room.
  public mutating func show(_ share: Double, _ words: [String], at now: Double) {
    written = now
    let room = isTerminal ? Self.columns() - 1 : 100
    // The shortest bar, and the space behind it.
    let spare = isTerminal ? 10 : 0
    var text = words.first ?? ""
    for word in words.dropFirst() {
      guard text.count + 2 + word.count <= room - spare else { break }
      text += "  " + word
    }
    guard isTerminal else { return Self.write(text + "\n") }
    let width = max(0, min(30, room - text.count - 2))
    let line = width >= 8 ? "\(Self.bar(share, width))  \(text)" : String(text.prefix(room))
    Self.write("\r\u{1B}[K\(line)")
    isShown = true
  }

  /// Takes the bar away, so that something else may be written.
  public mutating func hide() {
    guard isShown else { return }
    Self.write("\r\u{1B}[K")
    isShown = false
    // The next time it is drawn again.
    written = 0
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
    let eighths = Int((min(max(share, 0), 1) * Double(width * 8)).rounded())
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    let filled = String(repeating: "█", count: eighths / 8) + partial
    return filled + String(repeating: "░", count: max(0, width - filled.count))
  }

  /// A number in few digits.
  public static func short(_ value: Double) -> String {
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

  /// How long something takes: `0:07`, `2:01:00`.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 360_000 else { return "long" }
    let whole = Int(seconds.rounded(.up))
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    let two = rest < 10 ? "0\(rest)" : "\(rest)"
    return hours > 0 ? "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(two)" : "\(minutes):\(two)"
  }
}
