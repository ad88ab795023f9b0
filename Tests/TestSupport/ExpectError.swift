import Tensors
import Testing

/// Checks that `body` throws an `EngineError` of exactly this text.
public func expectError<R>(
  _ text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> R
) {
  do {
    _ = try body()
    Issue.record("no error; expected \(text)", sourceLocation: sourceLocation)
  } catch let error as EngineError {
    #expect(error.description == text, sourceLocation: sourceLocation)
  } catch {
    Issue.record("\(error) is not an EngineError", sourceLocation: sourceLocation)
  }
}
