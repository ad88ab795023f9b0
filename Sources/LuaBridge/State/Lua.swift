import CLua
import LuaShim

/// One Lua state: opened and owned by mnemo, or borrowed from the program that loaded it.
///
/// A state lives on one thread, and so does everything that refers to it: `Lua`, `LuaReference`
/// and `Call` are not `Sendable`. The state keeps its `Lua` alive until it closes, so an owned
/// state must be ended with `close()`.
///
/// Swift calls only Lua functions that cannot raise. Whatever may run Lua code (a call, a
/// metamethod, a compilation) goes under `lua_pcall` and throws a `LuaError` instead. A push that
/// finds no memory, or no room, leaves nil and a note: the Swift function that pushed ends with an
/// error of Lua's.
public final class Lua {
  /// The main thread of the state.
  public let state: OpaquePointer

  /// The thread that runs now: a coroutine while a Swift function called from one is active.
  ///
  /// All pushes go to this thread's stack, and callbacks run on it.
  public private(set) var current: OpaquePointer

  /// Whether the state has been closed; references then refuse to be used.
  public private(set) var isClosed = false

  /// How many bytes the objects held by Lua occupy outside it.
  ///
  /// Lua counts only the few bytes of a userdata. When this number passes a threshold after an
  /// object is pushed, a full collection runs, and the threshold becomes twice what is left, but
  /// at least `minimumThreshold`.
  public var externalBytes: (() -> Int)?

  /// Asked when a Swift function has ended, well or with an error: whether it was cut short, so
  /// that an interrupt is raised instead.
  public var wasInterrupted: (() -> Bool)?

  /// What the module that opened in this state keeps for it; let go when the state closes.
  public var attachment: AnyObject?

  /// The least number of external bytes at which a collection runs: 64 MiB.
  public static let minimumThreshold = 64 << 20

  /// How many external bytes have to be in use for the next forced collection.
  public private(set) var collectionThreshold = Lua.minimumThreshold

  /// The least number of objects at which a collection runs.
  ///
  /// Lua frees an object with a finalizer only in the second cycle after its last use, and plans
  /// its cycles as if the others were alive: views made in a loop (`t[i][j]`) would fill tens of
  /// megabytes and every cache before they go.
  private static let minimumObjects = 4096
  /// Objects that Lua holds and has not finalized.
  private var liveObjects = 0
  private var objectThreshold = Lua.minimumObjects

  /// Memory that has to be left when objects are made: Swift's own allocations end the process
  /// when they fail, so Lua has to say before that there is none.
  private static let memoryKept = 8 << 20

  /// How many collections external bytes have caused so far.
  public private(set) var forcedCollections = 0

  /// Swift inside Lua callbacks inside Swift functions: the labels, outermost first.
  private var callbackLabels: [String?] = []
  private var dispatchDepth = 0
  /// Why a push failed; nobody has been told yet.
  private var failure: Failure?
  /// The words of a failure for which there are no fixed ones.
  private var otherFailure = ""
  private var isCollecting = false
  private var finalizerDepth = 0
  private var entries: [FunctionEntry] = []
  private var classes: [ClassEntry] = []
  private var classByType: [ObjectIdentifier: ClassEntry] = [:]
  /// What goes wrong with a push; every call looks at it, so it is a byte.
  private enum Failure { case memory, stack, other }
  private static let noMemory = "not enough memory"

  /// The class of the last object pushed: as a rule that of the next one.
  private var pushedLast: (type: ObjectIdentifier, entry: ClassEntry)?

