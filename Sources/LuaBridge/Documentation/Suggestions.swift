/// The candidate nearest to a mistyped name, if one is near enough to be meant.
///
/// Distance counts insertions, deletions, replacements and swaps of neighbours. Near is a third of
/// the name's length at most, and always one slip. The first of several nearest is taken.
public func nearest(_ name: String, among candidates: [String]) -> String? {
  let (given, length) = (name.lowercased(), name.count)
  let limit = max(1, length / 3)
  // Names whose lengths differ by more are further apart: one of a megabyte is near to none.
  return candidates.filter { abs($0.count - length) <= limit }
    .map { ($0, editDistance(given, $0.lowercased())) }
    .filter { $0.1 <= limit && $0.1 < max(length, $0.0.count) }
    .min { $0.1 < $1.1 }?.0
}

/// Optimal string alignment distance.
func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a), b = Array(b)
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        cost = min(cost, beforeLast[j - 1] + 1)
      }
      row.append(cost)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}
