import ByteStrings
import Glibc

/// Finds the Lua files that belong to the command or to the library.
public enum ScriptFolder {
  /// Finds the folder that holds `mnemo/probes.lua`.
  ///
  /// It is the first `share/lua/5.4` or `lua` in the folder of the binary or in one above it: the
  /// former beside an installed `bin/mnemo` or `lib/lua/5.4/mnemo.so`, the latter in the checkout
  /// that the binary was built in.
  ///
  /// - Parameter binary: The path of the command or of the library.
  /// - Returns: The folder, or nil if there is none.
  public static func find(for binary: String) -> String? {
    guard let real = binary.withCBytes({ realpath($0, nil) }) else { return nil }
    defer { free(real) }
    var folder = parent(String(cBytes: real))
    while !folder.isEmpty {
      for scripts in [folder + "/share/lua/5.4", folder + "/lua"]
      where (scripts + "/mnemo/probes.lua").withCBytes({ access($0, R_OK) }) == 0 {
        return scripts
      }
      folder = parent(folder)
    }
    return nil
  }

  private static func parent(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }
}
