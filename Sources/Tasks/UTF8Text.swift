import ByteStrings
import Glibc
import Tensors

/// The Unicode scalars of UTF-8 bytes.
/// - Throws: `EngineError` that says at which byte, counted from 1, the bytes are no UTF-8.
func scalars(ofUTF8 bytes: UnsafeBufferPointer<UInt8>, _ operation: String, _ what: String) throws
  -> [Unicode.Scalar]
{
  var result: [Unicode.Scalar] = []
  result.reserveCapacity(bytes.count)
  var i = 0
  while i < bytes.count {
    if result.count & 0xFFFF == 0 { try StopToken.checkpoint() }
    let lead = bytes[i]
    let length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    var code = UInt32(lead)
    var valid = lead < 0x80 || (lead >= 0xC2 && lead <= 0xF4)
    if valid && length > 1 {
      code &= 0x7F >> UInt32(length)
      for j in 1..<length where valid {
        valid = i + j < bytes.count && bytes[i + j] & 0xC0 == 0x80
        if valid { code = code << 6 | UInt32(bytes[i + j] & 0x3F) }
      }
      // Overlong forms; `Unicode.Scalar` itself refuses surrogates and what is beyond U+10FFFF.
      valid = valid && !(length == 3 && code < 0x800) && !(length == 4 && code < 0x10000)
    }
    guard valid, let scalar = Unicode.Scalar(code) else {
      throw EngineError(operation, "\(what) is not UTF-8 text (byte \(i + 1))")
    }
    result.append(scalar)
    i += length
  }
  return result
}

/// All bytes of a file.
/// - Throws: `EngineError` with the system's reason if it cannot be read, or if it is a directory
///   or a device.
func bytes(ofFile path: String, _ operation: String) throws -> [UInt8] {
  func failure() -> EngineError {
    EngineError(operation, "cannot read \"\(path)\": \(String(cString: strerror(errno)))")
  }
  guard !path.utf8.contains(0) else {
    throw EngineError(operation, "a path must not contain a zero byte, got \"\(path)\"")
  }
  let file = path.withCBytes { open($0, O_RDONLY | O_CLOEXEC) }
  guard file >= 0 else { throw failure() }
  defer { close(file) }
  var status = stat()
  guard fstat(file, &status) == 0 else { throw failure() }
  let kind = status.st_mode & S_IFMT
  guard kind != S_IFDIR else { throw EngineError(operation, "\"\(path)\" is a directory") }
  // Pipes are welcome; a device may never end.
  guard kind == S_IFREG || kind == S_IFIFO else {
    throw EngineError(operation, "\"\(path)\" is neither a file nor a pipe")
  }
  let limit = 1 << 31
  var result: [UInt8] = []
  result.reserveCapacity(min(Int(status.st_size), limit) + 1)
  while true {
    // Up to 4 MiB at a time, so that an interruption is heard.
    let chunk = min(1 << 22, max(1 << 16, min(Int(status.st_size), limit) + 1 - result.count))
    var count = 0
    try result.append(
      contentsOf: [UInt8](unsafeUninitializedCapacity: chunk) { buffer, filled in
        repeat {
          try StopToken.checkpoint()
          count = read(file, buffer.baseAddress, chunk)
        } while count < 0 && errno == EINTR
        if count < 0 { throw failure() }
        filled = count
      })
    if count == 0 { return result }
    guard result.count <= limit else {
      throw EngineError(operation, "\"\(path)\" holds more than \(limit) bytes")
    }
  }
}
