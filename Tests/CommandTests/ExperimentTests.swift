import Foundation
import Testing

/// The experiments of examples/, at sizes that take moments.
@Suite struct ExperimentTests {
  /// A script, the options that make it small, and what its results look like.
  struct Experiment: CustomTestStringConvertible {
    let name: String
    let options: [String]
    /// Whether it has runs of several seeds.
    var hasSeeds = true
    /// Whether its runs are points of a sweep.
    var hasSweep = true
    /// How the lines of its tables begin, in order.
    let rows: [String]
    /// How heads of tables begin; lines below them have means and spreads if there are seeds.
    var heads: [String] = []
    /// How lines of its verdict begin, in order.
    let verdict: [String]
    /// A folder with the history of one run, below that of the results.
    let run: String
    /// How many sequences a batch may have.
    var batches = "at least 1"
    /// Words that it refuses beside those that all refuse, and the end of what it then says.
    var mistakes: [(words: [String], sentence: String)] = []
    var testDescription: String { name }
  }

  static let experiments = [
    Experiment(
      name: "induction_head", options: ["--seq-len", "24", "--batch", "8"], hasSweep: false,
      rows: ["step", "   0", "   6", "step", "   0", "   6"] + [
        "repeated triggers", "accuracy on self-loops", "accuracy on the rest", "  with one",
        "  with two", "  with more", "  on sequences twice as long", "    in their second half",
        "layer 1 looks at the token before", "  where layer 2 looks", "  where it looks",
        "layer 2 looks at the first half",
      ], heads: ["step", "   0", "   6", "repeated triggers"],
      verdict: [
        "seed 3", "seed 4", "After 6 steps, with standard errors over 2 seeds",
        "Nothing can be said about the order of the memories",
      ], run: "seed-4",
      mistakes: [
        (["--steps", "0"], "mnemo: --steps wants at least 1, got 0"),
        (["--lr", "fast"], "mnemo: --lr wants a number, got 'fast'"),
      ]),
    Experiment(
      name: "letters", options: ["--seq-len", "40", "--batch", "16"],
      rows: ["", "", "", "", "", ""] + [
        "world", "fixed", "fixed", "fixed", "fixed", "context", "context",
      ], heads: ["", "world"],
      verdict: [
        "fixed: ", "context: ", "Probability of ", "Where \"a\" always goes",
        "Nothing can be said about what the transformer knows",
        "Nothing can be said about the context",
      ], run: ""),
    Experiment(
      name: "learning_order", options: ["--seq-len", "24", "--batch", "8"],
      rows: (1...3).flatMap { _ in
        ["order", "together", "W_O¹", "W_O¹", "W_K¹", "W_K¹", "W_K⁰", "W_K⁰"]
      },
      heads: ["order"],
      verdict: [
        "Means with standard errors over 2 seeds", "After 2 steps", "After 4 steps",
        "After 6 steps", "Nothing can be said about orders",
      ], run: "order-7-seed-4",
      mistakes: [(["--steps", "2"], "mnemo: --steps wants at least 3, got 2")]),
    Experiment(
      name: "one_vs_two_layers", options: ["--seq-len", "24", "--batch", "8", "--heads", "2"],
      rows: ["   1", "   2", "   1", "   2"] + ["   1", "   1", "   2", "   2", "   2", "   2"]
        + ["accuracy on repeated triggers", "one layer", "two layers", "best guess"],
      heads: ["   1", "   2", "accuracy on repeated triggers"],
      verdict: [
        "layers ", "Mean attention ", "layers ", "After 6 steps, with standard errors",
        "Nothing can be said about one layer and two", "Nothing can be said about the parts",
      ], run: "2-layers-seed-4",
      mistakes: [
        (["--seq-len", "7"], "mnemo: --seq-len wants at least 8, got 7"),
        (["--heads", "3"], "heads = 3 with dim = 16 (allowed: numbers that divide dim)"),
      ]),
    Experiment(
      name: "data_properties", options: ["--seq-len", "48", "--batch", "32"],
      rows: [
        "trained on", "1 frequent trigger", "5 frequent triggers", "5 rare triggers",
        "5 random triggers", "bigram outputs", "three quarters",
        "trained on", "1 frequent trigger", "5 frequent triggers", "5 rare triggers",
        "5 random triggers", "bigram outputs", "three quarters",
      ], heads: ["trained on"],
      verdict: ["Nothing can be said about diversity"],
      run: "5_rare_triggers/seed_4"),
    Experiment(
      name: "global_vs_in_context", options: ["--seq-len", "32", "--batch", "8"],
      rows: ["feed-forward", "linear", "linear", "linear", "mlp", "mlp", "mlp"]
        + ["feed-forward", "linear", "mlp", "none", "mlp"],
      heads: ["feed-forward"], verdict: ["Nothing can be said about the order"],
      run: "mlp/seed_4"),
    Experiment(
      name: "noise_ablation", options: ["--seq-len", "24", "--batch", "8"],
      rows: ["d ", "4 ", "4 ", "8 ", "8 ", "16 ", "16 "], heads: ["d "],
      verdict: ["d =   4: no cost", "d =  16: no cost", "Nothing can be said about the cost"],
      run: "d_16_noisy/seed_4"),
    Experiment(
      name: "constructed_circuit", options: ["--seq-len", "24", "--batch", "8"],
      rows: ["d ", "8 ", "8 ", "16 ", "16 ", "32 ", "32 ", "64 ", "64 "]
        + ["matrix", "W_K⁰", "W_K¹", "W_O¹"],
      heads: ["d ", "matrix"],
      verdict: [
        "d =    8: written down", "d =   64: written down",
        "Nothing can be said about what training stores",
      ],
      run: "trained/seed_4"),
    Experiment(
      name: "trained_matrix", options: ["--seq-len", "24", "--batch", "8"],
      rows: ["matrix", "W_O¹", "W_K¹", "W_K⁰", "step", "6 "], heads: ["matrix", "step"],
      verdict: ["After 6 steps", "Cosine between", "Nothing can be said"], run: "seed_4"),
    Experiment(
      name: "beyond_the_theory",
      options: [
        "--seq-len", "24", "--batch", "8", "--layer-batch", "8", "--layer-steps", "6",
        "--bound-steps", "6",
      ],
      rows: ["sequences", "256 ", "1024 ", "4096 ", "16384 ", "65536 "]
        + ["embeddings", "frozen", "learned", "layers", "2 ", "3 ", "4 "]
        + ["d ", "16 ", "32 ", "64 "],
      heads: ["sequences", "embeddings", "layers", "d "],
      verdict: [
        "6 steps of 8 sequences", "New sequences at every step", "The usual transformer, 6 steps",
        "One layer and two with random triggers", "Nothing can be said about the gap",
        "Nothing can be said about learned embeddings", "Nothing can be said about more layers",
        "Nothing can be said about one layer's bound",
      ],
      run: "n_256/seed_4", batches: "1 to 256",
      mistakes: [(["--bound-widths", "1"], "mnemo: --bound-widths wants 2 to 6, got 1")]),
    Experiment(
      name: "factual_recall", options: ["--subjects", "7", "--fewer", "4", "--batch", "16"],
      rows: ["S = R", "4 ", "7 "], heads: ["S = R"],
      verdict: ["Facts of 8 answers a relation, d = 16", "Nothing can be said about facts"],
      run: "7_subjects/seed_4",
      mistakes: [(["--subjects", "1"], "mnemo: --subjects wants at least 2, got 1")]),
    Experiment(
      name: "noisy_recall", options: ["--seq-len", "24", "--batch", "8"],
      rows: (1...2).flatMap { _ in ["ρ", "1 ", "0.5", "0.1", "0.05", "0.01", "0 "] },
      heads: ["ρ"],
      verdict: [
        "Answers where the trigger comes again", "Answers where the trigger comes again",
        "Nothing can be said about truncation",
      ], run: "seed_4",
      mistakes: [(["--noise", "2"], "mnemo: --noise wants 0 to 1, got 2")]),
  ]

