import Glibc
import Settings
import Tensors

/// Parameters that are updated with options of their own.
public struct ParameterGroup {
  /// Their names: `*`, `?` and `[…]` stand for others, as where parameters are frozen.
  public let match: String
  /// Their learning rate; nil for that of all.
  public let learningRate: LearningRate?
  /// Their weight decay; nil for that of all.
  public let weightDecay: Double?

  /// A group; at least one of its options is given.
  public init(match: String, learningRate: LearningRate? = nil, weightDecay: Double? = nil) {
    (self.match, self.learningRate, self.weightDecay) = (match, learningRate, weightDecay)
  }

  /// What ``text`` says; nil if it says no group, or one whose rate is a function.
  init?(_ text: String) {
    var words = text.split(separator: " ", omittingEmptySubsequences: false)[...]
    func take(_ name: String) -> Double? {
      guard words.count > 1, let word = words.last, word.hasPrefix(name),
        let number = Double(word.dropFirst(name.count))
      else { return nil }
      words = words.dropLast()
      return number
    }
    let decay = take("weight_decay=")
    let rate = take("lr=")
    guard rate != nil || decay != nil else { return nil }
    self.init(
      match: words.joined(separator: " "), learningRate: rate.map { .constant($0) },
      weightDecay: decay)
  }

  /// Whether a parameter of that name belongs to it.
  func holds(_ name: String) -> Bool { fnmatch(match, name, 0) == 0 }

  /// As it is written down: `layers.*.wk.weight lr=0.1 weight_decay=0.0`.
  var text: String {
    var words = [match]
    if let learningRate {
      words.append("lr=\(learningRate.settingValue.map(\.description) ?? "function")")
    }
    if let weightDecay { words.append("weight_decay=\(weightDecay)") }
    return words.joined(separator: " ")
  }

  /// Names of those that were perhaps meant: which hold most of what the pattern spells out.
  func near(among names: [String]) -> [String] {
    let pieces = match.split { "*?[].".contains($0) }
    let scores = names.map { name in pieces.filter { name.contains($0) }.count }
    guard let best = scores.max(), best > 0 else { return names }
    return zip(names, scores).filter { $0.1 == best }.map(\.0)
  }
}

extension [ParameterGroup] {
  /// Checks that each holds one of these names.
  /// - Throws: `EngineError` that lists near names.
  func check(names: [String]) throws {
    for (place, group) in enumerated() where !names.contains(where: group.holds) {
      let near = group.near(among: names)
      let listed = near.prefix(8).joined(separator: ", ") + (near.count > 8 ? ", …" : "")
      throw EngineError(
        "optimizer",
        "groups[\(place + 1)]: no parameter matches '\(group.match)'; there are \(listed)")
    }
  }
}
