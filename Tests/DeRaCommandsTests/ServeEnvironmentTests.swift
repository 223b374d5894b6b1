import DeRaCommands
import Testing

@Suite struct ServeEnvironmentTests {
  @Test func optionsComeFromTheEnvironment() {
    let environment = [
      "DERA_PORT": "8081", "DERA_NO_AUTH": "1", "DERA_CORS_ORIGINS": "*", "DERA_PRESET": "a=0;b=1", "DERA_HOST": "",
      "DERA_ISA": "scalar", "DERA_MAX_TOKENS": "5",
    ]
    let given = ["serve", "m.dera", "--cors-origins", "https://a"]
    let all = ServeEnvironment.arguments(given, environment: environment)
    #expect(Array(all.prefix(4)) == given)
    #expect(Set(all.dropFirst(4)) == ["--port=8081", "--no-auth", "--preset=a=0", "--preset=b=1", "--max-tokens=5"])
    #expect(ServeEnvironment.arguments(["run", "m.dera"], environment: environment) == ["run", "m.dera"])
    #expect(ServeEnvironment.arguments(["serve"], environment: ["DERA_NO_AUTH": "0"]) == ["serve"])
  }

  @Test func everyOptionHasAVariable() {
    let names = ServeEnvironment.options.map(\.name)
    for name in [
      "host", "port", "api-key-file", "no-auth", "lambda", "context", "threads", "kv", "memory-limit", "seed",
    ] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(ServeEnvironment.variable("api-key-file") == "DERA_API_KEY_FILE")
  }
}
