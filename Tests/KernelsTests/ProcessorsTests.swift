import Kernels
import Testing

@Suite struct ProcessorsTests {
  @Test func firstNumberOfAList() {
    for (list, number) in [
      ("4", 4), ("1,2", 1), (" 3 , 8", 3), ("12,", 12), ("0", nil), ("-2", nil), ("", nil),
      (",4", nil), ("two", nil), ("99999999999999999999", nil),
    ] as [(String, Int?)] {
      #expect(Processors.firstNumber(in: list) == number, "'\(list)'")
    }
  }

  @Test func quotasAreRoundedUp() {
    for (quota, count) in [
      ("100000 100000\n", 1), ("100001 100000", 2), ("50000 100000", 1), ("1 100000", 1),
      ("800000 100000", 8), ("250000 50000\n", 5), ("max 100000\n", nil), ("-1\n 100000\n", nil),
      ("", nil), (" ", nil), ("100000", nil), ("100000 0", nil), ("1 2 3", nil),
      ("\(Int.max) 1", Int.max), ("\(Int.max) 2", Int.max / 2 + 1),
    ] as [(String, Int?)] {
      #expect(Processors.limit(quota: quota) == count, "'\(quota)'")
    }
  }

  private func groups(_ memberships: String, _ mounts: String) -> [String] {
    Processors.cpuGroups(memberships: memberships, mounts: mounts)
  }

  @Test func groupsOfTheSecondVersion() {
    let mounts = """
      25 30 0:23 / /proc rw,nosuid - proc proc rw
      34 25 0:29 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
      """
    #expect(
      groups("0::/user.slice/user-1.slice", mounts) == [
        "/sys/fs/cgroup/user.slice/user-1.slice", "/sys/fs/cgroup/user.slice", "/sys/fs/cgroup",
      ])
    #expect(groups("0::/\n", mounts) == ["/sys/fs/cgroup"])
    #expect(groups("", mounts).isEmpty)
    #expect(groups("0::/", "").isEmpty)
  }

  @Test func groupsOfTheFirstVersion() {
    let mounts = """
      31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
      32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:1 - cgroup cgroup rw,cpu,cpuacct
      34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
      """
    let memberships = "9:name=systemd:/a\n4:cpu,cpuacct:/b/c\n3:cpuset:/d\n0::/e\n"
    #expect(
      groups(memberships, mounts) == [
        "/sys/fs/cgroup/cpu,cpuacct/b/c", "/sys/fs/cgroup/cpu,cpuacct/b",
        "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/unified/e", "/sys/fs/cgroup/unified",
      ])
  }

  /// A container may see the end of a path only: what is mounted is its own group.
  @Test func groupsOfAContainer() {
    let mounts = "7 6 0:2 /docker/12 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu"
    #expect(
      groups("4:cpu:/docker/12/x", mounts) == ["/sys/fs/cgroup/cpu/x", "/sys/fs/cgroup/cpu"])
    #expect(groups("4:cpu:/docker/12", mounts) == ["/sys/fs/cgroup/cpu"])
    #expect(groups("4:cpu:/else", mounts) == ["/sys/fs/cgroup/cpu/else", "/sys/fs/cgroup/cpu"])
  }

  /// Lines that make no sense are left out.
  @Test func linesThatAreCutOff() {
    let mounts = "\n-\n1 2 3 - cgroup2\n7 6 0:2 / /g rw -\n7 6 0:2 / /g rw - cgroup2 cgroup2\n"
    #expect(groups("0::/a", mounts).isEmpty)
    #expect(groups("0\n0:\n\n", "34 25 0:29 / /g rw - cgroup2 cgroup2 rw").isEmpty)
  }

  @Test func thereIsAtLeastOne() {
    #expect(Processors.usable >= 1)
  }
}
