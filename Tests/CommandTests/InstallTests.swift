import Foundation
import Testing

/// The command in another place than the one where it was built.
@Suite struct InstallTests {
  @Test func theInstalledCommandStandsAlone() throws {
    try withFolder { folder in
      let prefix = folder.appending(path: "a prefix")
      // Built already; building again would wait for the build that runs these tests. The library
      // for lua5.4 has tests of its own (make test-stock), and nothing stands in for it here.
      let made = try Running(
        ["install", "PREFIX=\(prefix.path)", "SWIFT=true", "PACKAGES=", "LIBRARY=/dev/null"],
        in: package,
        executable: URL(filePath: "/usr/bin/make")
      ).finish()
      #expect(made.status == 0, "\(made.errors)")
      #expect(prefix.appending(path: "include").names == ["mnemo_backend.h"])
      let installed = prefix.appending(path: "bin/mnemo")
      let script = prefix.appending(path: "share/mnemo/examples/induction_head.lua").path
      let found = try Running(
        [
          "-e",
          "print(require('mnemo.probes') == mnemo.probes, debug.getinfo(mnemo.probes.recall).source)",
        ],
        in: folder, executable: installed
      ).finish()
      let lua = prefix.appending(path: "share/lua/5.4/mnemo/probes/recall.lua")
        .resolvingSymlinksInPath().path
      #expect(found.output == "true\t@\(lua)\n")
      let words = ["--dim", "8", "--seq-len", "16", "--batch", "4", "--steps", "2", "--out", "out"]
      let outcome = try Running([script] + words, in: folder, executable: installed).finish()
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(folder.appending(path: "out").names.contains("figure.svg"))
    }
  }
}
