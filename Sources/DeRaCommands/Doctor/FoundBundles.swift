import DeRa
import DeRaPlatform
import FoundationEssentials

/// The bundles in the folders where people and packages put them.
package enum FoundBundles {
  /// The working folder, the user's own (XDG's data folder) and the packages'.
  /// - Parameter environment: variables of the process.
  package static func folders(environment: [String: String]) -> [String] {
    var folders = ["."]
    if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") {
      folders.append("\(data)/dera")
    } else if let home = environment["HOME"], !home.isEmpty {
      folders.append("\(home)/.local/share/dera")
    }
    return folders + ["/usr/local/share/dera", "/usr/share/dera"]
  }

  /// Paths of the files whose names end as bundles' do, folder by folder, each file once.
  package static func paths(in folders: [String]) -> [String] {
    var paths: [String] = []
    for folder in folders {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names.sorted() where name.hasSuffix(".dera") || name.hasSuffix(".dera" + PackedBundle.suffix) {
        let path = folder == "." ? name : "\(folder)/\(name)"
        if !paths.contains(where: { FileIdentity.isSame($0, path) }) { paths.append(path) }
      }
    }
    return paths
  }
}
