import DeRaText
import Testing

@Suite struct TableTests {
  @Test func tablesAlignWideCharacters() {
    var table = Table([.init("name", .left), .init("MB")])
    table.rows = [["模型", "1.5"], ["e\u{301}", "100"]]
    #expect(
      table.markdown == """
        | name |  MB |
        | :--- | --: |
        | 模型 | 1.5 |
        | e\u{301}    | 100 |

        """)
  }

  @Test func widths() {
    #expect(displayWidth("abc") == 3)
    #expect(displayWidth("日本") == 4)
    #expect(displayWidth("👍🏽") == 2)
    #expect(displayWidth("👨‍👩‍👧") == 2)
    #expect(displayWidth("é") == 1 && displayWidth("e\u{301}") == 1)
  }

  @Test func plainColumns() {
    var table = Table([.init("name", .left), .init("MB")])
    table.rows = [["模型", "1.5"], ["a", ""]]
    #expect(table.lines == ["name   MB", "模型  1.5", "a"])
  }
}
