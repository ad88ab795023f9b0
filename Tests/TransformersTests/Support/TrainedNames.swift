import Transformers

extension Parameters {
  /// The names of the trained ones, in order.
  var trainedNames: [String] { trained.map(\.name) }
}
