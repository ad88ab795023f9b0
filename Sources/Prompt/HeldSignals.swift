import Glibc

/// Signals that must not find the terminal in libedit's hands; held while a line is read.
struct HeldSignals {
  // Written by handlers, which can do little else, and read on the same thread.
  nonisolated(unsafe) static var windowChanged: sig_atomic_t = 0
  nonisolated(unsafe) static var ending: sig_atomic_t = 0
  nonisolated(unsafe) static var stopping: sig_atomic_t = 0
  nonisolated(unsafe) private static var terminal = termios()

  private var previous: [(Int32, sigaction)] = []

  /// Holds them until `restore`.
  init() {
    hold(SIGWINCH) { _ in HeldSignals.windowChanged = 1 }
    for signal in [SIGTERM, SIGHUP, SIGQUIT] { hold(signal) { HeldSignals.ending = $0 } }
    hold(SIGTSTP) { _ in HeldSignals.stopping = 1 }
    tcgetattr(STDIN_FILENO, &HeldSignals.terminal)
  }

  private mutating func hold(_ signal: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = handler
    var old = sigaction()
    sigaction(signal, &action, &old)
    previous.append((signal, old))
  }

  /// Gives the signals back.
  func restore() {
    for (signal, action) in previous {
      var action = action
      sigaction(signal, &action, nil)
    }
  }

  /// Ctrl-Z: stops the process with the terminal as the shell left it, and takes it back after.
  static func stop() {
    var editing = termios()
    tcgetattr(STDIN_FILENO, &editing)
    Terminal.write(Terminal.pasteOff)
    tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal)
    kill(0, SIGSTOP)
    tcsetattr(STDIN_FILENO, TCSADRAIN, &editing)
    Terminal.write(Terminal.pasteOn + "\n")
  }
}
