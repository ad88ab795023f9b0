import FoundationEssentials
import Glibc
import Prompt
import TestSupport
import Testing

/// The user's folders, and names of files as they are typed.
@Suite struct FolderTests {
  private func environment(_ variables: [String: String]) -> (String) -> String? {
    { variables[$0] }
  }

  @Test func xdgFolders() {
    let set = environment(["XDG_STATE_HOME": "/s", "HOME": "/home/me"])
    #expect(Folder.xdg("XDG_STATE_HOME", "/.local/state", set) == "/s")
    let relative = environment(["XDG_STATE_HOME": "s", "HOME": "/home/me"])
    #expect(Folder.xdg("XDG_STATE_HOME", "/.local/state", relative) == "/home/me/.local/state")
    for home in [nil, "", "rel", "./rel"] as [String?] {
      let none = environment(home.map { ["HOME": $0] } ?? [:])
      #expect(Folder.xdg("XDG_STATE_HOME", "/.local/state", none) == nil)
    }
  }

  @Test func foldersAreMadeWhereTheyAreNamed() throws {
    try withTemporaryFolder { folder in
      Folder.make(folder + "/a//b/")
      var status = stat()
      #expect(stat(folder + "/a/b", &status) == 0 && status.st_mode & 0o777 == 0o700)
      // A relative path is one from the current folder, not from the root.
      let name = "mnemo-test-\(UUID().uuidString)"
      Folder.make(name + "/c")
      defer { system("rm -r '\(name)'") }
      #expect(stat(name + "/c", &status) == 0)
      #expect(stat("/" + name, &status) != 0)
    }
  }

  @Test func theTildeIsTheHome() {
    let set = environment(["HOME": "/home/me"])
    #expect(Folder.expanded("~", set) == "/home/me")
    #expect(Folder.expanded("~/a", set) == "/home/me/a")
    #expect(Folder.expanded("~you/a", set) == "~you/a")
    #expect(Folder.expanded("a~", set) == "a~")
    #expect(Folder.expanded("~/a", environment([:])) == "~/a")
    #expect(Folder.expanded("~/a", environment(["HOME": "rel"])) == "~/a")
  }

  @Test func filesThatBeginSo() throws {
    try withTemporaryFolder { folder in
      for name in ["ab.lua", "ac", ".hidden", "b"] {
        #expect(Folder.write("", to: "\(folder)/\(name)") == nil)
      }
      Folder.make(folder + "/aa")
      #expect(
        Folder.files(beginning: folder + "/a")
          == ["\(folder)/aa/", "\(folder)/ab.lua", "\(folder)/ac"])
      #expect(Folder.files(beginning: folder + "/").count == 4)
      #expect(Folder.files(beginning: folder + "/.h") == [folder + "/.hidden"])
      #expect(Folder.files(beginning: folder + "/none/a").isEmpty)
    }
  }

  @Test func writingTellsWhyNot() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a"
      #expect(Folder.write("text\n", to: path) == nil)
      let written = try lines(path)
      #expect(written == ["text"])
      #expect(Folder.write("", to: folder) == "is a directory")
      #expect(Folder.write("", to: folder + "/none/a") == "No such file or directory")
      #expect(Folder.write("text", to: "/dev/full") == "is not a regular file")
    }
  }

  /// What is there stays whole until all of the new file is on the disk.
  @Test func anEarlierFileIsReplacedAsAWhole() throws {
    try withTemporaryFolder { folder in
      let (path, link) = (folder + "/a", folder + "/b")
      #expect(Folder.write("before\n", to: path) == nil)
      #expect(chmod(path, 0o640) == 0 && Glibc.link(path, link) == 0)
      #expect(Folder.write("after\n", to: path) == nil)
      let (after, before) = (try lines(path), try lines(link))
      #expect(after == ["after"] && before == ["before"])
      var status = stat()
      #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
      #expect(Folder.files(beginning: folder + "/").count == 2)
    }
  }

  @Test func temporaryFilesAreTheUsersAlone() throws {
    let path = try #require(Folder.temporaryFile(holding: "x = 1\n", ending: ".lua"))
    defer { unlink(path) }
    #expect(path.hasSuffix(".lua"))
    #expect(try lines(path) == ["x = 1"])
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
  }
}
