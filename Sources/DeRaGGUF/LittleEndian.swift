extension UnsafeRawBufferPointer {
  /// The little-endian number at `offset`, which lies wholly inside.
  func littleEndian<Number: FixedWidthInteger>(at offset: Int, as: Number.Type) -> Number {
    Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
  }
}

extension [UInt8] {
  mutating func append(littleEndian number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  /// GGUF's string: a 64-bit length, then the bytes.
  mutating func append(ggufString string: some Collection<UInt8>) {
    append(littleEndian: UInt64(string.count))
    append(contentsOf: string)
  }
}
