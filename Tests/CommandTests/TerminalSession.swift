import Glibc
import TestSupport
import Testing

/// The command on a pseudo-terminal, typed at and read as a person would.
final class TerminalSession {
  /// Everything the terminal has shown, without the sequences that move the cursor or set colours.
  private(set) var shown = ""
  /// Everything, as it came.
  private(set) var raw: [UInt8] = []

  private let master: Int32
  /// Kept open, so that the terminal's settings can be looked at when the command has ended.
  private let slave: Int32
  private var process: pid_t = 0
  private var position = 0

  /// Starts `mnemo` with a home of its own.
  init(
    _ arguments: [String] = [], home: String, variables: [String] = [], columns: UInt16 = 100,
    rows: UInt16 = 30, asNobody: Bool = false
  ) throws {
    // What unlockpt(3) and ptsname(3) do, which Glibc does not show to Swift.
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var (unlocked, number): (Int32, Int32) = (0, 0)
    _ = ioctl(master, 0x4004_5431, &unlocked)  // TIOCSPTLCK
    _ = ioctl(master, 0x8004_5430, &number)  // TIOCGPTN
    let path = "/dev/pts/\(number)"
    slave = open(path, O_RDWR | O_NOCTTY)
    try #require(master >= 0 && slave >= 0)
    _ = fcntl(master, F_SETFL, O_NONBLOCK)
    resize(columns: columns, rows: rows)

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Opened by the leader of a new session, it becomes the terminal that Ctrl-C acts on.
    posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, 0, 1)
    posix_spawn_file_actions_adddup2(&actions, 0, 2)
    posix_spawn_file_actions_addclose(&actions, master)
    posix_spawn_file_actions_addclose(&actions, slave)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, 0x80)  // POSIX_SPAWN_SETSID

    let words =
      (asNobody && geteuid() == 0 ? Self.asNobody : []) + [TerminalSession.command] + arguments
    // The first of two of one name counts.
    let environment =
      variables + [
        "HOME=\(home)", "TERM=xterm", "LANG=C.UTF-8", "PATH=/usr/bin:/bin",
        "XDG_STATE_HOME=\(home)/state", "XDG_CONFIG_HOME=\(home)/config",
      ]
    var argv = words.map { strdup($0) } + [nil]
    var envp = environment.map { strdup($0) } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    let status = posix_spawn(&process, words[0], &actions, &attributes, &argv, &envp)
    try #require(status == 0, "\(words[0]): \(String(cString: strerror(status)))")
  }

  deinit {
    if process > 0 {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    close(master)
    close(slave)
  }

  /// What runs a command as a user without rights; root may read everything.
  private static let asNobody = [
    "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
  ]

  /// Whether a user without rights can run the command: not from a checkout that only root may
  /// enter.
  static let canRunAsNobody =
    geteuid() != 0
    || system(
      (asNobody + [command, "-e", "'require \"mnemo.prompt.show\"'", ">/dev/null", "2>&1"]).joined(
        separator: " ")) == 0

  private static var command: String {
    getenv("MNEMO").map { String(cString: $0) } ?? ".build/release/mnemo"
  }

  /// Gives the window another size, which the command is told by a signal.
  func resize(columns: UInt16, rows: UInt16) {
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
  }

  /// Types a text; what the command prints meanwhile is read, so that neither side waits.
  func type(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(master, $0.baseAddress, min($0.count, 4096)) }
      if count > 0 { rest = rest.dropFirst(count) } else { _ = poll(5) }
      _ = poll(0)
    }
  }

  /// Types a line and Enter, and waits for a text that is shown after it.
  @discardableResult
  func enter(
    _ line: String, expecting text: String, seconds: Double = 120,
    location: SourceLocation = #_sourceLocation
  ) throws -> String {
    type(line + "\r")
    return try expect(text, seconds: seconds, location: location)
  }

  /// Waits until a text is shown, and returns what was shown since the last wait, up to its end.
  @discardableResult
  func expect(
    _ text: String, seconds: Double = 120, location: SourceLocation = #_sourceLocation
  ) throws -> String {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      let fresh = shown.utf8.dropFirst(position)
      if let found = range(of: Array(text.utf8), in: Array(fresh)) {
        let result = String(decoding: fresh.prefix(found), as: UTF8.self)
        position += found
        return result
      }
      if ContinuousClock.now > end {
        let message = "'\(text)' was not shown; the last was: \(String(shown.suffix(2000)))"
        Issue.record(Comment(rawValue: message), sourceLocation: location)
        throw Missing(text: text)
      }
      _ = poll(50)
    }
  }

  struct Missing: Error { let text: String }

  /// Waits for the command to end, and returns its exit status.
  func end(seconds: Double = 120) throws -> Int32 {
    let end = ContinuousClock.now + .seconds(seconds)
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      try #require(ContinuousClock.now < end, "the command did not end: \(shown.suffix(500))")
      _ = poll(20)
    }
    process = 0
    return (status >> 8) & 0xFF
  }

  /// Whether the terminal echoes and waits for whole lines, as a shell wants it.
  var isRestored: Bool {
    var settings = termios()
    tcgetattr(slave, &settings)
    return settings.c_lflag & UInt32(ICANON | ECHO | ISIG) == UInt32(ICANON | ECHO | ISIG)
  }

  /// The end of the first place where a text is found.
  private func range(of text: [UInt8], in bytes: [UInt8]) -> Int? {
    guard !text.isEmpty, bytes.count >= text.count else { return nil }
    for start in 0...(bytes.count - text.count)
    where bytes[start] == text[0] && bytes[start..<start + text.count].elementsEqual(text) {
      return start + text.count
    }
    return nil
  }

  /// Reads what is there, after waiting for it.
  private func poll(_ milliseconds: Int32) -> Bool {
    var descriptor = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&descriptor, 1, milliseconds) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(master, &buffer, buffer.count)
    guard count > 0 else { return false }
    raw += buffer[..<count]
    show(buffer[..<count])
    return true
  }

  private var escape: [UInt8] = []

  private func show(_ bytes: ArraySlice<UInt8>) {
    var visible: [UInt8] = []
    for byte in bytes {
      if !escape.isEmpty {
        escape.append(byte)
        let isSequence = escape.count > 1 && escape[1] == UInt8(ascii: "[")
        if escape.count == 2, !isSequence { escape = [] }
        if escape.count > 2, (0x40...0x7E).contains(byte) { escape = [] }
      } else if byte == 0x1B {
        escape = [byte]
      } else if byte != 0x0D {
        visible.append(byte)
      }
    }
    shown += String(decoding: visible, as: UTF8.self)
  }
}

extension String {
  /// How often a text occurs.
  func occurrences(of text: String) -> Int {
    indices.count { self[$0...].hasPrefix(text) }
  }

  /// Writes the text into a new file.
  func write(to path: String) throws {
    let file = try #require(fopen(path, "w"))
    fputs(self, file)
    try #require(fclose(file) == 0)
  }
}
