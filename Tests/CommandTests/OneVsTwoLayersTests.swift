import Foundation
import Testing

/// One layer against two, at sizes that take moments.
@Suite struct OneVsTwoLayersTests {
  private let script = package.appending(path: "examples/one_vs_two_layers.lua").path
  private let tiny = ["--dim", "16", "--seq-len", "24", "--batch", "8", "--steps", "12"]

  private func experiment(_ words: [String], in folder: URL) throws -> Outcome {
    try Running([script] + words, in: folder).finish()
  }

  @Test func resultsOfARun() throws {
    try withFolder { folder in
      let outcome = try experiment(tiny + ["--heads", "2", "--seeds", "2"], in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.errors.isEmpty)
      let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
      let runs = lines[1...4].map { $0.split(separator: " ").compactMap { Double($0) } }
      #expect(runs.map { $0[0] } == [1, 2, 1, 2])
      #expect(runs.map { $0[1] } == [1, 1, 2, 2])
      // Two heads of one layer, then four of two.
      let heads = lines[8...13].map { $0.split(separator: " ").compactMap { Double($0) } }
      #expect(heads.map { $0[0] } == [1, 1, 2, 2, 2, 2])
      #expect(heads.map { $0[1] } == [1, 1, 1, 1, 2, 2])
      #expect(heads.allSatisfy { $0.count == 5 && $0[3] > 0 && $0[3] < 1 && $0[4] < 1 })
      #expect(outcome.output.contains("± "))
      #expect(outcome.output.contains("One layer and two cannot be told apart yet."))
      #expect(outcome.output.hasSuffix("Results are in runs/one_vs_two_layers\n"))
      let results = folder.appending(path: "runs/one_vs_two_layers")
      #expect(
        results.names == [
          "1-layers-seed-1", "1-layers-seed-2", "2-layers-seed-1", "2-layers-seed-2",
          "figure.csv", "figure.png", "figure.svg",
        ])
      #expect(results.text("figure.svg").contains("</svg>"))
      let again = try experiment(
        tiny + ["--heads", "2", "--seeds", "2", "--out", "again"], in: folder)
      #expect(
        again.output.replacing("again", with: "runs/one_vs_two_layers") == outcome.output)
      #expect(folder.text("again/figure.csv") == results.text("figure.csv"))
    }
  }

  @Test func mistakes() throws {
    try withFolder { folder in
      try folder.write("file", "")
      for (words, sentence) in [
        (["--seq-len", "7"], "mnemo: --seq-len wants at least 8, got 7"),
        (["--head", "3"], "mnemo: unknown option '--head'; did you mean '--heads'?"),
      ] {
        let outcome = try experiment(words, in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.errors == sentence + "\n")
      }
      // Said before anything is drawn or trained.
      for (words, sentence) in [
        (["--out", "file"], "--out: results folder: 'file' cannot be written: Not a directory"),
        (["--heads", "3"], "heads = 3 with dim = 16 (allowed: numbers that divide dim)"),
      ] {
        let outcome = try experiment(tiny + words, in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.sentence.hasSuffix(sentence), "\(outcome.sentence)")
      }
    }
  }
}
