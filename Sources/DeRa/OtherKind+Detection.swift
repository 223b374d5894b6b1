import DeRaBundle
import DeRaCompression
import DeRaGGUF
import DeRaPlatform

extension OtherKind {
  /// The kind of what is at a path that could not be read as GGUF; nil where the error itself says all.
  init?(of path: String, _ error: GGUFError) {
    switch error {
    case .file(.directory):
      func has(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }
      self = has("config.json") ? .checkpoint : has("adapter_config.json") ? .adapter : .directory
    case .malformed(_, offset: 0, .notGGUF, _, _), .malformed(_, offset: 0, .truncated, _, _):
      guard let file = try? MappedFile(path: path) else { return nil }
      self = withExtendedLifetime(file) { Self(content: file.bytes) }
    default: return nil
    }
  }

  private init(content: UnsafeRawBufferPointer) {
    // A safetensors file begins with its header's length in 8 bytes, then the header, which is JSON.
    let isSafetensors = content.count > 9 && content[8] == UInt8(ascii: "{") && content[5..<8].allSatisfy { $0 == 0 }
    self =
      content.isEmpty ? .empty : LZ4.isFrame(content) ? .packedBundle : isSafetensors ? .safetensors : .file
  }
}

extension GGUFFile {
  /// Opens the file of a bundle.
  /// - Throws: `GGUFError`; `BundleError.notABundle` where the file is plainly something else.
  static func ofBundle(_ path: String) throws -> GGUFFile {
    do throws(GGUFError) { return try GGUFFile(path: path) } catch {
      if let kind = OtherKind(of: path, error) { throw BundleError.notABundle(path: path, kind) }
      throw error
    }
  }
}
