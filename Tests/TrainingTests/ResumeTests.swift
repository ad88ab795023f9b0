import FoundationEssentials
import Glibc
import Settings
import Tasks
import TensorFiles
import Tensors
import TestModels
import TestSupport
import Testing
import Training
import Transformers

/// Runs that go on from what is on disk, and what is told where it does not fit.
struct ResumeTests {
  /// Copies the folder at checkpoints of some steps: what a run that is killed then leaves.
  private final class Copier: RunSink {
    let (folder, copies): (String, String)
    init(_ folder: String, to copies: String) { (self.folder, self.copies) = (folder, copies) }

    func checkpoint(_ state: RunState) throws {
      let copy = "\(copies)/\(state.step)"
      if FileManager.default.fileExists(atPath: copy) { return }
      try FileManager.default.copyItem(atPath: folder, toPath: copy)
    }
  }

  /// Random numbers that the probes of a run draw.
  private final class Session: RandomSession {
    var randomPosition = RandomPosition(seed: 3, draws: 0)
    func draw() -> Double {
      randomPosition.draws += 1
      return Double(randomPosition.seed * 1000 + randomPosition.draws)
    }
  }

  /// A run of 12 steps that freezes and unfreezes on the way and draws numbers at its records; of a
  /// model that is not what it was at first, if it is to be restored.
  private func run(
    _ optimizer: any Optimizer, _ folder: ResultsFolder? = nil, isNew: Bool = true,
    _ change: (inout TrainingOptions) throws -> Void = { _ in }
  ) throws -> TrainingRun {
    let model = try smallModel()
    if !isNew {
      for (_, tensor) in model.parameters.all {
        try tensor.requireGrad(false).mulInPlace(Tensor(0))
      }
    }
    let session = Session()
    let run = try smallRun(steps: 12, optimizer: optimizer, model: model) {
      $0.schedule[4] = { try $0.parameters.setTrained("layers.0.*.wk.*", false) }
      $0.schedule[5] = { try $0.parameters.setTrained("layers.1.*.wv.*", true) }
      $0.schedule[9] = { try $0.parameters.setTrained("layers.0.*.wk.*", true) }
      $0.random = session
      $0.probes = [("drawn", { _ in session.draw() }), ("odd", { Self.odd[$0.step % 8] })]
      if let folder { $0.sinks = [folder] }
      try change(&$0)
    }
    if folder != nil { try run.restore() }
    return run
  }

  private static let odd: [Double] = [
    .nan, 5e-324, -0.0, -.infinity, 0.1, .infinity, -.nan, Double(nan: 7, signaling: false),
  ]

  private static func optimizers() throws -> [String: () throws -> any Optimizer] {
    func made<C: OptimizerConfiguration>(
      _: C.Type, _ settings: [String: SettingValue]
    ) -> () throws -> any Optimizer {
      {
        var given = settings
        given["lr"] = .number(0.05)
        return try C(settings: given).makeOptimizer()
      }
    }
    return [
      "sgd": made(SGD.Options.self, [:]),
      "nesterov": made(
        SGD.Options.self,
        ["momentum": .number(0.9), "nesterov": .boolean(true), "weight_decay": .number(0.1)]),
      "adam": made(Adam.Options.self, ["weight_decay": .number(0.1)]),
      "adamw": made(AdamW.Options.self, [:]), "sign": made(SignSGD.Options.self, [:]),
      "signum": made(SignSGD.Options.self, ["momentum": .number(0.9)]),
      "muon": made(Muon.Options.self, [:]),
      "groups": made(
        AdamW.Options.self, ["groups": .list([.text("layers.0.* lr=0.2 weight_decay=0.0")])]),
      "schedule": {
        var options = AdamW.Options()
        options.learningRate = .schedule { 0.2 / Double(1 + $0) }
        return try options.makeOptimizer()
      },
    ]
  }

