/// The word of a list that another one was probably meant to be: at most a third of its letters, and at least one, differ.
/// nil where none is so near.
package func nearestWord(to word: String, among words: [String]) -> String? {
  let near = words.map { (word: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
    .filter { $0.distance <= max(1, $0.word.count / 3) }
  return near.min { $0.distance < $1.distance }?.word
}

/// Letters to insert, remove, replace or exchange with their neighbour to make one word of another (optimal string
/// alignment).
package func editDistance(_ left: String, _ right: String) -> Int {
  let (left, right) = (Array(left), Array(right))
  var rows = [Array(0...right.count)]
  for i in left.indices {
    var row = [i + 1]
    for j in right.indices {
      var least = min(rows[i][j] + (left[i] == right[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { least = min(least, rows[i - 1][j - 1] + 1) }
      row.append(least)
    }
    rows.append(row)
  }
  return rows[left.count][right.count]
}
