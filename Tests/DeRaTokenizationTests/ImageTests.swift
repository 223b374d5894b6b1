import DeRaTestSupport
import DeRaTokenization
import Testing

/// A truncated or damaged image is refused or gives wrong ids; it never crashes.
@Suite struct ImageTests {
  private static func use(_ image: [UInt8]) throws {
    let tokenizer = try Tokenizer(image: image)
    _ = try? tokenizer.encode("hello <s> the ab 中😀 </s>\u{301}", addSpecial: true)
    _ = tokenizer.decode([0, 1, 2, 100, 255, 262, 263, 266], skipSpecial: true)
    _ = tokenizer.id(of: "hello")
  }

  private static func image(_ kind: TokenizerDefinition.Kind) throws -> [UInt8] {
    var definition = Examples.definition(kind)
    definition.addedTokens += [
      TokenizerDefinition.AddedToken(id: 256, content: Array("he".utf8), isSpecial: false),
      TokenizerDefinition.AddedToken(id: 257, content: Array("hello".utf8), isSpecial: false),
    ]
    definition.addedTokens[0].isNormalized = true
    return try definition.compiled()
  }

  @Test(arguments: [TokenizerDefinition.Kind.byteLevelBPE, .sentencePieceBPE])
  func truncated(_ kind: TokenizerDefinition.Kind) throws {
    let image = try Self.image(kind)
    for count in 0..<image.count {
      do throws(TokenizerError) {
        _ = try Tokenizer(image: Array(image.prefix(count)))
        // Only the padding after the last section may be missing.
        #expect(count > image.count - 16)
      } catch {
        guard case .damagedImage = error else {
          Issue.record("\(error)")
          return
        }
      }
    }
  }

  @Test(arguments: [TokenizerDefinition.Kind.byteLevelBPE, .sentencePieceBPE])
  func damaged(_ kind: TokenizerDefinition.Kind) throws {
    let image = try Self.image(kind)
    var random = SeededGenerator(seed: 17)
    var refused = 0
    for _ in 0..<20_000 {
      var damaged = image
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        // Half of the damage goes into the header and the settings.
        let end = Bool.random(using: &random) ? min(600, image.count) : image.count
        damaged[Int.random(in: 0..<end, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      do { try Self.use(damaged) } catch is TokenizerError { refused += 1 }
    }
    #expect(refused > 1000)
  }

  /// Somebody writes into the mapped file after it was checked: ids may be wrong, but nothing is read that is not the image's.
  @Test(arguments: [TokenizerDefinition.Kind.byteLevelBPE, .sentencePieceBPE])
  func overwritten(_ kind: TokenizerDefinition.Kind) throws {
    let image = try Self.image(kind)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: 16)
    defer { memory.deallocate() }
    var random = SeededGenerator(seed: 29)
    for round in 0..<4000 {
      memory.copyBytes(from: image)
      let tokenizer = try Tokenizer(image: UnsafeRawBufferPointer(memory), owner: nil)
      let start = Int.random(in: 0..<image.count, using: &random)
      let length = round % 8 == 0 ? image.count : Int.random(in: 1...64, using: &random)
      for place in start..<min(start + length, image.count) {
        memory[place] = UInt8.random(in: 0...255, using: &random)
      }
      _ = try? tokenizer.encode("hello <s> the ab 中😀 </s>\u{301}", addSpecial: true)
      _ = tokenizer.decode([0, 1, 2, 100, 255, 262, 263, 266], skipSpecial: true)
      _ = tokenizer.id(of: "hello")
      _ = tokenizer.firstID(from: 3)
    }
  }

  @Test func garbage() throws {
    var random = SeededGenerator(seed: 23)
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0..<400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let image = Array("DERATOK1".utf8) + bytes
      #expect(throws: TokenizerError.self) { try Tokenizer(image: image) }
    }
  }

  /// Children must come after their parent, so a walk through the trie always ends.
  @Test func cyclesInTheTrie() throws {
    let image = try Self.image(.byteLevelBPE)
    let place = 8 + 8 * 8
    let offset = image[place..<(place + 4)].reversed().reduce(0) { $0 << 8 | Int($1) }
    for node in 0..<3 {
      var damaged = image
      damaged.replaceSubrange((offset + 12 * node)..<(offset + 12 * node + 4), with: [UInt8(node), 0, 0, 0])
      damaged[offset + 12 * node + 4] = 1
      #expect(throws: TokenizerError.self) { try Tokenizer(image: damaged) }
    }
  }

  @Test func sameDefinitionSameImage() throws {
    #expect(try Self.image(.sentencePieceBPE) == Self.image(.sentencePieceBPE))
  }
}
