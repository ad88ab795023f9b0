import Foundation
import LuaBridge
import RunStore
import TensorFiles
import Tensors
import Training
import Transformers

/// Tells a store what a run measures; the writer has a thread of its own.
final class StoreSink: RunSink {
  private let store: RunStore
  private let writer: MetricsWriter
  private var facts: RunFacts
  private var run: Int64?
  /// Whether another process wrote what the store has of it.
  private var isInherited: Bool

  /// A run that is not in the store yet, or one that another process began; runs that are trained
  /// side by side share a writer.
  init(_ store: RunStore, _ writer: MetricsWriter, _ facts: RunFacts, run: Int64? = nil) {
    (self.store, self.writer, self.facts) = (store, writer, facts)
    (self.run, isInherited) = (run, run != nil)
  }

  func begin(_ description: RunDescription) throws {
    if let run {
      try writer.resume(run)
      // What was measured after the checkpoint is measured anew.
      if isInherited { try writer.rewind(run: run, after: description.recorded ?? -1) }
      isInherited = false
      return
    }
    facts.settings = (try? description.json()) ?? "{}"
    run = try writer.begin(facts)
  }

  func record(_ record: Record) throws {
    guard let run else { return }
    try writer.add(run: run, step: record.step, [("loss", record.loss)] + record.values)
  }

  func rewind(to history: [Record]) throws {
    guard let run else { return }
    try writer.rewind(run: run, after: history.last?.step ?? -1)
  }

  /// What was measured reaches as far as any model that is kept.
  func checkpoint(_ state: RunState) throws { try writer.flush() }

  func end(_ status: TrainingRun.Status) {
    guard let run else { return }
    noteFiles(of: run)
    writer.end(run, status.rawValue)
  }

  /// Notes the files that the run left in its folder, as far as they are there.
  private func noteFiles(of run: Int64) {
    guard let folder = facts.folder else { return }
    for (kind, name) in [("history", "history.jsonl"), ("model", "model.safetensors")] {
      let path = "\(folder)/\(name)"
      guard let hash = SHA256.hexadecimal(ofFile: path) else { continue }
      try? store.addArtifact(run: run, kind: kind, path: path, hash: hash)
    }
  }
}

extension StoreSink {
  /// That of a run which a store has, and which goes on from its folder.
  convenience init(_ store: RunStore, run: Int64, folder: String) {
    var facts = RunFacts(settings: "{}", version: MnemoModule.version)
    facts.folder = folder
    self.init(store, MetricsWriter(store), facts, run: run)
  }
}

/// Where the runs of one call of `mnemo.train` are written to.
struct StoreOfCall {
  private let store: RunStore
  private let writer: MetricsWriter
  private var facts: RunFacts

  /// The store that was named, or that of the sweep whose point is being measured; nil if there is
  /// neither.
  init?(_ options: LuaOptions, _ session: ModuleState) throws {
    let point = session.sweepPoint
    if let path = try options.optionalString("store") {
      store = try RunStore(path)
    } else if let point {
      store = point.store
    } else {
      return nil
    }
    writer = MetricsWriter(store)
    let script = ScriptFacts(options.lua)
    facts = RunFacts(settings: "{}", version: MnemoModule.version)
    (facts.script, facts.scriptHash, facts.command) = (script.path, script.hash, script.command)
    if let point, point.store.path == store.path { facts.point = point.id }
  }

  /// The sink of one run; of one that goes on, that of the run that began in its folder.
  func sink(folder: String?, isResumed: Bool) throws -> StoreSink {
    var facts = facts
    facts.folder = folder.map { URL(fileURLWithPath: $0).path }
    let before = isResumed ? try facts.folder.flatMap { try store.lastRun(in: $0) } : nil
    return StoreSink(store, writer, facts, run: before)
  }
}

/// The script that runs, as it was started.
struct ScriptFacts {
  /// Its path; nil at a prompt, or if it came from standard input.
  let path: String?
  /// Its SHA-256.
  let hash: String?
  /// The words of the command line.
  let words: [String]

  /// The words as they may be typed again.
  var command: String {
    words.map { word in
      let isPlain =
        !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=:,".contains($0) }
      return isPlain ? word : "'\(word.replacingOccurrences(of: "'", with: "'\\''"))'"
    }.joined(separator: " ")
  }

  init(_ lua: Lua) {
    let named = lua.global("arg").asTable?.value(.index(0)).asString
    hash = named.flatMap { SHA256.hexadecimal(ofFile: $0) }
    path = hash == nil ? nil : named
    let line = FileManager.default.contents(atPath: "/proc/self/cmdline") ?? Data()
    words = line.split(separator: 0, omittingEmptySubsequences: false).dropLast()
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
