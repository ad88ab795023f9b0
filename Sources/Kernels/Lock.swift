import Glibc

/// A value that one thread at a time may touch.
///
/// The standard library's `Mutex` remembers the number of its thread. In a child after fork that is
/// the parent's, and a lock that two threads want at a time ends the process.
package final class Lock<Value>: @unchecked Sendable {
  // Sendable: the value is touched only while the mutex is held.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var value: Value

  package init(_ value: Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs `body` while no other thread does.
  /// - Throws: What `body` throws.
  package func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
