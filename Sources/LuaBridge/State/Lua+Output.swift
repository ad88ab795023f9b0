import LuaShim

extension Lua {
  /// Writes out what was printed; whether all of it, from the start, could be written.
  public static func writeOutput() -> Bool { mnemo_write_output() != 0 }
}