  /// The traceback of the error that Swift passed on last, to be joined with the outer one.
  private var passedOn: (value: LuaReference, traceback: String)?

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
    current = state
    reserve(4)
    let anchored = Unmanaged.passRetained(self)
    if !note(mnemo_anchor(state, anchored.toOpaque())) { anchored.release() }
  }

  /// Closes an owned state: runs finalizers and releases every object Lua held.
  ///
  /// While a Swift function that it called is active, the state stays open.
  public func close() {
    guard !isClosed, dispatchDepth == 0 else { return }
    if mnemo_interrupt_state() == state { Interrupt.uninstall() }
    mnemo_close(state)
  }

  /// Lets go of everything; the anchor calls it, after the other objects' finalizers.
  ///
  /// A finalizer of the script, older than the anchor, may still call a function of ours: the
  /// trampoline then finds the anchor empty and raises an error.
  fileprivate func stateDidClose() {
    isClosed = true
    externalBytes = nil
    wasInterrupted = nil
    attachment = nil
    passedOn = nil
    failure = nil
    // Classes hold references, which hold this object.
    classes = []
    classByType = [:]
    pushedLast = nil
    entries = []
    Unmanaged.passUnretained(self).release()
  }

  // MARK: Code

  /// Compiles a chunk of text; bytecode is refused.
  ///
  /// - Parameters:
  ///   - text: Lua source.
  ///   - chunkName: As Lua wants it: `@script.lua` for a file, `=stdin` for a bare name.
  /// - Returns: The chunk as a function.
  /// - Throws: `LuaError` with the compiler's message.
  public func load(_ text: String, chunkName: String) throws -> LuaReference {
    try load(bytes: Array(text.utf8), chunkName: chunkName)
  }

  /// Compiles a chunk given as bytes, which need not be UTF-8; bytecode is refused.
  public func load(bytes: [UInt8], chunkName: String) throws -> LuaReference {
    reserve(4)
    let status = bytes.withUnsafeBytes { buffer in
      mnemo_load(
        current, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, chunkName)
    }
    guard status == LUA_OK else {
      lua_pushnil(current)
      throw popError()
    }
    return popReference()
  }

  /// Runs a compiled chunk and returns its results, with a traceback in what it throws.
  @discardableResult
  public func run(_ chunk: LuaReference, _ arguments: [LuaValue] = []) throws -> [LuaValue] {
    try chunk.invoke(arguments, results: nil)
  }

  /// Runs a chunk; `witness` is called where an error is raised, with all frames still there.
  ///
  /// It is called for errors of callbacks inside, too, which may be caught further out.
  @discardableResult
  public func run(
    _ chunk: LuaReference, _ arguments: [LuaValue], witness: LuaReference
  ) throws -> [LuaValue] {
    reserve(1)
    witness.push()
    note(mnemo_setwitness(current))
    defer {
      lua_pushnil(current)
      note(mnemo_setwitness(current))
    }
    return try run(chunk, arguments)
  }

  /// Compiles and runs a piece of text.
  @discardableResult
  public func run(_ text: String, chunkName: String = "=(run)") throws -> [LuaValue] {
    try run(load(text, chunkName: chunkName))
  }

  /// Sets a global variable, past any metatable of the global table.
  public func setGlobal(_ name: String, _ value: some LuaPushable) {
    reserve(4)
    mnemo_pushglobals(current)
    pushString(name)
    value.push(to: self)
    note(mnemo_rawset(current, -3))
    mnemo_pop(current, 1)
  }

  /// Reads a global variable, past any metatable of the global table.
  public func global(_ name: String) -> LuaValue {
    reserve(4)
    mnemo_pushglobals(current)
    pushString(name)
    _ = mnemo_rawget(current, -2)
    let value = value(at: -1)
    mnemo_pop(current, 2)
    return value
  }

  /// Sets `package.loaded[name]`, so that `require(name)` returns the value.
  public func setLoaded(_ name: String, _ value: some LuaPushable) {
    guard case .table(let package) = global("package"),
      case .table(let loaded)? = try? package.field("loaded")
    else { return }
    reserve(4)
    loaded.push()
    pushString(name)
    value.push(to: self)
    note(mnemo_rawset(current, -3))
    mnemo_pop(current, 1)
  }

  /// A new empty table.
  public func newTable() -> LuaReference {
    reserve(2)
    pushTable()
    return popReference()
  }

  /// Runs a full collection.
  public func collect() {
    guard !isCollecting, finalizerDepth == 0 else { return }
    isCollecting = true
    _ = mnemo_collect(current)
    isCollecting = false
  }

  /// Bytes in use by Lua itself, without the objects it holds.
  public var usedBytes: Int { mnemo_usage(state) }

  // MARK: Callbacks

  /// How many Lua callbacks made from Swift functions are running, one inside the other.
  public var callbackDepth: Int { callbackLabels.count }

  /// The label of the innermost running callback.
  public var currentCallback: String? { callbackLabels.last ?? nil }

  /// Runs `body` as part of a callback if a Swift function is active.
  func withinCallback<R>(_ label: String?, _ body: () throws -> R) rethrows -> R {
    guard dispatchDepth > 0 else { return try body() }
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

  // MARK: The stack

  /// Makes room for pushes, and for what the C side needs beside them; notes a failure.
  ///
  /// A function that Lua called has room for 40 values, so few pushes need not look at the answer;
  /// those whose number a script decides must. Lua's stack holds a million values in all.
  @discardableResult
  func reserve(_ slots: Int) -> Bool {
    if lua_checkstack(current, Int32(clamping: slots + 4)) != 0 { return true }
    if failure == nil { failure = .stack }
    return false
  }

  /// Notes a failure of a push that the C side reports; returns whether it went well.
  @discardableResult
  func note(_ status: Int32) -> Bool {
    if status == LUA_OK { return true }
    if failure == nil {
      failure = status == LUA_ERRMEM ? .memory : .other
      otherFailure = String(cString: mnemo_failure())
    }
    return false
  }

  /// Notes that there is no memory for a value, in place of which nil was pushed.
  func noteNoMemory() { failure = .memory }

  /// - Throws: `LuaError` if a push has failed since somebody was told last.
  func checkPushes() throws {
    guard let failure else { return }
    self.failure = nil
    throw LuaError(message(of: failure))
  }

  /// In Lua's own words.
  private func message(of failure: Failure) -> String {
    switch failure {
    case .memory: Lua.noMemory
    case .stack: "stack overflow"
    case .other: otherFailure
    }
  }

  /// - Throws: `LuaError` unless so many bytes could be had, for work that asks for them later
  ///   where nobody could say that there are none.
  public func checkMemory(_ bytes: Int) throws {
    guard bytes > 1 << 20, mnemo_hasmemory(bytes) == 0 else { return }
    throw LuaError(Lua.noMemory)
  }

  /// Pushes a string, which may hold any bytes of UTF-8, zeros included.
  func pushString(_ string: String) {
    var string = string
    string.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        _ = note(mnemo_pushstring(current, $0.baseAddress, $0.count))
      }
    }
  }

  /// Pushes a table with room for so many elements and fields; returns whether there was memory.
  @discardableResult
  func pushTable(elements: Int = 0, fields: Int = 0) -> Bool {
    note(mnemo_createtable(current, Int32(clamping: elements), Int32(clamping: fields)))
  }

  /// Pushes a userdata that holds the object, whose class must have been registered.
  public func push(_ object: AnyObject) {
    let type = ObjectIdentifier(Swift.type(of: object))
    let entry: ClassEntry
    if let pushedLast, pushedLast.type == type {
      entry = pushedLast.entry
    } else {
      guard let found = classEntry(of: object, type) else {
        preconditionFailure("the class \(Swift.type(of: object)) is not registered with Lua")
      }
      entry = found
      pushedLast = (type, found)
    }
    reserve(6)
    let address = Unmanaged.passUnretained(object).toOpaque()
    if entry.declaration.isIdentified && mnemo_pushidentified(current, address) != 0 { return }
    let held = Unmanaged.passRetained(object)
    let status = mnemo_pushobject(
      current, held.toOpaque(), UInt(bitPattern: type),
      Unmanaged.passUnretained(entry).toOpaque(), entry.metatable,
      entry.declaration.isIdentified ? 1 : 0)
    if note(status) { collectUnderPressure() } else { held.release() }
  }

  /// Pushes a function, which stays until the state closes: for registration, not for loops.
  public func push(_ function: Function) {
    push(FunctionEntry(self, function, .function))
  }

  func push(_ entry: FunctionEntry) {
    entries.append(entry)
    reserve(3)
    note(mnemo_pushfunction(current, Unmanaged.passUnretained(entry).toOpaque()))
  }

  /// Pops a methods table and pushes the `__index` which asks there first, then the entry.
  func pushIndex(_ entry: FunctionEntry) {
    entries.append(entry)
    reserve(3)
    note(mnemo_pushindex(current, Unmanaged.passUnretained(entry).toOpaque()))
  }

  func popReference() -> LuaReference { LuaReference(poppingFrom: self) }

  /// Reads a value of the current stack without changing it.
  func value(at index: Int32) -> LuaValue {
    let stack = current
    switch lua_type(stack, index) {
    case LUA_TNONE, LUA_TNIL: return .nil
    case LUA_TBOOLEAN: return .boolean(lua_toboolean(stack, index) != 0)
    case LUA_TNUMBER:
      if lua_isinteger(stack, index) != 0 {
        return .integer(Int(lua_tointegerx(stack, index, nil)))
      }
      return .number(lua_tonumberx(stack, index, nil))
    case LUA_TSTRING: return .string(string(at: index))
    case LUA_TTABLE: return .table(reference(at: index))
    case LUA_TFUNCTION: return .function(reference(at: index))
    default:
      if let object = object(at: index) { return .object(object) }
      return .other(reference(at: index), typeName: typeName(at: index))
    }
  }

  func reference(at index: Int32) -> LuaReference {
    reserve(2)
    lua_pushvalue(current, index)
    return popReference()
  }

  /// The string at `index`, which must be one: a number would be converted in place.
  func string(at index: Int32) -> String {
    var length = 0
    guard let bytes = lua_tolstring(current, index, &length) else { return "" }
    return String(
      decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
  }

  /// Whether the string at `index` is UTF-8, so that Swift holds what Lua holds.
  func isText(at index: Int32) -> Bool {
    var length = 0
    guard let bytes = lua_tolstring(current, index, &length) else { return false }
    let given = UnsafeRawBufferPointer(start: bytes, count: length)
    return String(decoding: given, as: UTF8.self).utf8.elementsEqual(given)
  }

  func object(at index: Int32) -> AnyObject? {
    guard let raw = mnemo_toblock(current, index)?.pointee.object else { return nil }
    return Unmanaged<AnyObject>.fromOpaque(raw).takeUnretainedValue()
  }

  func object<T>(at index: Int32, as type: T.Type) -> T? {
    guard let block = mnemo_toblock(current, index), let raw = block.pointee.object else {
      return nil
    }
    let object = Unmanaged<AnyObject>.fromOpaque(raw).takeUnretainedValue()
    // The same class needs no cast, which would cost more than the call itself.
    if block.pointee.type == UInt(bitPattern: ObjectIdentifier(type)) {
      return unsafeBitCast(object, to: T.self)
    }
    return object as? T
  }

  /// What a message calls the value: a class's name, or Lua's type name.
  func typeName(at index: Int32) -> String {
    if lua_type(current, index) == LUA_TNONE { return "no value" }
    if let block = mnemo_toblock(current, index), let declaration = block.pointee.declaration {
      let name = Unmanaged<ClassEntry>.fromOpaque(declaration).takeUnretainedValue().name
      return block.pointee.object == nil ? "a closed \(name)" : name
    }
    reserve(2)
    defer { mnemo_pop(current, 1) }
    return mnemo_pushtypename(current, index).map { String(cString: $0) } ?? "?"
  }

  // MARK: Errors

  /// Pops a traceback and the error value below it.
  func popError() -> LuaError {
    let stack = current
    reserve(4)
    var traceback = lua_type(stack, -1) == LUA_TSTRING ? string(at: -1) : nil
    mnemo_errormessage(stack, -2)
    let message = string(at: -1)
    mnemo_pop(stack, 2)
    let isInterrupt = mnemo_isinterrupt(stack, -1) != 0
    if let inner = passedOn {
      inner.value.push()
      if lua_rawequal(stack, -1, -2) != 0 {
        traceback = inner.traceback + (traceback.map { "\n" + $0 } ?? "")
      }
      mnemo_pop(stack, 1)
      passedOn = nil
    }
    return LuaError(
      message: message, traceback: traceback, value: popReference(), isInterrupt: isInterrupt)
  }

  /// Pushes an error for the trampoline to raise; returns what tells it how.
  fileprivate func pushError(_ error: any Error) -> Int32 {
    reserve(4)
    if error is Interrupted { return MNEMO_RAISE_INTERRUPT }
    guard let error = error as? LuaError, let value = error.value else {
      return pushMessage(String(describing: error))
    }
    if let traceback = error.traceback { passedOn = (value, traceback) }
    value.push()
    return MNEMO_RAISE_VALUE
  }

  private func pushMessage(_ text: String) -> Int32 {
    failure = nil
    if text == Lua.noMemory { return MNEMO_RAISE_MEMORY }
    pushString(text)
    defer { failure = nil }
    return failure == nil ? MNEMO_RAISE_MESSAGE : MNEMO_RAISE_FAILURE
  }

  // MARK: Classes

  /// Registers a class, so that its objects can be pushed; `Registry` does it for its classes.
  func register(_ declaration: LuaClass) -> ClassEntry {
    let entry = ClassEntry(self, declaration)
    classes.append(entry)
    if declaration.isConcrete { classByType[declaration.type] = entry }
    return entry
  }

  /// The class of an object: its own, or the last registered that it belongs to.
  private func classEntry(of object: AnyObject, _ type: ObjectIdentifier) -> ClassEntry? {
    if let known = classByType[type] { return known }
    guard let found = classes.last(where: { $0.declaration.matches(object) }) else { return nil }
    classByType[type] = found
    return found
  }

  /// The registered class of an object.
  public func luaClass(of object: AnyObject) -> LuaClass? {
    classEntry(of: object, ObjectIdentifier(Swift.type(of: object)))?.declaration
  }

  func luaClass(named name: String) -> LuaClass? {
    classes.first { $0.name == name }?.declaration
  }

  /// The table of a class's methods, to which Lua code may add its own.
  public func methods(ofClass name: String) -> LuaReference? {
    classes.first { $0.name == name }?.methods
  }

  /// What messages call a Swift type.
  func name(of type: Any.Type) -> String {
    let identifier = ObjectIdentifier(type)
    if let declared = classes.first(where: { $0.declaration.type == identifier }) {
      return declared.name
    }
    let name = String(describing: type)
    return name.hasPrefix("any ") ? String(name.dropFirst(4)) : name
  }

  /// The declaration behind a Lua function value, if it enters Swift.
  public func function(of reference: LuaReference) -> Function? {
    reference.push()
    defer { mnemo_pop(current, 1) }
    guard let entry = mnemo_entry(current, -1) else { return nil }
    return Unmanaged<FunctionEntry>.fromOpaque(entry).takeUnretainedValue().function
  }

  /// The file of a function written in Lua, its path and the line where the function begins.
  func source(of reference: LuaReference) -> (text: String, path: String, line: Int)? {
    reserve(2)
    reference.push()
    defer { mnemo_pop(current, 1) }
    var name: UnsafePointer<CChar>?
    var line: Int32 = 0
    guard mnemo_source(current, -1, &name, &line) != 0, let name else { return nil }
    let chunk = String(cString: name)
    // A chunk's name starts with @ when it is a path.
    guard chunk.hasPrefix("@"), let text = TextFile.contents(of: String(chunk.dropFirst())) else {
      return nil
    }
    return (text, String(chunk.dropFirst()), Int(line))
  }

  // MARK: Entered from C

  fileprivate func dispatch(_ entry: FunctionEntry, _ thread: OpaquePointer) -> Int32 {
    let outer = current
    let outerFailure = failure
    current = thread
    failure = nil
    dispatchDepth += 1
    defer {
      current = outer
      failure = outerFailure
      dispatchDepth -= 1
    }
    do {
      let results = try entry.function.body(Call(self, thread, entry))
      if failure != nil { try checkPushes() }
      if wasInterrupted?() == true { return MNEMO_RAISE_INTERRUPT }
      return Int32(truncatingIfNeeded: results)
    } catch {
      if wasInterrupted?() == true { return MNEMO_RAISE_INTERRUPT }
      // What failed first is what went wrong: the body may have met the nil that was pushed.
      if let failure { return pushMessage(message(of: failure)) }
      return pushError(error)
    }
  }

  fileprivate func finalize(_ block: UnsafeMutablePointer<mnemo_block>, _ thread: OpaquePointer) {
    guard let raw = block.pointee.object else { return }
    block.pointee.object = nil
    liveObjects -= 1
    // The release may end references into this state; they work on the finalizer's stack.
    finalizerDepth += 1
    entering(thread) { Unmanaged<AnyObject>.fromOpaque(raw).release() }
    finalizerDepth -= 1
  }

  private func memoryIsShort() {
    collect()
    if mnemo_hasmemory(Lua.memoryKept) == 0 { noteNoMemory() }
  }

  private func collectUnderPressure() {
    liveObjects += 1
    if liveObjects & 0x3FF == 0, mnemo_hasmemory(Lua.memoryKept) == 0 { memoryIsShort() }
    guard finalizerDepth == 0, !isCollecting else { return }
    let isHeavy = externalBytes.map { $0() > collectionThreshold } ?? false
    guard isHeavy || liveObjects > objectThreshold else { return }
    isCollecting = true
    defer { isCollecting = false }
    // Inside a finalizer written in Lua the collector declines, and the next push asks again.
    guard mnemo_collect(current) == 0 else { return }
    if isHeavy {
      forcedCollections += 1
      collectionThreshold = max(Lua.minimumThreshold, 2 * (externalBytes?() ?? 0))
    }
    // A collection visits all that lives: the more there is, the more objects have to come first.
    objectThreshold = max(Lua.minimumObjects, 2 * liveObjects, usedBytes / 128)
  }
}

