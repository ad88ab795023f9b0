import Settings
import Tensors
import TestModels
import Testing
import Training
import Transformers

/// What a run tells those who listen.
struct RunSinkTests {
  /// Writes down what it is told; refuses what it is asked to.
  private final class Listener: RunSink {
    var heard: [String] = []
    var descriptions: [RunDescription] = []
    var refuses: String?

    private func hear(_ word: String) throws {
      heard.append(word)
      if let refuses, word.hasPrefix(refuses) { throw Refusal() }
    }
    func begin(_ run: RunDescription) throws {
      descriptions.append(run)
      try hear("begin \(run.first)..<\(run.last)")
    }
    func record(_ record: Record) throws { try hear("record \(record.step)") }
    func rewind(to history: [Record]) throws {
      try hear("rewind to \(history.last?.step ?? -1)")
    }
    func checkpoint(_ state: RunState) throws { try hear("checkpoint \(state.step)") }
    func end(_ status: TrainingRun.Status) { heard.append("end \(status)") }
    var keepsModel: Bool { true }
  }

  @Test func everythingIsToldInOrder() throws {
    let (listener, second) = (Listener(), Listener())
    let run = try smallRun(steps: 5) {
      $0.sinks = [listener, second]
      $0.checkpointEvery = 2
    }
    #expect(listener.heard.isEmpty)
    try run.run()
    let first = [
      "begin 0..<5", "record 0", "checkpoint 2", "record 3", "checkpoint 4", "record 5",
      "checkpoint 5", "end finished",
    ]
    #expect(listener.heard == first && !run.isUnsaved)
    try run.advance(2)
    #expect(
      listener.heard == first + [
        "begin 5..<7", "checkpoint 6", "record 6", "record 7", "checkpoint 7", "end finished",
      ])
    #expect(second.heard == listener.heard)
  }

  @Test func aRunSaysWhatItIs() throws {
    let listener = Listener()
    let run = try smallRun(steps: 5, optimizer: SGD(learningRate: .constant(0.5), momentum: 0.9)) {
      $0.sinks = [listener]
      $0.clipNorm = 2
      $0.probes = [("p", { _ in 1 })]
    }
    try run.run()
    let description = try #require(listener.descriptions.first)
    // A corpus is not written down, but told from others.
    let corpus = try #require(try smallTask().settings.first { $0.name == "corpus" }?.value)
    #expect(description.probes == ["p"])
    #expect(
      try description.json() == #"""
        {"engine":{"backend":"\#(Backends.current.name)","kernels":"\#(KernelSet.name)"},\#
        "model":{"cross_talk":true,"dim":8,"embedding_init":"unit","ffn":["none","none"],\#
        "freeze_embeddings":true,"freeze_output":true,"kind":"simplified","max_len":15,\#
        "positional":"random","score_scale":"sqrt_dim","seed":7,"tie_output":false,"vocab":11},\#
        "optimizer":{"kind":"sgd","lr":0.5,"momentum":0.9,"nesterov":false,"weight_decay":0},\#
        "task":{"corpus":\#(corpus),"kind":"bigram","no_repeat":false,"outputs":"uniform","seed":5,"seq_len":13,\#
        "trigger_kind":"fixed","trigger_offset":0,"triggers":3},\#
        "train":{"batch_size":4,"clip_norm":2,"eval_every":3,"kind":"train","loss_on":"all",\#
        "progress":true,"steps":5}}
        """#)
  }

  @Test(arguments: [
    ("begin", ["begin 0..<5", "checkpoint 0", "end failed"]),
    ("record 3", ["begin 0..<5", "record 0", "record 3", "checkpoint 3", "end failed"]),
    (
      "checkpoint",
      ["begin 0..<5", "record 0", "record 3", "record 5", "checkpoint 5", "end finished"]
    ),
  ]) func anErrorOfASinkEndsTheRun(_ refused: String, _ heard: [String]) throws {
    let listener = Listener()
    listener.refuses = refused
    let run = try smallRun(steps: 5) { $0.sinks = [listener] }
    #expect(throws: Refusal.self) { try run.run() }
    #expect(listener.heard == heard && run.hasNoGradients)
  }
}