  @Test(arguments: [
    "sgd", "nesterov", "adam", "adamw", "sign", "signum", "muon", "groups", "schedule",
  ]) func aRunThatIsKilledGoesOnBitForBit(_ name: String) throws {
    try withTemporaryFolder { folder in
      let optimizer = try #require(try Self.optimizers()[name])
      let path = "\(folder)/whole"
      let whole = try run(optimizer(), ResultsFolder(path)) {
        $0.checkpointEvery = 1
        $0.sinks.append(Copier(path, to: folder))
      }
      try whole.run()
      let expected = try lines("\(path)/history.jsonl")
      #expect(expected.count == 5)
      for step in 1...12 {
        let copy = "\(folder)/\(step)"
        // What was measured after the checkpoint is measured anew.
        if step > 3, step < 12 {
          try FileManager.default.removeItem(atPath: "\(copy)/history.jsonl")
          try FileManager.default.copyItem(
            atPath: "\(path)/history.jsonl", toPath: "\(copy)/history.jsonl")
        }
        let resumed = try run(optimizer(), ResultsFolder(resuming: copy), isNew: false)
        #expect(resumed.step == step && resumed.stepsLeft == 12 - step)
        try resumed.run()
        #expect(resumed.bits == whole.bits, "from \(step)")
        #expect(try lines("\(copy)/history.jsonl") == expected, "from \(step)")
        #expect(resumed.status == .finished && resumed.step == 12)
        // And the next checkpoint is the same, too, but for the run's number.
        let (last, known) = (
          try Safetensors.load("\(copy)/model.safetensors"),
          try Safetensors.load("\(path)/model.safetensors")
        )
        #expect(last.tensors.keys.sorted() == known.tensors.keys.sorted())
        for (name, value) in last.tensors {
          guard case .float(let a) = value, case .float(let b)? = known.tensors[name] else {
            continue
          }
          #expect(a.elements().map(\.bitPattern) == b.elements().map(\.bitPattern), "\(name)")
        }
        #expect(last.metadata == known.metadata)
      }
    }
  }

  /// The record of the early end goes: a run that never stopped has none.
  @Test(arguments: [1, 3, 5, 6]) func aRunThatIsStoppedGoesOnBitForBit(_ stop: Int) throws {
    try withTemporaryFolder { folder in
      let optimizer = try #require(try Self.optimizers()["adamw"])
      let whole = try run(optimizer())
      try whole.run()
      for isShort in [false, true] {
        let path = "\(folder)/\(isShort)"
        let first = try run(optimizer(), ResultsFolder(path))
        if isShort {
          try first.advance(stop)
        } else {
          nonisolated(unsafe) let first = first
          let token = StopToken(isWanted: { first.step == stop }, isUrgent: { false })
          try StopToken.with(token) { try first.run() }
          #expect(first.status == .interrupted)
        }
        #expect(first.step == stop && first.steps.last == stop)
        let stored = try RunContents(of: path).makeRun()
        #expect(stored.history.map(\.json) == first.history.map(\.json))
        #expect(stored.bits == first.bits && stored.status == first.status)
        let resumed = try run(optimizer(), ResultsFolder(resuming: path), isNew: false)
        try resumed.run()
        #expect(resumed.bits == whole.bits)
        #expect(resumed.history.map(\.json) == whole.history.map(\.json))
      }
    }
  }

  /// A run that diverges returns to where it would have returned to.
  @Test(arguments: [1, 4, 5, 7, 8]) func divergenceIsRememberedToo(_ killed: Int) throws {
    try withTemporaryFolder { folder in
      func diverging(_ sink: ResultsFolder) throws -> TrainingRun {
        let rate = LearningRate.schedule { $0 == 8 ? 1e300 : 0.1 }
        return try run(AdamW(learningRate: rate), sink, isNew: sink.resumed == nil) {
          $0.checkpointEvery = 1
          if sink.resumed == nil { $0.sinks.append(Copier(sink.path, to: folder)) }
        }
      }
      let whole = try diverging(ResultsFolder("\(folder)/whole"))
      let failure = #expect(throws: EngineError.self) { try whole.run() }
      let resumed = try diverging(ResultsFolder(resuming: "\(folder)/\(killed)"))
      let again = #expect(throws: EngineError.self) { try resumed.run() }
      #expect(failure?.description == again?.description)
      #expect(whole.bits == resumed.bits && whole.step == resumed.step)
      let file = try String(contentsOfFile: "\(folder)/whole/run.json", encoding: .utf8)
      #expect(file.contains("\"state\" : \"failed\"") && file.contains("the loss is nan at step 9"))
    }
  }

