import Figures
import Stopping
import Tensors
import TestSupport
import Testing

/// What counts as a whole picture, and scripts that gnuplot draws.
@Suite struct PictureTests {
  private func drawing(_ terminal: String) throws -> [UInt8] {
    let script = "set terminal \(terminal)\nplot [0:1] x\n"
    return try Gnuplot.output(of: Array(script.utf8), for: "test").bytes
  }

  @Test(arguments: [("svg", PictureFormat.svg), ("pngcairo", .png), ("pdfcairo", .pdf)])
  func wholePictures(_ terminal: String, _ format: PictureFormat) throws {
    let whole = try drawing(terminal)
    #expect(format.isWhole(whole))
    for other in PictureFormat.allCases where other != format { #expect(!other.isWhole(whole)) }
    for cut in [0, 1, 4, whole.count / 2, whole.count - 3, whole.count - 8] {
      #expect(!format.isWhole(Array(whole[..<cut])), "\(cut) of \(whole.count) bytes")
    }
    #expect(!format.isWhole(Array(whole.dropFirst())))
  }

  @Test func whatGnuplotComplainsOf() {
    let words = "test: gnuplot failed (exit 1): line 0: undefined variable: nothing"
    #expect(throws: EngineError("test", String(words.dropFirst(6)))) {
      try Gnuplot.output(of: Array("set terminal dumb\nplot nothing\n".utf8), for: "test")
    }
  }

  @Test func whoStopsWaitsNoLonger() {
    let token = StopToken(isWanted: { true }, isUrgent: { true })
    #expect(throws: Stopped.self) {
      try StopToken.with(token) {
        try Gnuplot.output(of: Array("pause 600\n".utf8), for: "test")
      }
    }
  }
}
