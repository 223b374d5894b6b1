import DeRaServeCommand
import DeRaTestSupport
import Testing

@Suite struct ServeEnvironmentTests {
  @Test func optionsComeFromTheEnvironment() {
    let environment = [
      "DERA_PORT": "8081", "DERA_NO_AUTH": "1", "DERA_CORS_ORIGINS": "*", "DERA_PRESET": "a=0;b=1", "DERA_HOST": "",
      "DERA_ISA": "scalar", "DERA_MAX_TOKENS": "5",
    ]
    let given = ["m.dera", "--cors-origins", "https://a"]
    let all = ServeEnvironment.arguments(given, environment: environment)
    #expect(Array(all.prefix(3)) == given)
    #expect(Set(all.dropFirst(3)) == ["--port=8081", "--no-auth", "--preset=a=0", "--preset=b=1", "--max-tokens=5"])
    #expect(ServeEnvironment.arguments(given, environment: ["DERA_NO_AUTH": "0"]) == given)
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

  @Test func helpIsAsRecorded() throws {
    let expected = try Fixtures.text("commands/help-serve.txt")
    #expect(
      ServeCommand.helpMessage(columns: 100) + "\n" == expected, "Tests/Fixtures/commands/generate.sh records it anew")
  }
}
