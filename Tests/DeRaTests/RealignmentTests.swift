import DeRa
import Testing

@Suite struct RealignmentTests {
  private let models = ["brief", "happy"]

  @Test(
    arguments: [
      ("0.5", [0.5, 0]), ("-1e1", [-10, 0]), ("0.5,0.3", [0.5, 0.3]), (" 0.5 , 2 ", [0.5, 2]), ("happy=0.3", [0, 0.3]),
      ("happy=0.3,brief=-2", [-2, 0.3]),
    ] as [(String, [Float])]) func reads(text: String, lambdas: [Float]) throws
  {
    #expect(try Realignment.parse(text, models: models).lambdas == lambdas)
  }

  @Test(arguments: [
    ("", RealignmentError.notANumber("")), ("x", .notANumber("x")), ("nan", .notANumber("nan")),
    ("inf", .notANumber("inf")), ("1e99", .notANumber("1e99")), ("1,", .notANumber("")),
    ("1,2,3", .tooMany("1,2,3", models: ["brief", "happy"])),
    ("sad=1", .unknownModel("sad", models: ["brief", "happy"])), ("brief=1,brief=2", .repeated("brief")),
    ("brief=1,2", .mixed("brief=1,2")), ("1,happy=2", .mixed("1,happy=2")), ("brief=", .notANumber("")),
  ]) func refuses(text: String, error: RealignmentError) {
    #expect(throws: error) { try Realignment.parse(text, models: models) }
  }

  @Test func aBundleWithoutAlignedModelsTakesOnlyZero() throws {
    #expect(try Realignment.parse("0", models: []).lambdas == [])
    for text in ["1", "0.5", "0,0", "brief=1"] {
      #expect(throws: RealignmentError.noAlignedModels(text)) { try Realignment.parse(text, models: []) }
    }
  }

  @Test(
    arguments: [
      ("0:1:0.3", ["0:1:0.3 0.9"]), ("0:1:0.25", []),
      ("0;1:2:0.75;a=0:-1:-0.4,b=2", ["1:2:0.75 1.75", "0:-1:-0.4 -0.8"]),
      ("0:1", []), ("0.5", []),
    ] as [(String, [String])]) func rangesThatMissTheirEnd(text: String, open: [String])
  {
    #expect(Realignment.openRanges(text).map { "\($0.range) \($0.last)" } == open)
  }

  @Test func listsOfPoints() throws {
    func points(_ text: String, _ models: [String]? = nil) throws -> [[Float]] {
      try Realignment.parsePoints(text, models: models ?? self.models).map(\.lambdas)
    }
    #expect(try points("0;0.5;1", ["a"]) == [[0], [0.5], [1]])
    #expect(try points("0.5,0.3;1,0") == [[0.5, 0.3], [1, 0]])
    #expect(try points("1,0") == [[1, 0]])
    #expect(try points("brief=0.5,happy=0.3;brief=1") == [[0.5, 0.3], [1, 0]])
    #expect(try points("0:0.3:0.1", ["a"]) == [[0], [0.1], [0.2], [0.3]])
    #expect(try points("2:-1:-1.5;5", ["a"]) == [[2], [0.5], [-1], [5]])
    #expect(try points("0.25,0:1:1") == [[0.25, 0], [0.25, 1]])
    #expect(try points("happy=0:1:0.5,brief=2") == [[2, 0], [2, 0.5], [2, 1]])
    #expect(try points("1:1:3", ["a"]) == [[1]])
  }

  @Test(arguments: [
    ("0,0.5,1", RealignmentError.tooMany("0,0.5,1", models: ["a"])), ("0:1", .badRange("0:1")),
    ("0:1:0", .badRange("0:1:0")), ("0:1:-1", .badRange("0:1:-1")), ("0:x:1", .badRange("0:x:1")),
    ("0:1:1:1", .badRange("0:1:1:1")), ("0:1e9:1", .tooManyPoints(limit: 10_000)), ("1;", .notANumber("")),
    ("0:5000:1;0:5000:1", .tooManyPoints(limit: 10_000)), ("0:inf:1", .badRange("0:inf:1")),
  ]) func refusesLists(text: String, error: RealignmentError) {
    #expect(throws: error) { try Realignment.parsePoints(text, models: ["a"]) }
  }

  @Test func tooManyNumbersSayHowToSeparatePoints() {
    #expect("\(RealignmentError.tooMany("0,0.5", models: ["a"]))".hasSuffix("separated by semicolons: '0;0.5'"))
  }

  @Test func repeatedPointsAreFolded() {
    let points = [[0], [1], [-0.0], [1], [1]].map { Realignment(lambdas: $0) }
    #expect(points.folded.points.map(\.lambdas) == [[0], [1]])
    #expect(points.folded.repeated.count == 3)
  }

  @Test func weightsSumToOneAndDropModelsExactly() {
    #expect(Realignment(0, models: 1).weights == [1, 0])
    #expect(Realignment(1, models: 1).weights == [0, 1])
    #expect(Realignment(lambdas: [0.5, 0.5]).weights == [0, 0.5, 0.5])
    #expect(Realignment(3, models: 2).weights == [-2, 3, 0])
    #expect(Realignment(0, models: 0).weights == [1])
  }

  @Test(
    "what decimal λ leave of the reference is decided in decimal, in any order",
    arguments: [
      ([0.15, 0.65, 0.2], 0), ([0.1, 0.2, 0.7], 0), ([0.3, 0.3, 0.4], 0), ([0.7, 0.2, 0.1], 0), ([2.7, -1.7, 0], 0),
      ([1000.1, -999.1, 0], 0), ([123456.5, -123455.5, 0], 0), ([0.333333, 0.333333, 0.333334], 0),
      ([0.3333333, 0.3333333, 0.3333333], 1e-7), ([0.9999999, 0, 0], 1e-7), ([1, 1e-7, 0], -1e-7), ([0.3, 0, 0], 0.7),
      ([1e9, 0, 0], -1e9), ([-3.5, 0.25, 0], 4.25),
    ] as [([Float], Float)])
  func referenceWeight(lambdas: [Float], expected: Float) {
    for (first, second, third) in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)] {
      var realignment = Realignment(lambdas: [])
      realignment.lambdas = [lambdas[first], lambdas[second], lambdas[third]]
      #expect(realignment.weights[0] == expected)
      #expect(Realignment(lambdas: realignment.lambdas) == realignment)
    }
  }

  @Test func descriptionsReadBack() throws {
    #expect(Realignment(lambdas: [0.5]).description(models: ["a"]) == "0.5")
    #expect(Realignment(lambdas: [2]).description(models: ["a"]) == "2")
    let text = Realignment(lambdas: [0.5, -1]).description(models: models)
    #expect(text == "brief=0.5,happy=-1")
    #expect(try Realignment.parse(text, models: models).lambdas == [0.5, -1])
  }
}
