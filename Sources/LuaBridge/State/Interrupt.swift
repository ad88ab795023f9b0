import LuaShim

/// Ctrl-C for one Lua state of the process.
///
/// The first SIGINT makes Lua code raise "interrupted!" at its next instruction. Swift code that
/// runs long asks `isPending`, or takes the interrupt and ends in its own way. If the first is
/// neither raised nor taken when a second one comes, the third ends the process.
///
/// What is raised is a value of a kind of its own, which `LuaError.isInterrupt` and
/// `Lua.isInterrupt(_:)` know again; an error of a script with the same words is no interrupt.
///
/// A coroutine that runs hears of it too; installing replaces `coroutine.resume` and `wrap` for
/// that.
public enum Interrupt {
  /// Catches SIGINT on behalf of a state, which has to run on the calling thread.
  public static func install(_ lua: Lua) { mnemo_interrupt_install(lua.state) }

  /// Gives SIGINT back to what handled it before.
  public static func uninstall() { mnemo_interrupt_uninstall() }

  /// Whether an interrupt waits to be raised or taken.
  public static var isPending: Bool { mnemo_interrupt_pending() != 0 }

  /// Whether the calling thread is the one that interrupts are for.
  public static var isOnThread: Bool { mnemo_interrupt_here() != 0 }

  /// Whether one waits that nobody defers, or that has been deferred for 50 ms.
  public static var isUrgent: Bool { mnemo_interrupt_urgent() != 0 }

  /// Takes a waiting interrupt: Lua code will not hear of it.
  public static func take() -> Bool { mnemo_interrupt_take() != 0 }

  /// Runs `body`, which looks for interrupts itself: a loop that ends after the current step.
  ///
  /// Meanwhile a first interrupt only waits, so that callbacks of the step can finish; after 50 ms,
  /// or when a second one comes, it is raised in them. What still waits at the end is raised in Lua
  /// then.
  public static func deferring<R>(_ body: () throws -> R) rethrows -> R {
    mnemo_interrupt_defer(1)
    defer { mnemo_interrupt_defer(-1) }
    return try body()
  }
}

/// Thrown out of a Swift function's body: raises an interrupt in Lua.
public struct Interrupted: Error, CustomStringConvertible {
  /// The words of Lua's own interrupts.
  public var description: String { "interrupted!" }

  /// An interrupt to be raised.
  public init() {}
}

extension Lua {
  /// Whether an error value that a script caught is an interrupt.
  public func isInterrupt(_ value: LuaValue) -> Bool {
    guard case .other(let reference, _) = value else { return false }
    reference.push()
    defer { mnemo_pop(current, 1) }
    return mnemo_isinterrupt(current, -1) != 0
  }
}
