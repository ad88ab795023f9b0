import JSONText

/// What was measured at one step.
public struct Record: Sendable {
  /// Number of updates made before the measurement.
  public let step: Int
  /// The training loss on the step's batch, in nats.
  public let loss: Double
  /// Each probe's value, in the probes' order.
  public let values: [(name: String, value: Double)]

  /// The value of that name (`step` and `loss` included); nil if there is none.
  public subscript(name: String) -> Double? {
    switch name {
    case "step": return Double(step)
    case "loss": return loss
    default: return values.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }
  }

  /// One line of JSON: `{"step":10,"loss":3.9,…}`, from which every number comes back bit for bit;
  /// those that are not finite, which JSON does not have, are the texts "nan", "inf" and "-inf".
  public var json: String {
    let fields = [("loss", loss)] + values.map { ($0.name, $0.value) }
    let rest = fields.map { name, value in
      let number = value.isFinite ? "\(value)" : "\"\(value.debugDescription)\""
      return ",\(JSON.text(name).text):\(number)"
    }
    return "{\"step\":\(step)" + rest.joined() + "}"
  }
}