/// Gives the trampoline its Swift functions, once per process.
private let connectSwift: Void = mnemo_set_swift(
  { thread, entry in
    guard let thread, let entry else { return 0 }
    let function = Unmanaged<FunctionEntry>.fromOpaque(entry).takeUnretainedValue()
    return function.lua.dispatch(function, thread)
  },
  { thread, block in
    guard let thread, let block, let declaration = block.pointee.declaration else { return }
    Unmanaged<ClassEntry>.fromOpaque(declaration).takeUnretainedValue().lua
      .finalize(block, thread)
  },
  { owner in
    guard let owner else { return }
    Unmanaged<Lua>.fromOpaque(owner).takeUnretainedValue().stateDidClose()
  })

/// A declaration as one state holds it; a C closure carries its address.
final class FunctionEntry {
  enum Kind { case function, method, metamethod }

  // The state's Lua owns the entry and outlives every call, so the link back needs no count.
  unowned(unsafe) let lua: Lua
  let function: Function
  let kind: Kind
  /// The name messages use: the dotted path of a function, a method without its class.
  let name: String

  init(_ lua: Lua, _ function: Function, _ kind: Kind) {
    self.lua = lua
    self.function = function
    self.kind = kind
    name = kind == .function ? function.name : function.shortName
  }
}
