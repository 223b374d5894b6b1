import FoundationEssentials

/// A value as JSON with sorted keys, ending with a newline.
/// - Parameter pretty: one member a line.
package func jsonText(_ value: some Encodable, pretty: Bool = true) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting =
    pretty
    ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    : [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
}

/// Reads a JSON text, the error naming the place and what was expected.
package func fromJSON<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], name: String) throws -> Value {
  do {
    return try JSONDecoder().decode(type, from: Data(bytes))
  } catch let error as DecodingError {
    throw StreamError(description: "\(name): \(explain(error))")
  }
}

private func explain(_ error: DecodingError) -> String {
  func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
    return path.isEmpty ? "" : " at \(path)"
  }
  switch error {
  case .keyNotFound(let key, let context): return "the member '\(key.stringValue)' is missing\(place(context))"
  case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
    return "expected \(type)\(place(context))"
  case .dataCorrupted(let context): return "not valid JSON\(place(context)): \(context.debugDescription)"
  @unknown default: return "not the expected JSON"
  }
}
