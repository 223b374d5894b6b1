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
    #expect(throws: RealignmentError.tooMany("1", models: [])) { try Realignment.parse("1", models: []) }
  }

  @Test func listsOfPoints() throws {
    let one = try Realignment.parseList("0,0.5,1", models: ["a"])
    #expect(one.map(\.lambdas) == [[0], [0.5], [1]])
    let two = try Realignment.parseList("0.5,0.3;1,0", models: models)
    #expect(two.map(\.lambdas) == [[0.5, 0.3], [1, 0]])
    let named = try Realignment.parseList("brief=0.5,happy=0.3;brief=1", models: models)
    #expect(named.map(\.lambdas) == [[0.5, 0.3], [1, 0]])
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
