/// Whether two paths lead to one file.
package enum FileIdentity {
  /// True also for different spellings and links; false when either does not exist.
  package static func isSame(_ left: String, _ right: String) -> Bool {
    var one = stat()
    var other = stat()
    guard stat(left, &one) == 0, stat(right, &other) == 0 else { return false }
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino
  }
}
