import DeRaJSON
import DeRaPlatform

/// The document that describes the routes (OpenAPI 3.1), made of the table that serves them.
enum OpenAPI {
  static func document(_ routes: [Route]) -> JSON {
    var paths: [(String, JSON)] = []
    for path in routes.map(\.path).distinct {
      let operations = routes.filter { $0.path == path }
      paths.append((path, JSON(operations.map { ($0.method.rawValue.lowercased(), operation($0)) })))
    }
    return [
      "openapi": "3.1.0", "info": ["title": "dera serve", "version": .string(Version.text)], "paths": JSON(paths),
      "components": ["securitySchemes": ["key": ["type": "http", "scheme": "bearer"]]],
    ]
  }

  private static func operation(_ route: Route) -> JSON {
    var members: [(String, JSON)] = [("summary", .string(route.summary))]
    if route.needsKey { members.append(("security", [["key": []], JSON([])])) }
    if route.path.hasSuffix("{id}") {
      members.append(
        ("parameters", [["name": "id", "in": "path", "required": true, "schema": ["type": "string", "minLength": 1]]]))
    }
    if let fields = route.fields {
      let schema: JSON = [
        "type": "object", "properties": JSON(fields.map { ($0.name, $0.schema) }),
        "required": .array(fields.filter(\.isRequired).map { .string($0.name) }),
      ]
      members.append(("requestBody", ["required": true, "content": ["application/json": ["schema": schema]]]))
    }
    members.append(("responses", responses(route)))
    return JSON(members)
  }

  /// Success in any of the forms that the route may answer in, and errors in JSON.
  private static func responses(_ route: Route) -> JSON {
    var kinds = ["application/json"]
    switch route.path {
    case "/": kinds = ["text/html", "text/plain"]
    case "/metrics": kinds = ["text/plain"]
    default: if route.fields?.contains(where: { $0.name == "stream" }) == true { kinds += streams }
    }
    var responses: [(String, JSON)] = [
      ("200", ["description": "Success.", "content": JSON(kinds.map { ($0, JSON([])) })])
    ]
    let errors = [
      ("400", "The request is wrong."), ("401", "A key is needed."), ("403", "Not from there."),
      ("404", "There is no such thing."), ("405", "Not by this method."), ("413", "The body is too long."),
      ("431", "The head is too long."), ("500", "The engine failed."), ("501", "Not implemented."),
      ("503", "Overloaded, loading or stopping."),
    ]
    for (status, text) in errors {
      responses.append((status, ["description": .string(text), "content": ["application/json": JSON([])]]))
    }
    return JSON(responses)
  }

  private static let streams = ["text/event-stream", "application/x-ndjson"]
}

extension [String] {
  /// Each once, in the order in which they first come.
  fileprivate var distinct: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
