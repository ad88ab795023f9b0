import Foundation
import Testing

/// Memories trained in turn, at sizes that take moments.
@Suite struct LearningOrderTests {
  private let script = package.appending(path: "examples/learning_order.lua").path
  private let tiny = ["--dim", "16", "--seq-len", "24", "--batch", "8", "--steps", "12"]

  private func experiment(_ words: [String], in folder: URL) throws -> Outcome {
    try Running([script] + words, in: folder).finish()
  }

  @Test func resultsOfARun() throws {
    try withFolder { folder in
      let outcome = try experiment(tiny + ["--seeds", "2"], in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.errors.isEmpty)
      let lines = outcome.output.split(separator: "\n").map(String.init)
      let orders = lines[2...8].map { String($0.prefix(20)).trimmingCharacters(in: .whitespaces) }
      #expect(orders.first == "together")
      #expect(Set(orders).count == 7)
      #expect(orders.dropFirst().allSatisfy { $0.split(separator: " → ").count == 3 })
      #expect(
        lines[9] == "Trained together the memories do not reach an accuracy of 0.9 in so few steps."
      )
      #expect(lines.last == "Results are in runs/learning_order")
      let results = folder.appending(path: "runs/learning_order")
      #expect(results.names.count == 14 + 3)
      #expect(results.text("figure.svg").contains("</svg>"))
    }
  }

  /// What must not learn yet stays as it was drawn, and what may does not.
  @Test func memoriesLearnInTheOrderGiven() throws {
    try withFolder { folder in
      let outcome = try experiment(tiny + ["--seeds", "1"], in: folder)
      #expect(outcome.status == 0)
      /// The steps after which a recall first differs from that before training.
      func firstChange(_ name: String, order: Int) throws -> Int? {
        let text = folder.text("runs/learning_order/order-\(order)-seed-1/history.jsonl")
        let records = try text.split(separator: "\n").map {
          try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
        let values = records.map { $0[name] as? Double }
        return values.firstIndex { $0 != values[0] }
      }
      // In order 7, W_K⁰ → W_K¹ → W_O¹, with four steps each, W_K⁰ begins and W_O¹ waits for step 8.
      #expect(try firstChange("wk0", order: 7) ?? 99 <= 4)
      #expect(try firstChange("wo1", order: 7) ?? 99 > 8)
      // In order 2, W_O¹ → W_K¹ → W_K⁰, it begins, and the last two wait for 4 and 8.
      #expect(try firstChange("wo1", order: 2) ?? 99 <= 8)
      #expect(try firstChange("wk1", order: 2) ?? 99 > 4)
      #expect(try firstChange("wk0", order: 2) ?? 99 > 8)
    }
  }

  @Test func mistakes() throws {
    try withFolder { folder in
      try folder.write("file", "")
      for (words, sentence) in [
        (["--steps", "2"], "mnemo: --steps wants at least 3, got 2"),
        (["--seads", "3"], "mnemo: unknown option '--seads'; did you mean '--seeds'?"),
      ] {
        let outcome = try experiment(words, in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.errors == sentence + "\n")
      }
      let outcome = try experiment(tiny + ["--out", "file"], in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(
        outcome.sentence.hasSuffix(
          "--out: results folder: 'file' cannot be written: Not a directory"))
    }
  }
}
