@_exported import Kernels

/// What computes for the tensors of this process.
public enum Backends {
  /// The backend of every operation.
  public static let current: any Backend = CPU()
}
