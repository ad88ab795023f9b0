/// How the numbers of tensors are written.
public struct PrintOptions: Equatable, Sendable {
  /// How many digits follow the point.
  public var precision = 4
  /// Up to how many numbers a tensor is printed whole, as far as the width allows.
  public var threshold = 0
  /// How many rows, columns and matrices are shown at either end where some are left out.
  public var edgeItems = 6
  /// How many characters a line may take; 0 stands for any number.
  public var width = 0
  /// Whether numbers are written with powers of ten of their own; nil where only that shows them.
  public var scientific: Bool?

  /// The most digits behind the point: those of Float32 end before.
  public static let mostDigits = 10

  /// The options that hold until others are set.
  public init() {}
}
