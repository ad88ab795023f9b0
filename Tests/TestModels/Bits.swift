import Testing
import Transformers

/// The values of every parameter, bit for bit; short in failures.
public struct Bits: Equatable, CustomTestStringConvertible, Sendable {
  private let values: [String: [UInt32]]

  /// The values that these parameters have now.
  public init(_ parameters: Parameters) {
    values = Dictionary(
      uniqueKeysWithValues: parameters.all.map {
        ($0.name, $0.tensor.elements().map(\.bitPattern))
      })
  }

  /// The values of one parameter; nil if there is none of that name.
  public subscript(name: String) -> [UInt32]? { values[name] }

  public var testDescription: String {
    let sums = values.sorted { $0.key < $1.key }.map { name, bits in
      "\(name) \(bits.map { Float(bitPattern: $0) }.reduce(0, +))"
    }
    return "sums: \(sums.joined(separator: ", "))"
  }
}

extension Parameters {
  /// The values of every parameter.
  public var bits: Bits { Bits(self) }
}

extension Model {
  /// The values of every parameter.
  public var bits: Bits { Bits(parameters) }
}
