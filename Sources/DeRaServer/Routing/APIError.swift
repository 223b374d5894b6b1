import DeRaJSON
import NIOHTTP1

/// A refusal or failure as clients see it.
package struct APIError: Error, Sendable {
  package var status: HTTPResponseStatus
  /// OpenAI's and llama.cpp's word for the kind.
  package var type: String
  package var message: String
  /// The field that is wrong.
  package var param: String?
  /// Further members of the error object.
  package var details: [(name: String, value: JSON)] = []
  package var headers: [(name: String, value: String)] = []

  package init(_ status: HTTPResponseStatus, _ type: String, _ message: String, param: String? = nil) {
    self.status = status
    self.type = type
    self.message = message
    self.param = param
  }

  package static func invalid(_ message: String, param: String?) -> APIError {
    APIError(.badRequest, "invalid_request_error", message, param: param)
  }

  static func notFound(_ message: String, param: String? = nil) -> APIError {
    APIError(.notFound, "not_found_error", message, param: param)
  }

  /// The first words are OpenAI's: clients look for them.
  static func contextSize(_ tokens: Int, _ context: Int) -> APIError {
    var error = APIError(
      .badRequest, "exceed_context_size_error",
      """
      this model's maximum context length is \(context) tokens; the prompt has \(tokens) and leaves no room for an \
      answer: shorten it
      """)
    error.details = [("n_prompt_tokens", .integer(tokens)), ("n_ctx", .integer(context))]
    return error
  }

  /// Seconds after which an overloaded server may be asked again.
  package static func overloaded(_ message: String) -> APIError {
    var error = APIError(.serviceUnavailable, "overloaded_error", message)
    error.headers = [("retry-after", "1")]
    return error
  }

  static func unavailable(_ message: String) -> APIError {
    var error = APIError(.serviceUnavailable, "unavailable_error", message)
    error.headers = [("retry-after", "1")]
    return error
  }

  static func failed(_ error: any Error) -> APIError { APIError(.internalServerError, "server_error", "\(error)") }
}

/// The interface a request came by; errors are worded in its form.
package enum APIForm: Sendable {
  case openAI, ollama

  /// The interface that a path belongs to: all of Ollama's routes begin with /api/.
  init(path: String) { self = path.hasPrefix("/api/") ? .ollama : .openAI }

  func body(of error: APIError) -> JSON {
    switch self {
    case .ollama: return ["error": .string(error.message)]
    case .openAI:
      var object: [(String, JSON)] = [
        ("message", .string(error.message)), ("type", .string(error.type)),
        ("param", error.param.map(JSON.string) ?? .null), ("code", .integer(Int(error.status.code))),
      ]
      object += error.details.map { ($0.name, $0.value) }
      return ["error": JSON(object)]
    }
  }

  func reply(_ error: APIError) -> Reply {
    var reply = Reply(error.status, json: body(of: error))
    reply.headers = error.headers
    return reply
  }
}
