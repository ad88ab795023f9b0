import CLua
import LuaShim
import Stopping

// How C enters Swift.

extension Lua {
  func dispatch(_ entry: FunctionEntry, _ thread: OpaquePointer) -> Int32 {
    let (outer, outerFailure) = (calls.pointee.current, calls.pointee.failure)
    calls.pointee.current = thread
    calls.pointee.failure = nil
    calls.pointee.dispatchDepth += 1
    // This object keeps the token alive.
    let outerToken = StopToken.exchange(calls.pointee.heardToken)
    defer {
      _ = StopToken.exchange(outerToken)
      calls.pointee.current = outer
      calls.pointee.failure = outerFailure
      calls.pointee.dispatchDepth -= 1
    }
    do {
      let results = try entry.function.body(LuaCall(self, thread, entry))
      if failure != nil { try checkPushes() }
      if takesCut() { return MNEMO_RAISE_INTERRUPT }
      return Int32(truncatingIfNeeded: results)
    } catch {
      if takesCut() { return MNEMO_RAISE_INTERRUPT }
      // What failed first is what went wrong: the body may have met the nil that was pushed.
      if let failure { return pushMessage(message(of: failure)) }
      return pushError(error)
    }
  }

  func finalize(_ block: UnsafeMutablePointer<mnemo_block>, _ thread: OpaquePointer) {
    guard let raw = block.pointee.object else { return }
    block.pointee.object = nil
    calls.pointee.liveObjects -= 1
    // The release may end references into this state; they work on the finalizer's stack.
    calls.pointee.finalizerDepth += 1
    entering(thread) { Unmanaged<AnyObject>.fromOpaque(raw).release() }
    calls.pointee.finalizerDepth -= 1
  }
}

/// Gives the trampoline its Swift functions, once per process.
let connectSwift: Void = mnemo_set_swift(
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
  let function: LuaFunction
  let kind: Kind
  /// The name messages use: the dotted path of a function, a method without its class.
  let name: String

  init(_ lua: Lua, _ function: LuaFunction, _ kind: Kind) {
    self.lua = lua
    self.function = function
    self.kind = kind
    name = kind == .function ? function.name : function.shortName
  }
}
