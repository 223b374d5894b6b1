import ArgumentParser
import DeRaCommands
import DeRaConsole
import DeRaPlatform
import DeRaServer
import FoundationEssentials

/// Where the server listens, and to whom.
struct NetworkArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Addresses to listen at; 0.0.0.0 and :: are all of this machine's.", valueName: "list"))
  var host = "127.0.0.1,::1"
  @Option(parsing: .unconditional, help: ArgumentHelp("0 lets the system choose.", valueName: "number"))
  var port = 8080
  @Option(
    help: ArgumentHelp("A file with keys, one a line; requests need one of them.", valueName: "file"),
    completion: .file())
  var apiKeyFile: String?
  @Flag(help: "Serve other machines without a key.") var noAuth = false
  @Option(
    help: ArgumentHelp(
      "Origins whose pages may use the server besides this machine's, such as https://chat.example; * for all.",
      valueName: "list"))
  var corsOrigins: String?

  func validate() throws {
    guard (0...65535).contains(port) else { throw ValidationError("--port must be from 0 to 65535") }
    if hosts.isEmpty { throw ValidationError("--host names no address") }
  }

  private var hosts: [String] {
    host.split(separator: ",").map { $0.filter { $0 != " " && $0 != "[" && $0 != "]" } }.filter { !$0.isEmpty }
  }

  /// Whether only this machine can reach the server.
  private var isLoopback: Bool { hosts.allSatisfy { $0 == "localhost" || $0 == "::1" || $0.hasPrefix("127.") } }

  func access() throws -> Access {
    var access = Access()
    access.checksHost = isLoopback
    access.origins = (corsOrigins ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
    if let apiKeyFile {
      access.keys = try withText(apiKeyFile) { bytes in
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
          .map { String($0.trimmed) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
      }
      guard !access.keys.isEmpty else { throw refuse("--api-key-file", "\(apiKeyFile) holds no key") }
    }
    if let key = ProcessInfo.processInfo.environment["DERA_API_KEY"], !key.isEmpty { access.keys.append(key) }
    guard isLoopback || noAuth || !access.keys.isEmpty else {
      throw refuse(
        "--host",
        "\(host) is reached by other machines: give --api-key-file or DERA_API_KEY, or --no-auth to serve everyone")
    }
    return access
  }

  /// Listens at every address; of several, one that this machine does not have is left out and told.
  /// - Returns: their URLs.
  func listen(_ server: Server) throws -> [String] {
    var urls: [String] = []
    var port = port
    for host in hosts {
      do throws(ListenError) {
        // An address chosen by the system is the same for all.
        port = try server.listen(host: host, port: port)
        urls.append("http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
      } catch {
        let isMissing = [EADDRNOTAVAIL, EAFNOSUPPORT].contains(error.code)
        guard hosts.count > 1, isMissing else { throw StreamError(description: remedy(error)) }
        Output.note("This machine has no address \(host); it is left out.")
      }
    }
    guard !urls.isEmpty else { throw refuse("--host", "this machine has none of the addresses \(host)") }
    return urls
  }

  private func remedy(_ error: ListenError) -> String {
    switch error.code {
    case EADDRINUSE: "port \(error.port) of \(error.host) is in use by another program; choose another with --port"
    case EACCES: "ports below 1024 need privileges; choose another with --port"
    default: "\(error)"
    }
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    let start = drop { $0 == " " || $0 == "\t" }
    return start[..<(start.lastIndex { $0 != " " && $0 != "\t" }.map(start.index(after:)) ?? start.startIndex)]
  }
}