  private func start(
    _ name: String, _ words: [String], threads: String = "2", in folder: URL
  ) throws -> Outcome {
    let script = package.appending(path: "examples/\(name).lua").path
    return try Running(["--threads", threads, script] + words, in: folder).finish()
  }

  @Test(arguments: experiments) func resultsOfARun(_ experiment: Experiment) throws {
    try withFolder { folder in
      let tiny =
        experiment.options + ["--dim", "16", "--steps", "6", "--seed", "3"]
        + (experiment.hasSeeds ? ["--seeds", "2"] : [])
      let outcome = try start(experiment.name, tiny, in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.errors.isEmpty)
      let lines = outcome.output.split(separator: "\n").map(String.init)
      let cells = lines.filter { $0.hasPrefix("  ") }.map { $0.dropFirst(2) }
      #expect(cells.count == experiment.rows.count, "\(outcome.output)")
      for (line, row) in zip(cells, experiment.rows) {
        #expect(line.hasPrefix(row))
        let hasSpread = experiment.hasSeeds && !experiment.heads.contains(row)
        #expect(line.contains("±") == hasSpread, "\(line)")
      }
      var rest = lines[...]
      for beginning in experiment.verdict {
        rest = rest.drop { !$0.hasPrefix(beginning) }
        #expect(!rest.isEmpty, "\(beginning)")
        rest = rest.dropFirst()
      }
      #expect(lines.last == "Results are in runs/\(experiment.name)")

      let results = folder.appending(path: "runs/\(experiment.name)")
      #expect(Set(results.names).isSuperset(of: ["figure.svg", "figure.png", "figure.csv"]))
      #expect(results.text("figure.svg").contains("</svg>"))
      #expect(results.text("figure.csv").contains("series,x,y"))
      let png = try Data(contentsOf: results.appending(path: "figure.png"))
      #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
      let run = results.appending(path: experiment.run)
      let files = run.names.filter { !$0.hasPrefix("figure") && $0 != "sweep.sqlite" }
      #expect(files == ["history.jsonl", "model.safetensors", "run.json"])

      // Neither threads nor repetition change anything.
      let again = try start(
        experiment.name, tiny + ["--out", "again"], threads: "1", in: folder)
      #expect(
        again.output
          == outcome.output.replacingOccurrences(of: "runs/\(experiment.name)", with: "again"))
      let second = folder.appending(path: "again")
      #expect(second.text("figure.csv") == results.text("figure.csv"))
      for name in ["history.jsonl", "model.safetensors"] {
        let file = try Data(contentsOf: run.appending(path: name))
        let twin = second.appending(path: experiment.run).appending(path: name)
        #expect(try Data(contentsOf: twin) == file, "\(name)")
      }

      // Its own folder it takes again, another one only if that is said.
      let shorter = tiny.map { $0 == "6" ? "5" : $0 }
      let third = try start(experiment.name, shorter, in: folder)
      #expect(third.status == 0, "\(third.sentence)")
      func isShorter(_ folder: URL) -> Bool {
        let history = folder.appending(path: experiment.run).text("history.jsonl")
        return history.split(separator: "\n").last?.hasPrefix("{\"step\":5,") == true
      }
      #expect(isShorter(results))
      let refused = try start(experiment.name, shorter + ["--out", "again"], in: folder)
      #expect(refused.status == 1)
      let sweep = "since the sweep '\(experiment.name)' was begun ("
      let taken = "up to step 6 and a model; --overwrite replaces it\n"
      #expect(
        refused.errors.contains(experiment.hasSweep ? sweep : taken), "\(refused.sentence)")
      #expect(!isShorter(second))
      let words = shorter + ["--out", "again", "--overwrite"]
      #expect(try start(experiment.name, words, in: folder).status == 0)
      #expect(isShorter(second))
    }
  }

  @Test(arguments: experiments) func helpAndMistakes(_ experiment: Experiment) throws {
    try withFolder { folder in
      try folder.write("file", "")
      let help = try start(experiment.name, ["--help"], in: folder)
      #expect(help.status == 0)
      for option in ["--overwrite", "--quick", "--steps N", "--seed N", "--out DIR", "--lr X"] {
        #expect(help.output.contains(option), "\(option)")
      }
      let mistakes =
        [
          (["--sead", "3"], "mnemo: unknown option '--sead'; did you mean '--seed'?"),
          (["--batch", "0"], "mnemo: --batch wants \(experiment.batches), got 0"),
          (
            ["--out", "file"],
            "mnemo: --out: results folder: 'file' cannot be written: Not a directory"
          ),
        ] + experiment.mistakes
      for (words, sentence) in mistakes {
        // Said before anything is drawn or trained.
        let outcome = try start(experiment.name, ["--dim", "16"] + words, in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.output.split(separator: "\n").count <= 1)
        #expect(outcome.sentence.hasSuffix(sentence), "\(outcome.sentence)")
      }
      #expect(!folder.names.contains { $0 != "file" && $0 != "runs" })
    }
  }

  /// What must not learn yet stays as it was drawn, and what may does not.
  @Test func memoriesLearnInTheOrderGiven() throws {
    try withFolder { folder in
      let words = ["--dim", "16", "--seq-len", "24", "--batch", "8", "--steps", "12"]
      let outcome = try start("learning_order", words + ["--seeds", "1"], in: folder)
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
      // In order 7, W_K⁰ → W_K¹ → W_O¹, with four steps each, W_K⁰ begins and W_O¹ waits for step
      // 8.
      #expect(try firstChange("wk0", order: 7) ?? 99 <= 4)
      #expect(try firstChange("wo1", order: 7) ?? 99 > 8)
      // In order 2, W_O¹ → W_K¹ → W_K⁰, it begins, and the last two wait for 4 and 8.
      #expect(try firstChange("wo1", order: 2) ?? 99 <= 8)
      #expect(try firstChange("wk1", order: 2) ?? 99 > 4)
      #expect(try firstChange("wk0", order: 2) ?? 99 > 8)
    }
  }

  /// Where "a" always goes to "p", a model of bigrams knows it after some steps.
  @Test func bigramsKnowTheFixedWorld() throws {
    try withFolder { folder in
      let words = ["--dim", "16", "--seq-len", "40", "--batch", "16", "--steps", "100"]
      let outcome = try start("letters", words, in: folder)
      #expect(outcome.status == 0)
      let lines = outcome.output.split(separator: "\n").map(String.init)
      // Three samples of each world; in the first every marked "a" is followed by "p".
      for row in 1...3 {
        let after = lines[row].components(separatedBy: "[a]").dropFirst().filter { !$0.isEmpty }
        #expect(!after.isEmpty && after.allSatisfy { $0.hasPrefix("p") }, "\(lines[row])")
      }
      #expect(
        lines.contains {
          $0.hasPrefix("Where \"a\" always goes to \"p\"")
            && $0.hasSuffix("the bigram model says \"p\" after \"a\" and hardly elsewhere;")
        })
      // So small a transformer, asked after "a" only, says "p" everywhere, and has not found the
      // context after so few steps.
      #expect(lines.contains("the transformer says \"p\" after other letters as well."))
      #expect(outcome.output.contains("Nothing can be said about the context"))
      let table = lines.filter { $0.hasPrefix("  fixed") || $0.hasPrefix("  context") }
        .map { $0.split(separator: " ").dropFirst().compactMap { Double($0) } }
      // After "a" and elsewhere, with errors, which the sign between the numbers sets apart.
      #expect(table.map(\.count) == [4, 4, 4, 4, 4, 4])
      #expect(table[0][0] > 0.9 && table[0][2] < 0.1)
      #expect(table[1][2] > 0.5)
      // In the other world a table of bigrams has the average over sequences.
      #expect(table[4][0] < 0.2)
    }
  }

  /// Shares of attention are shares, and every record has what the figure draws.
  @Test func scoresAndRecordsAreWhole() throws {
    try withFolder { folder in
      let words = ["--dim", "16", "--seq-len", "24", "--batch", "8", "--steps", "3"]
      let layers = try start(
        "one_vs_two_layers", words + ["--heads", "2", "--seeds", "1"], in: folder)
      let tables = layers.output.split(separator: "\n").map {
        $0.split(separator: " ").compactMap { Double($0) }
      }
      let heads = tables.filter { $0.count == 5 && $0[2] == $0[2].rounded() && $0[4] < 1 }
      #expect(heads.map { $0[0] } == [1, 1, 2, 2, 2, 2])
      #expect(heads.map { $0[1] } == [1, 1, 1, 1, 2, 2])
      #expect(heads.allSatisfy { $0[3] > 0 && $0[3] < 1 && $0[4] > 0 && $0[4] < 1 })

      #expect(try start("induction_head", words, in: folder).status == 0)
      let history = folder.text("runs/induction_head/history.jsonl").split(separator: "\n")
      #expect(history.count == 2)
      for line in history {
        let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        for name in ["step", "loss", "acc_end", "wk0", "wk1", "wo1"] {
          #expect(record?[name] != nil, "\(name)")
        }
      }
    }
  }
}
