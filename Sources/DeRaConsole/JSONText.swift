import DeRaJSON
import FoundationEssentials

// Keys are snake_case in everything that we print or read back, whatever Swift calls the property; the keys of
// dictionaries (names of models and figures) stay as they are. JSON has no infinite numbers, so they are the texts
// "inf", "-inf" and "nan".
private let infinite = (positive: "inf", negative: "-inf", none: "nan")

/// A value as JSON with sorted snake_case keys, ending with a newline.
/// - Parameter pretty: one member a line.
package func jsonText(_ value: some Encodable, pretty: Bool = true) throws -> String {
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: infinite.positive, negativeInfinity: infinite.negative, nan: infinite.none)
  encoder.outputFormatting =
    pretty
    ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    : [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
}

/// Reads a JSON text, the error naming the place and what was expected.
package func fromJSON<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], name: String) throws -> Value {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  decoder.nonConformingFloatDecodingStrategy = .convertFromString(
    positiveInfinity: infinite.positive, negativeInfinity: infinite.negative, nan: infinite.none)
  do {
    return try decoder.decode(type, from: Data(bytes))
  } catch let error as DecodingError {
    throw StreamError(description: "\(name): \(malformation(bytes) ?? explain(error))")
  }
}

/// The place and kind of an error in a text that is not JSON; nil for JSON.
private func malformation(_ bytes: [UInt8]) -> String? {
  do throws(JSONError) {
    _ = try parsed(bytes)
    return nil
  } catch {
    return "not valid JSON: \(error)"
  }
}

private func parsed(_ bytes: [UInt8]) throws(JSONError) -> JSON {
  let result = bytes.withUnsafeBytes { buffer in
    Result { () throws(JSONError) in try JSON.parse(buffer, allowsNonFinite: true) }
  }
  return try result.get()
}

/// Names of members of a JSON object that a program does not know, in the text's order; none for other values.
/// - Throws: `StreamError` for a text that is not JSON or has a member twice.
package func unknownMembers(_ bytes: [UInt8], known: [String], name: String) throws -> [String] {
  do throws(JSONError) {
    return (try parsed(bytes).object?.keys ?? []).filter { !known.contains($0) }
  } catch {
    throw StreamError(description: "\(name): not valid JSON: \(error)")
  }
}

private func explain(_ error: DecodingError) -> String {
  func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\(snakeCase($0.stringValue))" }.joined()
    return path.isEmpty ? "" : " at \(path)"
  }
  switch error {
  case .keyNotFound(let key, let context):
    return "the member '\(snakeCase(key.stringValue))' is missing\(place(context))"
  case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
    return "expected \(plainName(type))\(place(context))"
  case .dataCorrupted(let context): return "a value that does not fit\(place(context)): \(context.debugDescription)"
  @unknown default: return "not the expected JSON"
  }
}

/// A Swift type in JSON's words.
private func plainName(_ type: Any.Type) -> String {
  switch type {
  case is String.Type: "a text"
  case is Bool.Type: "true or false"
  case is any BinaryInteger.Type: "a whole number"
  case is any BinaryFloatingPoint.Type: "a number"
  default:
    "\(type)".hasPrefix("Array<") ? "a list" : "\(type)".hasPrefix("Dictionary<") ? "an object" : "\(type)"
  }
}

/// `bytes_per_token` of `bytesPerToken`, for messages.
private func snakeCase(_ name: String) -> String {
  var wasUppercase = true
  return name.reduce(into: "") { text, letter in
    if letter.isUppercase && !wasUppercase { text += "_" }
    text += letter.lowercased()
    wasUppercase = letter.isUppercase
  }
}
