/// The version of the package: of its programs, and in the provenance of the bundles they write.
package enum Version {
  package static let text = "0.2.0"
}