  @Test func aRunWithoutACheckpointBeginsAnew() throws {
    try withTemporaryFolder { folder in
      let optimizer = try #require(try Self.optimizers()["adamw"])
      let whole = try run(optimizer())
      try whole.run()
      // Nothing is there, or only what is said of the run, or its first records, too.
      for names in [[], ["run.json"], ["run.json", "history.jsonl"]] {
        let path = "\(folder)/\(names.count)"
        if !names.isEmpty {
          let first = try run(optimizer(), ResultsFolder(path))
          try first.advance(7)
          // As a run has it that was killed.
          try change("\(path)/run.json", "\"finished\"", "\"running\"")
          for name in ["history.jsonl", "model.safetensors"] where !names.contains(name) {
            try FileManager.default.removeItem(atPath: "\(path)/\(name)")
          }
        }
        let resumed = try run(optimizer(), ResultsFolder(resuming: path))
        #expect(resumed.step == 0)
        try resumed.run()
        #expect(resumed.bits == whole.bits)
        #expect(try lines("\(path)/history.jsonl") == whole.history.map(\.json))
      }
    }
  }

  // MARK: Checkpoints that stay

  @Test func checkpointsOfAScheduleStay() throws {
    try withTemporaryFolder { folder in
      for (name, steps, kept) in [
        ("log", CheckpointSteps.log, [0, 1, 2, 4, 8]),
        ("some", .steps([3, 0, 11, 50]), [0, 3, 11]),
      ] {
        let path = "\(folder)/\(name)"
        var seen: [Int: Bits] = [:]
        let run = try smallRun(steps: 12) {
          $0.sinks = [try ResultsFolder(path)]
          ($0.checkpoints, $0.checkpointEvery, $0.evalEvery) = (steps, 5, 1)
          let model = $0.model
          $0.onRecord = { seen[$0.step] = model.bits }
        }
        try run.run()
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(path)/checkpoints")
        #expect(names.sorted() == kept.map { "\($0).safetensors" }.sorted())
        #expect(run.checkpointSteps == kept + [12])
        for step in kept + [12] { #expect(try run.model(at: step).bits == seen[step]) }
        let known = (kept + [12]).map { "\($0)" }.joined(separator: ", ")
        expectError("model_at: there is no checkpoint of step 5 (there are those of \(known))") {
          try run.model(at: 5)
        }
        // Another process finds them, and a run that takes the folder leaves none.
        let stored = try RunContents(of: path).makeRun()
        #expect(try stored.model(at: kept[1]).bits == seen[kept[1]])
        try smallRun(steps: 1) { $0.sinks = [try ResultsFolder(path, overwrites: true)] }.run()
        #expect(
          try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            == ["history.jsonl", "model.safetensors", "run.json"])
      }
      let run = try smallRun(steps: 1)
      expectError("model_at: the run has no folder with checkpoints; give dir") {
        try run.model(at: 0)
      }
      expectError("train: checkpoints has step -1 (allowed: 0 or more)") {
        try smallRun(steps: 1) {
          $0.sinks = [try ResultsFolder("\(folder)/none")]
          $0.checkpoints = .steps([1, -1])
        }
      }
      expectError("train: checkpoints needs dir, the folder to write to") {
        try smallRun(steps: 1) { $0.checkpoints = .log }
      }
    }
  }

