import Foundation
import Testing

/// The first experiment, at sizes that take moments.
@Suite struct InductionHeadTests {
  private let script = package.appending(path: "examples/induction_head.lua").path
  private let tiny = ["--dim", "16", "--seq-len", "24", "--batch", "8", "--steps", "12"]

  private func experiment(
    _ words: [String], options: [String] = [], in folder: URL
  ) throws -> Outcome {
    try Running(options + [script] + words, in: folder).finish()
  }

  @Test func resultsOfARun() throws {
    try withFolder { folder in
      let outcome = try experiment(tiny, in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.errors.isEmpty)
      let lines = outcome.output.split(separator: "\n")
      #expect(
        lines[0].split(separator: " ")
          == ["step", "loss", "acc_tot", "acc_end", "wk0", "wk0_64", "wk1", "wo1"])
      #expect(lines[1...3].map { $0.split(separator: " ")[0] } == ["0", "10", "12"])
      #expect(outcome.output.contains("\nAfter 12 steps there is no induction head yet"))
      #expect(lines.last == "Results are in runs/induction_head")
      let results = folder.appending(path: "runs/induction_head")
      #expect(
        results.names == [
          "figure.csv", "figure.png", "figure.svg", "history.jsonl", "model.safetensors",
        ])
      #expect(results.text("figure.svg").contains("</svg>"))
      #expect(
        try Data(contentsOf: results.appending(path: "figure.png")).starts(with: [
          0x89, 0x50, 0x4E, 0x47,
        ]))
      let history = results.text("history.jsonl").split(separator: "\n")
      #expect(history.count == 3)
      for line in history {
        let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        for name in ["step", "loss", "acc_end", "wk0", "wk1", "wo1"] {
          #expect(record?[name] != nil, "\(name)")
        }
      }
    }
  }

  @Test func threadsAndRepetitionChangeNothing() throws {
    try withFolder { folder in
      var histories: [String] = [], models: [Data] = []
      for (name, threads) in [("one", "1"), ("two", "2"), ("again", "2")] {
        let outcome = try experiment(
          tiny + ["--out", name], options: ["--threads", threads], in: folder)
        #expect(outcome.status == 0)
        histories.append(folder.text("\(name)/history.jsonl"))
        models.append(try Data(contentsOf: folder.appending(path: "\(name)/model.safetensors")))
      }
      #expect(histories[0].split(separator: "\n").count == 3)
      #expect(histories[0] == histories[1])
      #expect(histories[1] == histories[2])
      #expect(models[0] == models[1] && models[1] == models[2])
      let other = try experiment(tiny + ["--out", "other", "--seed", "2"], in: folder)
      #expect(other.status == 0)
      #expect(folder.text("other/history.jsonl") != histories[0])
    }
  }

  @Test func helpAndMistakes() throws {
    try withFolder { folder in
      try folder.write("file", "")
      let help = try experiment(["--help"], in: folder)
      #expect(help.status == 0)
      for option in ["--quick", "--full", "--steps N", "--seed N", "--out DIR", "--lr X"] {
        #expect(help.output.contains(option), "\(option)")
      }
      for (words, sentence) in [
        (["--steps", "0"], "mnemo: --steps wants at least 1, got 0"),
        (["--seq-len", "1"], "mnemo: --seq-len wants at least 2, got 1"),
        (["--lr", "fast"], "mnemo: --lr wants a number, got 'fast'"),
        (["--sed", "3"], "mnemo: unknown option '--sed'; did you mean '--seed'?"),
      ] {
        let outcome = try experiment(words, in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors == sentence + "\n")
      }
      // Said before training: nothing is printed yet.
      let outcome = try experiment(tiny + ["--out", "file"], in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(
        outcome.sentence.hasSuffix("results folder: 'file' cannot be written: Not a directory"))
      #expect(folder.names == ["file"])
    }
  }
}
