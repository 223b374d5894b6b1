import DeRaCheckpoints
import Testing

@Suite("Model cards")
struct ModelCardTests {
  @Test(
    "tags of the front matter",
    arguments: [
      ("---\nlicense: mit\ntags:\n- trl\n- \"DPO\"\nbase_model: x\n- no\n---\n- never\n", ["trl", "dpo"]),
      ("---\r\ntags:\r\n  - orpo\r\n---\r\n", ["orpo"]),
      ("---\ntags: [trl, 'sft']\n---\n", ["trl", "sft"]),
      ("---\ntags: []\n---\n", []),
      ("---\ntags:\n---\n", []),
      ("tags:\n- dpo\n", []),
      ("---\ntags:\n- dpo\n", []),
      ("", []),
    ] as [(String, [String])])
  func tags(text: String, expected: [String]) { #expect(ModelCard.tags(of: text) == expected) }
}
