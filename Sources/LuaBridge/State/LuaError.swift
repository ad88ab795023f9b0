/// An error that Lua raised, or that is to be raised there.
///
/// Thrown out of a Swift function's body it goes on as the value it was: a table thrown by a
/// callback reaches the script's `pcall` as that same table.
public struct LuaError: Error, CustomStringConvertible {
  /// What `tostring` gives for the error value, as lua(1) words it.
  public let message: String
  /// Where it happened, from the innermost call out; `nil` for errors of the compiler.
  public let traceback: String?
  /// The error value itself; `nil` if the error was made in Swift.
  // Errors have to be Sendable. This one comes and goes on the thread of its Lua state, as every
  // call that throws or catches it does; nothing hands it to another.
  nonisolated(unsafe) public let value: LuaReference?
  /// Whether an interrupt (Ctrl-C) ended the code: known by the error value, never by its text.
  public let isInterrupt: Bool

  /// An error with a message, to which the script's position is added when it is raised.
  public init(_ message: String) {
    self.init(message: message, traceback: nil, value: nil)
  }

  init(
    message: String, traceback: String?, value: LuaReference?, isInterrupt: Bool = false
  ) {
    self.message = message
    self.traceback = traceback
    self.value = value
    self.isInterrupt = isInterrupt
  }

  /// The message.
  public var description: String { message }

  /// Message and traceback, as lua(1) prints them on standard error: an error object that has words
  /// of its own (`__tostring`) says all there is to say.
  public var report: String {
    guard let traceback, value?.hasText != true else { return message }
    return message + "\n" + traceback
  }

  /// Whether the chunk only stopped too early, so that a REPL may ask for more.
  public var isIncomplete: Bool { traceback == nil && message.hasSuffix("<eof>") }
}

/// A mistake in the arguments of a call, worded as Lua words them.
public struct BadArgument: Error, CustomStringConvertible {
  /// The message, without the script's position.
  public let description: String

  /// A mistake with this message.
  public init(description: String) { self.description = description }
}
