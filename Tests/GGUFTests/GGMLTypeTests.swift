import GGUF
import Testing

@Test func typeNamesAreGGMLs() {
  #expect(GGMLType.q4_K.name == "Q4_K")
  #expect(GGMLType.iq2_XXS.name == "IQ2_XXS")
  #expect(GGMLType.bf16.name == "BF16")
}
