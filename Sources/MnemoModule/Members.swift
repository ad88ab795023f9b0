import LuaBridge
import Tensors

/// The error for a member that a class does not have, with the nearest that it has.
func unknownMember(_ name: String, _ member: String, _ known: [String]) -> EngineError {
  let hint = nearest(member, among: known).map { "; did you mean '\($0)'?" } ?? ""
  return EngineError(name, "has no member '\(member)'\(hint)")
}