  /// What belongs to the state has names that no parameter has.
  @Test func parametersMayBeCalledLikeTheState() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/model.safetensors"
      let model = try smallModel()
      try Checkpoint.save(model, to: path, state: [("optimizer.x", try Tensor([1, 2]))])
      #expect(try Safetensors.load(path).metadata["state_prefix"] == "state.")
      #expect(try Checkpoint.load(from: path).bits == model.bits)
      #expect(try Checkpoint.state(from: path)["optimizer.x"]?.elements() == [1, 2])
      try Checkpoint.loadState(from: path, into: model)
    }
  }

  // MARK: What does not fit

  /// Leaves a run that stopped after 7 of 12 steps, and its number.
  private func leaveRun(in path: String) throws -> String {
    let optimizer = try #require(try Self.optimizers()["adamw"])
    try run(optimizer(), ResultsFolder(path)) { $0.checkpointEvery = 2 }.advance(7)
    let file = try String(contentsOfFile: "\(path)/run.json", encoding: .utf8)
    let pieces = file.split(separator: "\"run\" : \"")
    return String(try #require(pieces.last).prefix { $0 != "\"" })
  }

  private func change(_ path: String, _ from: String, _ to: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains(from))
    try Data(text.replacing(from, with: to).utf8).write(to: URL(fileURLWithPath: path))
  }

  @Test func filesThatDisagreeAreTold() throws {
    try withTemporaryFolder { folder in
      var made = 0
      func told(
        _ sentence: (String) -> String, sourceLocation: SourceLocation = #_sourceLocation,
        _ spoil: (String, String) throws -> Void
      ) throws {
        made += 1
        let path = "\(folder)/\(made)"
        try spoil(path, try leaveRun(in: path))
        let expected = "run: " + sentence(path)
        expectError(expected, sourceLocation: sourceLocation) { try RunContents(of: path) }
        expectError(expected, sourceLocation: sourceLocation) { try ResultsFolder(resuming: path) }
        // And the folder is free again.
        try ResultsFolder(path, overwrites: true).letGo()
      }
      let history = "history.jsonl"
      func records(_ path: String) throws -> [String] { try lines("\(path)/\(history)") }
      func write(_ lines: [String], _ path: String, ending: String = "\n") throws {
        let text = lines.joined(separator: "\n") + ending
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(history)"))
      }
      try told({
        "'\($0)' has no run.json, which says what run it holds; its history.jsonl and "
          + "model.safetensors can be read by themselves"
      }) { path, _ in
        try FileManager.default.removeItem(atPath: "\(path)/run.json")
      }
      try told({ "the files in '\($0)' disagree: run.json is of run 1, model.safetensors of abc" })
      {
        path, number in
        try change("\(path)/run.json", number, "1")
        let file = try Safetensors.load("\(path)/model.safetensors")
        var texts = file.metadata
        texts["state"] = texts["state"]?.replacing(number, with: "abc")
        try Safetensors.save(
          "\(path)/model.safetensors", tensors: file.tensors.map { ($0.key, $0.value) },
          metadata: texts)
      }
      try told({
        "the files in '\($0)' disagree: model dim is 9 in run.json, 8 in model.safetensors"
      }) { path, _ in try change("\(path)/run.json", "\"dim\" : 8", "\"dim\" : 9") }
      try told({
        "the files in '\($0)' disagree: model.safetensors is of step 7, and run.json asks "
          + "for 3 steps"
      }) { path, _ in
        try change("\(path)/run.json", "\"steps\" : 7", "\"steps\" : 3")
      }
      try told({
        "the files in '\($0)' disagree: history.jsonl has 2 records before step 7, of which "
          + "model.safetensors is, and there were 3"
      }) { path, _ in
        try write(Array(try records(path).dropFirst()), path)
      }
      try told({
        "the files in '\($0)' disagree: history.jsonl has 0 records before step 7, of which "
          + "model.safetensors is, and there were 3"
      }) { path, _ in
        try FileManager.default.removeItem(atPath: "\(path)/\(history)")
      }
      try told({
        "the files in '\($0)' disagree: history.jsonl has a record of step 9, and run.json asks for "
          + "7 steps"
      }) { path, _ in
        try write(try records(path) + ["{\"step\":9,\"loss\":1.0}"], path)
      }
      try told({
        "the files in '\($0)' disagree: run.json says that the run is finished, and there is no "
          + "model.safetensors"
      }) { path, _ in try FileManager.default.removeItem(atPath: "\(path)/model.safetensors") }
      try told({
        "the files in '\($0)' disagree: run.json says that the run has made its 8 steps, and "
          + "model.safetensors is of step 7"
      }) { path, _ in try change("\(path)/run.json", "\"steps\" : 7", "\"steps\" : 8") }
      var last = ""
      try told({
        "the files in '\($0)' disagree: line 3 of history.jsonl is "
          + "{\"step\":6,\"loss\":1.0}, and model.safetensors knows it as \(last)"
      }) { path, _ in
        var all = try records(path)
        last = all[2]
        all[2] = "{\"step\":6,\"loss\":1.0}"
        try write(all, path)
      }
      try told({ "'\($0)/history.jsonl' line 2 is no record: {\"step\":3,\"loss\":nan}" }) {
        path, _ in
        var all = try records(path)
        all[1] = "{\"step\":3,\"loss\":nan}"
        try write(all, path)
      }
      try told({ "'\($0)/history.jsonl' line 2 is of step 0, after one of step 0" }) { path, _ in
        var all = try records(path)
        all[1] = all[0]
        try write(all, path)
      }
      try told({ "'\($0)/run.json' is of version 2 (this mnemo knows 1)" }) { path, _ in
        try change("\(path)/run.json", "\"version\" : 1", "\"version\" : 2")
      }
      try told({ "'\($0)/run.json' has no 'steps'" }) { path, _ in
        try change("\(path)/run.json", "\"steps\" : 7,", "")
      }
      try told({ "'\($0)/run.json' is cut short, or describes no run" }) { path, _ in
        try Data("{\"version\": 1".utf8).write(to: URL(fileURLWithPath: "\(path)/run.json"))
      }
      for (from, to, reason) in [
        ("\"version\":1", "\"version\":9", "holds a state of version 9 (this mnemo knows 1)"),
        ("\"step\":7", "\"step\":-7", "holds a state that cannot be read"),
        ("\"records\"", "\"record\"", "holds a state that cannot be read"),
      ] {
        try told({ "'\($0)/model.safetensors' \(reason)" }) { path, _ in
          let file = try Safetensors.load("\(path)/model.safetensors")
          var texts = file.metadata
          texts["state"] = texts["state"]?.replacing(from, with: to)
          try Safetensors.save(
            "\(path)/model.safetensors", tensors: file.tensors.map { ($0.key, $0.value) },
            metadata: texts)
        }
      }
      try told({
        "'\($0)/model.safetensors' holds no state of a run; mnemo.model.load reads models"
      }) { path, _ in try Checkpoint.save(smallModel(), to: "\(path)/model.safetensors") }
      expectError("run: there is no run in '\(folder)/nowhere'") {
        try RunContents(of: "\(folder)/nowhere")
      }
    }
  }

  @Test func tensorsOfTheStateThatAreMissingAreTold() throws {
    try withTemporaryFolder { path in
      _ = try leaveRun(in: path)
      let model = "\(path)/model.safetensors"
      let file = try Safetensors.load(model)
      let name = "optimizer.exp_avg.layers.0.attention.wk.weight"
      let optimizer = try #require(try Self.optimizers()["adamw"])
      for (value, sentence) in [
        (nil, "has no tensor '\(name)' of its state"),
        (try Tensor([1]), "has '\(name)' of shape [1], the parameter has [8, 8]"),
      ] as [(Tensor?, String)] {
        var tensors = file.tensors
        tensors["state.\(name)"] = value.map { .float($0) }
        try Safetensors.save(
          model, tensors: tensors.map { ($0.key, $0.value) }, metadata: file.metadata)
        let sink = try ResultsFolder(resuming: path)
        let fresh = try run(optimizer()) { $0.sinks = [sink] }
        let before = fresh.bits
        expectError("run: '\(model)' \(sentence)") { try fresh.restore() }
        #expect(fresh.bits == before && fresh.step == 0)
        sink.letGo()
      }
    }
  }

  /// However short a file is, it is refused in a sentence, or was whole before.
  @Test func filesThatAreCutShortAreRefused() throws {
    try withTemporaryFolder { path in
      _ = try leaveRun(in: path)
      let contents = try RunContents(of: path)
      for name in ["run.json", "model.safetensors", "history.jsonl"] {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        let whole = try Data(contentsOf: url)
        for count in Set((0..<60).map { $0 * whole.count / 60 } + [whole.count - 1]) {
          try Data(whole.prefix(count)).write(to: url)
          do {
            let run = try RunContents(of: path).makeRun()
            // A record that is not whole, after the checkpoint.
            #expect(name == "history.jsonl" || count == whole.count - 1)
            #expect(run.history.count >= 3)
          } catch let error as EngineError {
            #expect(error.description.contains(path), "\(error)")
          }
        }
        try whole.write(to: url)
      }
      #expect(try RunContents(of: path).records.map(\.json) == contents.records.map(\.json))
    }
  }

  @Test func settingsThatDifferAreNamed() throws {
    try withTemporaryFolder { path in
      _ = try leaveRun(in: path)
      func differs(
        _ differences: String, _ optimizer: String = "adamw",
        sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout TrainingOptions) throws -> Void
      ) throws {
        let made = try #require(try Self.optimizers()[optimizer])
        let sink = try ResultsFolder(resuming: path)
        defer { sink.letGo() }
        let run = try run(made(), nil) {
          $0.sinks = [sink]
          try change(&$0)
        }
        let before = run.bits
        expectError(
          "train: the run in '\(path)' began with other settings: \(differences)",
          sourceLocation: sourceLocation
        ) { try run.restore() }
        #expect(run.bits == before && run.step == 0)
      }
      try differs("train.batch_size: 4 in the folder, 5 given") { $0.batchSize = 5 }
      try differs(
        "optimizer.groups: none in the folder, [\"layers.0.* lr=0.2 weight_decay=0.0\"] given; "
          + "train.clip_norm: none in the folder, 0.5 given", "groups"
      ) { $0.clipNorm = 0.5 }
      try differs("optimizer.lr: 0.05 in the folder, the script's own given", "schedule") { _ in }
      try differs(
        "train.at.9: the script's own in the folder, none given; "
          + "train.probes.odd: the script's own in the folder, none given"
      ) {
        $0.schedule[9] = nil
        $0.probes.removeLast()
      }
      try differs("task.seed: 5 in the folder, 6 given") {
        var options = try #require($0.task as? BigramTask).options
        options.seed = 6
        $0.task = try BigramTask(options)
      }
      let corpora = try [Corpus.uniform(11), .zipf(11, alpha: 1)].map { corpus in
        try BigramTask(BigramTask.Options(corpus: corpus)).settings.first { $0.name == "corpus" }
      }
      #expect(corpora[0]?.value != corpora[1]?.value)
      try differs(
        "task.corpus: \(try #require(corpora[0]?.value)) in the folder, "
          + "\(try #require(corpora[1]?.value)) given"
      ) {
        var options = try #require($0.task as? BigramTask).options
        options.corpus = try .zipf(11, alpha: 1)
        $0.task = try BigramTask(options)
      }
      // How long it goes on and what it writes on the way may be others.
      let sink = try ResultsFolder(resuming: path)
      let optimizer = try #require(try Self.optimizers()["adamw"])
      let resumed = try run(optimizer(), sink, isNew: false) {
        ($0.steps, $0.checkpointEvery, $0.checkpoints) = (20, 3, .log)
      }
      try resumed.run()
      #expect(resumed.step == 20 && resumed.checkpointSteps == [8, 16, 20])
    }
  }

  @Test func aStoredRunGoesOnIfAllIsBuiltIn() throws {
    try withTemporaryFolder { folder in
      func builtIn(_ path: String?) throws -> TrainingRun {
        var task = BigramTask.Options()
        (task.seqLen, task.seed) = (13, 3)
        let optimizer = try #require(try Self.optimizers()["groups"])
        let model = try smallModel { $0.vocab = 65 }
        return try smallRun(steps: 9, optimizer: try optimizer(), model: model) {
          $0.task = try BigramTask(task)
          if let path { $0.sinks = [try ResultsFolder(path)] }
        }
      }
      let (whole, first) = (try builtIn(nil), try builtIn("\(folder)/run"))
      try whole.run()
      try first.advance(4)
      let builtInRun = try RunContents(of: "\(folder)/run").makeRun()
      #expect(builtInRun.step == 4 && builtInRun.stepsLeft == 0)
      try builtInRun.advance(5)
      #expect(builtInRun.bits == whole.bits && builtInRun.losses == whole.losses)
      // The one that it was read from has lost its folder.
      #expect(throws: EngineError.self) { try first.advance(1) }
      // One with functions says which, and what its folder holds is there all the same.
      let path = "\(folder)/scripted"
      _ = try leaveRun(in: path)
      let stored = try RunContents(of: path).makeRun()
      #expect(stored.steps == [0, 3, 6, 7] && stored.columns == ["step", "loss", "drawn", "odd"])
      for (record, value) in zip(stored.history, [0, 3, 6, 7].map { Self.odd[$0] }) {
        #expect(record["odd"]?.bitPattern == value.bitPattern)
      }
      expectError(
        "train: the run in '\(path)' has what only its script can give (task.corpus, "
          + "train.probes.drawn, train.probes.odd, train.at.4, train.at.5, train.at.9); it goes on "
          + "there, by mnemo.train{resume = \"\(path)\", …}"
      ) { try stored.advance(1) }
    }
  }

  @Test func runsSideBySideGoOn() throws {
    try withTemporaryFolder { folder in
      func runs(_ sink: (Int) throws -> ResultsFolder?) throws -> [TrainingRun] {
        try (0..<3).map { place in
          let model = try smallModel { $0.seed = UInt64(place) }
          let folder = try sink(place)
          let run = try smallRun(steps: 10, optimizer: AdamW(), model: model) {
            if let folder {
              $0.sinks = [folder]
              $0.checkpointEvery = 2 + place
            }
          }
          try run.restore()
          return run
        }
      }
      let whole = try runs { _ in nil }
      try SideBySide(whole).run()
      let first = try runs { try ResultsFolder("\(folder)/\($0)") }
      for (run, steps) in zip(first, [0, 4, 10]) { try run.advance(steps) }
      let resumed = try runs { try ResultsFolder(resuming: "\(folder)/\($0)") }
      #expect(resumed.map(\.step) == [0, 4, 10])
      try SideBySide(resumed).run()
      for (a, b) in zip(whole, resumed) { #expect(a.bits == b.bits && a.losses == b.losses) }
    }
  }

  // MARK: What is said of a run

  @Test func theFileSaysHowARunIs() throws {
    try withTemporaryFolder { path in
      func text() throws -> String {
        try String(contentsOfFile: "\(path)/run.json", encoding: .utf8)
      }
      let run = try smallRun(steps: 5) {
        $0.sinks = [try ResultsFolder(path)]
        $0.origin = {
          var origin = RunOrigin()
          origin.command = ["a", "b/c"]
          origin.script = .init(path: "a.lua", bytes: Array("abc".utf8))
          origin.git = .init(commit: "0123", dirty: true)
          return origin
        }
        $0.probes = [
          (
            "p",
            { _ in
              let file = try text()
              #expect(file.contains("\"state\" : \"running\""))
              return 1
            }
          )
        ]
      }
      #expect(!FileManager.default.fileExists(atPath: "\(path)/run.json"))
      try run.run()
      let file = try text()
      for part in [
        "\"state\" : \"finished\"", "\"steps\" : 5", "\"process\" : \(getpid())",
        "\"dirty\" : true",
        "\"commit\" : \"0123\"", "\"threads\" : \(Parallel.threads)", "\"b/c\"",
        "\"momentum\" : 0.9",
        "\"kernels\" : \"\(KernelSet.name)\"",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "\"batch_size\" : 4",
      ] { #expect(file.contains(part), "\(part)") }
      try run.advance(2)
      #expect(try text().contains("\"steps\" : 7"))
      // One process, however often it goes on.
      #expect(try text().split(separator: "\"host\"").count == 2)
    }
  }

  @Test func aFullDiskLeavesTheCheckpointOfBefore() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryFolder { folder in
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
        let free = limit.rlim_cur
        let run = try smallRun(steps: 10, optimizer: AdamW()) {
          $0.sinks = [try ResultsFolder(folder)]
          ($0.checkpointEvery, $0.evalEvery) = (2, 1)
          $0.onRecord = { record in
            guard record.step == 5 else { return }
            // Histories and run.json have room, checkpoints do not.
            limit.rlim_cur = 4096
            try #require(setrlimit(__rlimit_resource_t(1), &limit) == 0)
          }
        }
        expectError(
          "safetensors.save: \"\(folder)/model.safetensors\": File too large"
        ) { try run.run() }
        limit.rlim_cur = free
        try #require(setrlimit(__rlimit_resource_t(1), &limit) == 0)
        let sink = try ResultsFolder(resuming: folder)
        let resumed = try smallRun(steps: 10, optimizer: AdamW()) {
          $0.sinks = [sink]
          $0.evalEvery = 1
        }
        try resumed.restore()
        #expect(resumed.step == 4)
        try resumed.run()
        let whole = try smallRun(steps: 10, optimizer: AdamW()) { $0.evalEvery = 1 }
        try whole.run()
        #expect(resumed.bits == whole.bits && resumed.losses == whole.losses)
      }
    }
  }
}
