import LuaBridge
import Prompt
import TestSupport
import Testing

/// Scripts as lua(1) reads them.
@Suite struct ScriptFileTests {
  private func source(_ bytes: [UInt8]) throws -> String {
    try withTemporaryFolder { folder in
      let path = folder + "/script.lua"
      #expect(Folder.write(String(decoding: bytes, as: UTF8.self), to: path) == nil)
      return String(decoding: try ScriptFile.source(of: path), as: UTF8.self)
    }
  }

  @Test func aFirstLineForTheSystemIsLeftOut() throws {
    #expect(try source(Array("#!/usr/bin/mnemo\nx = 1\n".utf8)) == "\nx = 1\n")
    #expect(try source([0xEF, 0xBB, 0xBF] + Array("#!x\ny".utf8)) == "\ny")
    #expect(try source([0xEF, 0xBB, 0xBF] + Array("y = 1".utf8)) == "y = 1")
    #expect(try source(Array("x = #y\n#z".utf8)) == "x = #y\n#z")
    #expect(try source([]) == "")
  }

  @Test func bytecodeAndMissingFilesAreRefused() throws {
    #expect(throws: LuaError.self) { try source([0x1B, 0x4C, 0x75, 0x61]) }
    do {
      _ = try ScriptFile.source(of: "/nonexistent/a.lua")
      Issue.record("no error")
    } catch {
      #expect("\(error)" == "cannot open '/nonexistent/a.lua': No such file or directory")
    }
  }
}
