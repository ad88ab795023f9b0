import Settings

/// The options of a kind of task, from which such tasks are made.
public protocol TaskConfiguration: Configuration, Sendable {
  /// A task with these options.
  /// - Throws: `EngineError` that names the option which cannot be honoured.
  func makeTask() throws -> any TokenTask
}

/// The kinds of tasks that are made from options.
public enum TaskKinds {
  /// All of them, in the order of the documentation.
  public static let all: [any TaskConfiguration.Type] = [
    BigramTask.Options.self, FactualTask.Options.self,
  ]
}

extension BigramTask.Options: TaskConfiguration {
  public func makeTask() throws -> any TokenTask { try BigramTask(self) }
}

extension FactualTask.Options: TaskConfiguration {
  public func makeTask() throws -> any TokenTask { try FactualTask(self) }
}
