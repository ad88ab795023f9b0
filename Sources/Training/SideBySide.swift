import Tensors

/// Several runs at once, each of a model of its own, for models so small that a step of one leaves
/// threads idle.
///
/// Each thread makes a step of the run that is furthest behind, and the whole step by itself. What
/// calls functions of a script (probes, schedules, tasks and models written there) is done on the
/// calling thread, for one run after the other. Where one step alone keeps more threads busy than
/// there are runs, runs take turns, each on all threads. Every run gives the numbers that it gives
/// alone, bit for bit.
public struct SideBySide {
  /// The runs.
  public let runs: [TrainingRun]

  /// Runs that are to go on together.
  /// - Throws: `EngineError` if two of them train the same parameters.
  public init(_ runs: [TrainingRun]) throws {
    var owners: [ObjectIdentifier: Int] = [:]
    for (place, run) in runs.enumerated() {
      for (name, tensor) in run.options.model.parameters.all {
        let owner = owners.updateValue(place, forKey: tensor.memory) ?? place
        guard owner != place else { continue }
        let both = "models \(owner + 1) and \(place + 1)"
        throw EngineError(
          "train",
          runs[owner].options.model === run.options.model
            ? "\(both) are the same one; train a clone() of it"
            : "\(both) share the parameter '\(name)'; give each its own")
      }
    }
    self.runs = runs
  }

  /// Makes the updates that are left of those that each run's options say, or as many as are made
  /// until the current ``StopToken`` asks to stop: then every run ends after the step that it is
  /// at.
  /// - Throws: ``RunFailure`` with the error of the first run that failed, as
  ///   ``TrainingRun/advance(_:)`` tells of it; the others end as if they had been stopped.
  public func run() throws {
    let tokens = runs.map { _ in StopToken.current.map { StopToken(following: $0) } }
    var failures: [Int: any Error] = [:]
    var begun: [TrainingRun] = []
    for (place, run) in runs.enumerated() where failures.isEmpty {
      do {
        try run.begin(run.stepsLeft)
        begun.append(run)
      } catch { failures[place] = error }
    }
    while failures.isEmpty, runs.contains(where: { $0.stage != .ended }) {
      failures = goOnApart(tokens)
      for (run, place) in zip(runs, 0...) where failures.isEmpty {
        do {
          try StopToken.with(tokens[place]) { while run.needsCaller { try run.goOn() } }
        } catch { failures[place] = error }
        if run.isGivenUp { break }
      }
      stopTogether()
    }
    for (place, run) in begun.enumerated() {
      if let failure = failures[place] {
        run.fail(failure)
        continue
      }
      if run.stage != .ended { run.giveUp() }
      do { try run.finish() } catch { failures[place] = error }
    }
    if let first = failures.min(by: { $0.key < $1.key }) {
      throw RunFailure(place: first.key, reason: first.value)
    }
  }

  /// What one run has heard holds for all.
  private func stopTogether() {
    if runs.contains(where: \.isGivenUp) {
      for run in runs where run.stage != .ended { run.giveUp() }
    } else if runs.contains(where: \.isStopped) {
      for run in runs { run.stop() }
    }
  }

  // MARK: Threads

  /// How many runs go on at a time.
  private var lanes: Int {
    let cut = Backends.current.batchCut
    let parts = runs.map { run in
      let sequences = max(1, cut.tokens / max(1, run.options.task?.seqLen ?? 1))
      return max(cut.leastParts, run.options.batchSize / sequences)
    }
    let threads = Parallel.threads
    return runs.count >= min(threads, parts.max() ?? 1) ? min(runs.count, threads) : 1
  }

  /// What threads know of the runs that go on apart from the caller.
  private struct Waiting {
    /// The places of those that no thread has taken.
    var places: [Int]
    var failures: [Int: any Error] = [:]
    /// Whether one has heard that it is to stop.
    var isStopped = false

    /// Takes the run that is furthest behind.
    mutating func next(of runs: [TrainingRun]) -> Int? {
      guard failures.isEmpty, !isStopped else { return nil }
      let index = places.indices.min { runs[places[$0]].step < runs[places[$1]].step }
      return index.map { places.remove(at: $0) }
    }
  }

  /// Makes stages of all runs until each has one to make that is for the calling thread.
  /// - Returns: the errors, by the places of their runs.
  private func goOnApart(_ tokens: [StopToken?]) -> [Int: any Error] {
    let waiting = Lock(
      Waiting(places: runs.indices.filter { runs[$0].stage != .ended && !runs[$0].needsCaller }))
    let areRecorded = Gradients.areRecorded
    let lanes = min(lanes, waiting.withLock { $0.places.count })
    // Each run hears of a stop itself.
    StopToken.with(nil) {
      Parallel.run(lanes, lanes: lanes) { _, _ in
        Gradients.$areRecorded.withValue(areRecorded) {
          while let place = waiting.withLock({ $0.next(of: runs) }) {
            let run = runs[place]
            let wasStopped = run.isStopped
            let result = Result { try StopToken.with(tokens[place]) { try makeStep(of: run) } }
            waiting.withLock { waiting in
              if case .failure(let error) = result { waiting.failures[place] = error }
              if run.isGivenUp || run.isStopped && !wasStopped { waiting.isStopped = true }
              if run.stage != .ended && !run.needsCaller { waiting.places.append(place) }
            }
          }
        }
      }
    }
    return waiting.withLock(\.failures)
  }

  /// Makes stages until a step is made, or the next one is for the calling thread.
  private func makeStep(of run: TrainingRun) throws {
    let step = run.step
    repeat { try run.goOn() } while run.stage != .ended && !run.needsCaller && run.step == step
  }
}

/// An error of one of several runs.
public struct RunFailure: Error, CustomStringConvertible {
  /// Which run it is, counted from 0.
  public let place: Int
  /// The error.
  public let reason: any Error

  /// The sentence: `model 2: train: the loss is nan at step 3, before any update`.
  public var description: String { "model \(place + 1): \(reason)" }
}
