/// The processor: loops over memory, on several threads, with the vector units it has.
///
/// This target is the only one that is compiled without checks. It takes addresses and sizes that
/// were checked before, and knows nothing of tensors. Threading: ranges of fixed size run in
/// parallel (``Parallel``), so results do not depend on the number of threads.
public struct CPU: Backend {
  /// Elements per parallel range of an elementwise loop.
  package static let grain = 1 << 15

  public init() {}

  public var name: String { "cpu" }

  /// About 2048 tokens keep one thread's tensors in its cache and its products at full speed.
  public var batchCut: BatchCut {
    BatchCut(tokens: 2048, leastParts: 2, mostGradients: 1 << 24)
  }

  public func upload(
    _ count: Int, _ host: UnsafePointer<Float>, to device: UnsafeMutablePointer<Float>
  ) {
    device.update(from: host, count: count)
  }

  public func download(
    _ count: Int, _ device: UnsafePointer<Float>, to host: UnsafeMutablePointer<Float>
  ) {
    host.update(from: device, count: count)
  }
}
