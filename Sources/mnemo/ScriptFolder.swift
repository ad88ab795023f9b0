import Glibc

/// Finds the Lua files that belong to the command.
enum ScriptFolder {
  /// The folder that holds `mnemo/probes.lua`, or nil.
  ///
  /// It is `share/mnemo/lua` beside an installed command's `bin`, or `lua` in the checkout that it
  /// was built in.
  static func find() -> String? {
    guard let executable = resolved("/proc/self/exe") else { return nil }
    var folder = parent(executable)
    if let installed = existing(parent(folder) + "/share/mnemo/lua") { return installed }
    while !folder.isEmpty {
      if let found = existing(folder + "/lua") { return found }
      folder = parent(folder)
    }
    return nil
  }

  private static func existing(_ folder: String) -> String? {
    access(folder + "/mnemo/probes.lua", R_OK) == 0 ? folder : nil
  }

  private static func parent(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
