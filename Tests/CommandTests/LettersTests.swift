import Foundation
import Testing

/// The poster's letters, at sizes that take moments.
@Suite struct LettersTests {
  private let script = package.appending(path: "examples/letters.lua").path

  private func experiment(_ words: [String], in folder: URL) throws -> Outcome {
    try Running([script] + words, in: folder).finish()
  }

  @Test func resultsOfARun() throws {
    try withFolder { folder in
      let outcome = try experiment(
        ["--dim", "16", "--seq-len", "40", "--batch", "16", "--steps", "100"], in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.errors.isEmpty)
      let lines = outcome.output.split(separator: "\n").map(String.init)
      // Three samples of each world; in the first every marked "a" is followed by "p".
      for row in 1...3 {
        let after = lines[row].components(separatedBy: "[a]").dropFirst().filter { !$0.isEmpty }
        #expect(!after.isEmpty && after.allSatisfy { $0.hasPrefix("p") }, "\(lines[row])")
      }
      #expect(lines[4].hasPrefix("context:"))
      #expect(
        lines.contains {
          $0.hasPrefix("Where \"a\" always goes to \"p\", the bigram model knows it (0.9")
        })
      // So small a transformer has not found the context after so few steps.
      #expect(
        outcome.output.contains("times as much: it does not look the output up in the context yet"))
      let table = lines.filter { $0.hasPrefix("  fixed") || $0.hasPrefix("  context") }
        .map { $0.split(separator: " ").dropFirst().compactMap { Double($0) } }
      #expect(table.count == 2)
      #expect(table[0][0] > 0.9)
      // In the other world a table of bigrams has the average over sequences.
      #expect(table[1][0] < 0.2)
      #expect(lines.last == "Results are in runs/letters")
      #expect(
        folder.appending(path: "runs/letters").names == [
          "figure.csv", "figure.png", "figure.svg", "history.jsonl", "model.safetensors",
        ])
    }
  }
}
