import DeRa
import DeRaBundle
import DeRaJSON
import DeRaModelSpec
import DeRaPlatform

/// Ollama's routes about models. There is one, under the names of its presets, and it stays.
extension Service {
  /// The version of Ollama whose interface is spoken.
  private static let version = "0.12.0"

  func ollamaVersion() -> Reply { Reply(json: ["version": .string(Self.version), "dera": .string(Version.text)]) }

  /// `GET /api/tags`
  func ollamaTags() -> Reply { Reply(json: ["models": .array(model.listedNames.map { JSON(entry($0)) })]) }

  /// `GET /api/ps`
  func ollamaRunning() -> Reply {
    let entry =
      entry(model.name) + [
        ("expires_at", "2318-01-01T00:00:00Z"), ("size_vram", 0), ("context_length", .integer(model.context)),
      ]
    return Reply(json: ["models": [JSON(entry)]])
  }

  static let showFields = [RequestSettings.model.description]

  /// `POST /api/show`
  func ollamaShow(_ request: Request) throws(APIError) -> Reply {
    _ = try ollamaModel(Self.fields(of: request))
    let configuration = model.bundle.configuration
    let family = configuration.architecture.name
    return Reply(json: [
      "modelfile": .string("FROM \(model.name)"), "parameters": .string("num_ctx \(model.context)"),
      "template": .string(model.bundle.manifest.chatTemplate ?? ""), "details": details,
      "model_info": JSON([
        ("general.architecture", .string(family)), ("general.parameter_count", .integer(parameters)),
        ("\(family).context_length", .integer(configuration.contextLength)),
        ("\(family).embedding_length", .integer(configuration.hiddenSize)),
        ("\(family).block_count", .integer(configuration.layers)),
        ("\(family).attention.head_count", .integer(configuration.heads)),
        ("\(family).attention.head_count_kv", .integer(configuration.kvHeads)),
        ("\(family).vocab_size", .integer(configuration.vocabularySize)),
      ]), "capabilities": ["completion", "tools"], "modified_at": .string(timestamp(model.started)),
    ])
  }

  /// `POST /api/pull`: what is here is here, and nothing else can come.
  func ollamaPull(_ exchange: Exchange) throws(APIError) {
    let fields = try Self.fields(of: exchange.request)
    do throws(APIError) {
      _ = try ollamaModel(fields)
    } catch {
      guard error.status == .notFound else { throw error }
      throw .notFound("\(error.message); this server has only \(model.name) and downloads nothing", param: "model")
    }
    guard try fields(OllamaRequest.stream) ?? true else { return exchange.reply(Reply(json: ["status": "success"])) }
    exchange.begin(.lines)
    exchange.send(StreamForm.lines.frame(["status": "success"]))
    exchange.finish()
  }

  private func entry(_ name: String) -> [(String, JSON)] {
    [
      ("name", .string("\(name):latest")), ("model", .string("\(name):latest")),
      ("modified_at", .string(timestamp(model.started))), ("size", .integer(model.bundle.mappedBytes)),
      ("digest", .string(model.fingerprint)), ("details", details),
    ]
  }

  private var details: JSON {
    let family = model.bundle.configuration.architecture.name
    return [
      "parent_model": "", "format": "dera", "family": .string(family), "families": [.string(family)],
      "parameter_size": .string(parameterText), "quantization_level": .string(mainCodec),
    ]
  }

  private var parameterText: String {
    let tenths = parameters >= 1_000_000_000 ? parameters / 100_000_000 : parameters / 100_000
    return "\(tenths / 10).\(tenths % 10)\(parameters >= 1_000_000_000 ? "B" : "M")"
  }

  /// The codec of most bytes.
  private var mainCodec: String {
    var bytes: [String: Int] = [:]
    for tensor in model.bundle.manifest.tensors { bytes[tensor.codec.name, default: 0] += tensor.byteCount }
    return bytes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "f16"
  }
}
