import LuaShim

/// Ctrl-C for one Lua state of the process.
///
/// The first SIGINT makes Lua code raise "interrupted!" at its next instruction. Swift code that
/// runs long asks the ``StopToken`` of its state, or takes the interrupt and ends in its own way. A
/// second one, whenever it comes, is raised again at each further instruction, so that no code that
/// catches it goes on, and one stays pending, whoever takes it, until ``countInterruptsAnew()``.
/// From then on one that comes within a second of the one before ends the process.
///
/// What is raised is a value of a kind of its own, which `LuaError.isInterrupt` and
/// `isInterrupt(_:)` know again; an error of a script with the same words is no interrupt. A Swift
/// function raises one by throwing ``Stopped``.
///
/// A coroutine that runs hears of it too; `coroutine.resume` and `wrap` are replaced for that. So
/// is `xpcall`: its handler runs in a coroutine of its own if an interrupt is the error, and not at
/// all if it is a second one.
extension Lua {
  /// Catches SIGINT on behalf of this state, which has to run on the calling thread; no other state
  /// hears of it any more.
  public func hearInterrupts() {
    mnemo_interrupt_watch(state)
    mnemo_interrupt_install(state)
    calls.pointee.heardToken = .passUnretained(stopToken)
  }

  /// Catches SIGINT while `body` runs, if no state does: in a program that is not ours.
  public func hearingInterrupts<R>(_ body: () throws -> R) rethrows -> R {
    if mnemo_interrupt_isheard() != 0 { return try body() }
    mnemo_interrupt_install(state)
    calls.pointee.heardToken = .passUnretained(stopToken)
    defer { ignoreInterrupts() }
    return try StopToken.with(stopToken, body)
  }

  /// Catches the signals that end the process, for a program of our own, after `hearInterrupts`.
  ///
  /// The first SIGTERM or SIGHUP, and SIGPIPE when nobody reads standard output any more, is an
  /// interrupt that comes again to whoever catches it: training ends after its step, and what it
  /// writes gets to the disk. A second one ends the process at once. Writing to another pipe
  /// without a reader, or beyond a file's largest size (SIGXFSZ), fails as other writes do. What
  /// was ignored when the process started stays ignored.
  public static func hearEndings() { mnemo_hear_endings() }

  /// The signal that the process is to end with; nil if none came.
  public static var endingSignal: Int32? { mnemo_ending() == 0 ? nil : mnemo_ending() }

  /// Ends the process with that signal, so that who waits for it learns of it; does nothing if
  /// there is none.
  public static func endWithSignal() { mnemo_end() }

  /// Gives SIGINT back to what handled it before, if this state hears it.
  public func ignoreInterrupts() {
    mnemo_interrupt_uninstall(state)
    calls.pointee.heardToken = nil
  }

  /// Whether an interrupt of this state waits to be raised or taken.
  public var isInterruptPending: Bool { mnemo_interrupt_pending(state) != 0 }

  /// Whether a second interrupt came, so that everything is to end that runs.
  public var isInterruptInsisted: Bool { mnemo_interrupt_insisted(state) != 0 }

  /// Begins counting anew, between two pieces of work: one that waits is the first of the next.
  public func countInterruptsAnew() { mnemo_interrupt_count_anew(state) }

  /// Takes an interrupt of this state that waits: Lua code will not hear of it, unless it is a
  /// second one.
  public func takeInterrupt() -> Bool { mnemo_interrupt_take(state) != 0 }

  /// Runs `body`, which looks for interrupts itself: a loop that ends after the current step.
  ///
  /// Meanwhile a first interrupt only waits, so that callbacks of the step can finish; after 50 ms
  /// it is raised in them, a second one at once. What still waits at the end is raised in Lua
  /// then.
  public func deferringInterrupts<R>(_ body: () throws -> R) rethrows -> R {
    mnemo_interrupt_defer(state, 1)
    defer { mnemo_interrupt_defer(state, -1) }
    return try body()
  }

  /// Begins to keep a first interrupt waiting as long as it takes, for a loop that looks for it
  /// between its rounds and ends there; a second one is raised at once.
  /// - Returns: whether SIGINT is caught for that loop alone, in a program that is not ours.
  public func beginPatience() -> Bool {
    let isAlone = mnemo_interrupt_isheard() == 0
    if isAlone {
      mnemo_interrupt_install(state)
      calls.pointee.heardToken = .passUnretained(stopToken)
    }
    mnemo_interrupt_wait(state, 1)
    return isAlone
  }

  /// Ends it: what still waits is raised in Lua now.
  /// - Parameter isAlone: what `beginPatience()` returned.
  public func endPatience(_ isAlone: Bool) {
    guard !isClosed else { return }
    mnemo_interrupt_wait(state, -1)
    if isAlone { ignoreInterrupts() }
  }

  /// How many interrupts came since counting began anew, those taken among them.
  public var interruptCount: Int { Int(mnemo_interrupt_number(state)) }

  /// Whether an operation was cut short since the last question: what it left behind never reaches
  /// a script, and the interrupt that it heard counts as taken.
  @inline(__always)
  func takesCut() -> Bool {
    guard calls.pointee.heardToken != nil, stopToken.takeCut() else { return false }
    _ = takeInterrupt()
    return true
  }

  /// Whether an error value that a script caught is an interrupt.
  public func isInterrupt(_ value: LuaValue) -> Bool {
    guard case .other(let reference, _) = value else { return false }
    reference.push()
    defer { mnemo_pop(current, 1) }
    return mnemo_isinterrupt(current, -1) != 0
  }
}

extension StopToken {
  /// A token that asks for the interrupts of a state, which may have been closed.
  convenience init(interruptsOf state: OpaquePointer) {
    let state = UInt(bitPattern: state)
    self.init(
      isWanted: { mnemo_interrupt_pending(OpaquePointer(bitPattern: state)) != 0 },
      isUrgent: { mnemo_interrupt_urgent(OpaquePointer(bitPattern: state)) != 0 })
  }
}
