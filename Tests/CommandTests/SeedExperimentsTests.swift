import Foundation
import Testing

/// Experiments over several seeds, at sizes that take moments.
@Suite struct SeedExperimentsTests {
  /// A script, the options that make it small, and what its results look like.
  struct Experiment: CustomTestStringConvertible {
    let name: String
    let options: [String]
    /// How the lines of its tables begin, in order.
    let rows: [String]
    /// How lines of its verdict begin, in order.
    let verdict: [String]
    /// A folder with the history of one run.
    let run: String
    var testDescription: String { name }
  }

  static let experiments = [
    Experiment(
      name: "data_properties", options: ["--seq-len", "48", "--batch", "32"],
      rows: [
        "trained on", "1 frequent trigger", "5 frequent triggers", "5 rare triggers",
        "5 random triggers", "bigram outputs", "three quarters",
      ],
      verdict: [
        "Triggers: ", "Rare triggers: ", "Outputs: ", "Outputs that training never showed",
      ],
      run: "5_rare_triggers/seed_4"),
    Experiment(
      name: "global_vs_in_context", options: ["--seq-len", "32", "--batch", "8"],
      rows: [
        "feed-forward", "linear", "linear", "linear", "mlp", "mlp", "mlp",
      ],
      verdict: ["linear: in ", "mlp: in ", "The MLP came "], run: "mlp/seed_4"),
    Experiment(
      name: "noise_ablation", options: ["--seq-len", "24", "--batch", "8"],
      rows: ["d ", "4 ", "4 ", "8 ", "8 ", "16 ", "16 "],
      verdict: ["d =   4: cross-talk costs", "d =  16: cross-talk costs", "The cost "],
      run: "d_16_noisy/seed_4"),
    Experiment(
      name: "constructed_circuit", options: ["--seq-len", "24", "--batch", "8"],
      rows: ["d ", "8 ", "16 ", "32 ", "64 ", "matrix", "W_K⁰", "W_K¹", "W_O¹"],
      verdict: ["d =    8: written down", "d =   64: written down", "W_K⁰: ", "W_O¹: "],
      run: "trained/seed_4"),
  ]

  private func start(
    _ experiment: Experiment, _ words: [String], threads: String = "2", in folder: URL
  ) throws -> Outcome {
    let script = package.appending(path: "examples/\(experiment.name).lua").path
    return try Running(["--threads", threads, script] + words, in: folder).finish()
  }

  @Test(arguments: experiments) func resultsOfARun(_ experiment: Experiment) throws {
    try withFolder { folder in
      let tiny =
        experiment.options + ["--dim", "16", "--steps", "6", "--seed", "3", "--seeds", "2"]
      let outcome = try start(experiment, tiny, in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.errors.isEmpty)
      let lines = outcome.output.split(separator: "\n").map(String.init)
      let cells = lines.filter { $0.hasPrefix("  ") }.map { $0.dropFirst(2) }
      #expect(cells.count == experiment.rows.count)
      for (line, row) in zip(cells, experiment.rows) {
        #expect(line.hasPrefix(row))
        // Heads name the columns; every other line has means and spreads of two seeds.
        #expect(
          line.contains("±") == !["trained on", "feed-forward", "d ", "matrix"].contains(row))
      }
      var rest = lines[...]
      for beginning in experiment.verdict {
        rest = rest.drop { !$0.hasPrefix(beginning) }
        #expect(!rest.isEmpty, "\(beginning)")
      }
      #expect(lines.last == "Results are in runs/\(experiment.name)")

      let results = folder.appending(path: "runs/\(experiment.name)")
      #expect(results.names.filter { $0.hasPrefix("figure") }.count == 3)
      #expect(results.text("figure.svg").contains("</svg>"))
      #expect(results.text("figure.csv").hasPrefix("panel,series,x,y"))
      #expect(
        results.appending(path: experiment.run).names == ["history.jsonl", "model.safetensors"])

      let again = try start(experiment, tiny + ["--out", "again"], threads: "1", in: folder)
      #expect(
        again.output
          == outcome.output.replacingOccurrences(of: "runs/\(experiment.name)", with: "again"))
      #expect(folder.text("again/figure.csv") == results.text("figure.csv"))
    }
  }

  @Test(arguments: experiments) func mistakesAreOneSentence(_ experiment: Experiment) throws {
    try withFolder { folder in
      try folder.write("file", "")
      for (words, sentence) in [
        (["--seads", "3"], "mnemo: unknown option '--seads'; did you mean '--seeds'?"),
        (["--seeds", "0"], "mnemo: --seeds wants at least 1, got 0"),
        (
          ["--out", "file"],
          "mnemo: --out: results folder: 'file' cannot be written: Not a directory"
        ),
      ] {
        let outcome = try start(experiment, words, in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors == sentence + "\n")
      }
      #expect(folder.names == ["file"])
    }
  }
}
