import CLua
import LuaShim
@_exported import Stopping

/// One Lua state: opened and owned by mnemo, or borrowed from the program that loaded it.
///
/// A state lives on one thread, and so does everything that refers to it: `Lua`, `LuaReference`
/// and `LuaCall` are not `Sendable`. The state keeps its `Lua` alive until it closes, so an owned
/// state must be ended with `close()`.
///
/// Swift calls only Lua functions that cannot raise. Whatever may run Lua code (a call, a
/// metamethod, a compilation) goes under `lua_pcall` and throws a `LuaError` instead. A push that
/// finds no memory, or no room, leaves nil and a note: the Swift function that pushed ends with an
/// error of Lua's.
public final class Lua {
  /// The main thread of the state.
  public let state: OpaquePointer

  /// What changes with every call and push.
  ///
  /// A block of its own, because each use of a class's property that changes is checked at run time
  /// for overlapping uses, which took a fifth of a small call.
  struct CallState {
    var current: OpaquePointer
    var isClosed = false
    /// Swift functions that are active, one inside the other.
    var dispatchDepth = 0
    /// Why a push failed; nobody has been told yet.
    var failure: Failure?
    /// The stop token while the state hears interrupts.
    var heardToken: Unmanaged<StopToken>?
    /// Objects that Lua holds and has not finalized.
    var liveObjects = 0
    var objectThreshold = Lua.minimumObjects
    var collectionThreshold = Lua.minimumThreshold
    var finalizerDepth = 0
    var isCollecting = false
  }
  let calls: UnsafeMutablePointer<CallState>

  /// The thread that runs now: a coroutine while a Swift function called from one is active.
  ///
  /// All pushes go to this thread's stack, and callbacks run on it.
  public internal(set) var current: OpaquePointer {
    get { calls.pointee.current }
    set { calls.pointee.current = newValue }
  }

  /// Why a push failed; nobody has been told yet.
  var failure: Failure? {
    get { calls.pointee.failure }
    set { calls.pointee.failure = newValue }
  }

  /// Whether the state has been closed; references then refuse to be used.
  public var isClosed: Bool { calls.pointee.isClosed }

  /// How many bytes the objects held by Lua occupy outside it.
  ///
  /// Lua counts only the few bytes of a userdata. When this number passes a threshold after an
  /// object is pushed, a full collection runs, and the threshold becomes twice what is left, but
  /// at least `minimumThreshold`.
  public var externalBytes: (() -> Int)?

  /// What stops the Swift functions of this state.
  let stopToken: StopToken

  /// What the module that opened in this state keeps for it; let go when the state closes.
  public var attachment: AnyObject?

  /// The least number of external bytes at which a collection runs: 64 MiB.
  public static let minimumThreshold = 64 << 20

  /// How many external bytes have to be in use for the next forced collection.
  public var collectionThreshold: Int { calls.pointee.collectionThreshold }

  /// The least number of objects at which a collection runs.
  ///
  /// Lua frees an object with a finalizer only in the second cycle after its last use, and plans
  /// its cycles as if the others were alive: views made in a loop (`t[i][j]`) would fill tens of
  /// megabytes and every cache before they go.
  static let minimumObjects = 4096

  /// Memory that has to be left when objects are made: Swift's own allocations end the process
  /// when they fail, so Lua has to say before that there is none.
  static let memoryKept = 8 << 20

  /// How many collections external bytes have caused so far.
  public internal(set) var forcedCollections = 0

  /// Swift inside Lua callbacks inside Swift functions: the labels, outermost first.
  var callbackLabels: [String?] = []
  /// The words of a failure for which there are no fixed ones.
  var otherFailure = ""
  var entries: [FunctionEntry] = []
  var classes: [ClassEntry] = []
  var classByType: [ObjectIdentifier: ClassEntry] = [:]
  /// What goes wrong with a push; every call looks at it, so it is a byte.
  enum Failure { case memory, stack, other }
  static let noMemory = "not enough memory"

  /// The class of the last object pushed: as a rule that of the next one.
  var pushedLast: (type: ObjectIdentifier, entry: ClassEntry)?

  /// The traceback of the error that Swift passed on last, to be joined with the outer one.
  var passedOn: (value: LuaReference, traceback: String)?

  /// Opens a state with the standard libraries.
  public convenience init() {
    guard let state = mnemo_open() else { preconditionFailure("no memory for a Lua state") }
    self.init(adopting: state)
  }

  /// Attaches to a state that belongs to someone else, once for each state.
  ///
  /// - Parameter borrowed: Any thread of the state. Use `entering(_:_:)` to push results there.
  public convenience init(borrowing borrowed: OpaquePointer) {
    self.init(adopting: mnemo_mainthread(borrowed))
  }

  private init(adopting state: OpaquePointer) {
    _ = connectSwift
    self.state = state
    calls = .allocate(capacity: 1)
    calls.initialize(to: CallState(current: state))
    stopToken = StopToken(interruptsOf: state)
    reserve(4)
    let anchored = Unmanaged.passRetained(self)
    if !note(mnemo_anchor(state, anchored.toOpaque())) { anchored.release() }
  }

  deinit { calls.deallocate() }

  /// Closes an owned state: runs finalizers and releases every object Lua held.
  ///
  /// While a Swift function that it called is active, the state stays open.
  public func close() {
    guard !isClosed, calls.pointee.dispatchDepth == 0 else { return }
    ignoreInterrupts()
    mnemo_close(state)
  }

  /// Lets go of everything; the anchor calls it, after the other objects' finalizers.
  ///
  /// A finalizer of the script, older than the anchor, may still call a function of ours: the
  /// trampoline then finds the anchor empty and raises an error.
  func stateDidClose() {
    calls.pointee.isClosed = true
    externalBytes = nil
    calls.pointee.heardToken = nil
    attachment = nil
    passedOn = nil
    calls.pointee.failure = nil
    // Classes hold references, which hold this object.
    classes = []
    classByType = [:]
    pushedLast = nil
    entries = []
    Unmanaged.passUnretained(self).release()
  }

  // MARK: Callbacks

  /// How many Lua callbacks made from Swift functions are running, one inside the other.
  public var callbackDepth: Int { callbackLabels.count }

  /// The label of the innermost running callback.
  public var currentCallback: String? { callbackLabels.last ?? nil }

  /// Runs `body` as part of a callback if a Swift function is active.
  func withinCallback<R>(_ label: String?, _ body: () throws -> R) rethrows -> R {
    guard calls.pointee.dispatchDepth > 0 else { return try body() }
    callbackLabels.append(label)
    defer { callbackLabels.removeLast() }
    return try body()
  }

  /// Makes `thread` the current one during `body`.
  public func entering<R>(_ thread: OpaquePointer, _ body: () throws -> R) rethrows -> R {
    let outer = current
    current = thread
    defer { current = outer }
    return try body()
  }

}
