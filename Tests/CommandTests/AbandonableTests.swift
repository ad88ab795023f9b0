import Glibc
import Testing

/// Decompositions that are left to end by themselves.
@Suite struct AbandonableTests {
  /// Five are more than may go on at a time.
  ///
  /// The later ones are interrupted while they wait for a place, and the process ends under those
  /// that still go on.
  @Test func callersNeedNotWait() throws {
    // Each is an input of its own: a script would be ended by the second interrupt.
    let inputs = (1...5).map {
      "io.stderr:write('begun ', \($0), '\\n') print(\($0), pcall(mnemo.linalg.svd, a))\n"
    }
    let running = try Running(
      ["--quiet", "-i"],
      input: "a = mnemo.randn(1500, 1500, { seed = 1 });\n" + inputs.joined())
    for i in 1...5 {
      try running.wait(for: "begun \(i)")
      usleep(20000)
      running.signal()
    }
    let outcome = running.finish()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").filter { $0.contains("\tfalse\t") }
    #expect(lines.count == 5, "\(outcome.output)")
    for (i, line) in lines.enumerated() {
      #expect(line.contains("\(i + 1)\tfalse\t"), "\(line)")
      #expect(line.hasSuffix("interrupted!"), "\(line)")
    }
  }

  /// Small and large alike give what LAPACK gives.
  @Test func whatIsWaitedForComes() throws {
    let outcome = try mnemo(
      "-e",
      """
      for _, n in ipairs { 10, 300, 10, 300 } do
        local a = mnemo.randn(n, n, { seed = 1 })
        local u, s, v = mnemo.linalg.svd(a)
        print(n, ((u * s):matmul(v:t()) - a):abs():max():item() < 1e-4)
      end
      """)
    #expect(outcome.output == "10\ttrue\n300\ttrue\n10\ttrue\n300\ttrue\n")
  }
}
