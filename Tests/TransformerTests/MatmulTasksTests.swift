import Kernels
import TensorCore
import Testing
import Transformer

/// What the sharing of weights rests on: a matrix that neighbouring models share is read once.
@Suite struct MatmulTasksTests {
  private let storage = UnsafeMutableBufferPointer<MatmulTask>.allocate(capacity: 8)
  private let bytes = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
  private let floats = UnsafeMutablePointer<Float>.allocate(capacity: 64)

  private func matrix(_ offset: Int) throws -> PackedMatrix {
    PackedMatrix(layout: try PackedLayout(codec: .int8, rows: 16, columns: 32), bytes: bytes + offset)
  }

  private func panel(_ offset: Int) -> Panel { Panel(values: floats + offset, width: 16, columns: 1) }

  @Test("models that share a matrix are one product over all their columns") func sharedIsOneTask() throws {
    var tasks = MatmulTasks(storage)
    tasks.add(try matrix(0), columns: 0..<3, output: panel(0))
    tasks.add(try matrix(0), columns: 3..<4, output: panel(0))
    tasks.add(try matrix(0), columns: 4..<9, output: panel(0))
    #expect(tasks.all.map(\.columns) == [0..<9])
  }

  @Test("a matrix of its own is a task of its own") func ownIsItsOwnTask() throws {
    var tasks = MatmulTasks(storage)
    tasks.add(try matrix(0), columns: 0..<2, output: panel(0))
    tasks.add(try matrix(32), columns: 2..<4, output: panel(0))
    tasks.add(try matrix(0), columns: 4..<6, output: panel(0))
    #expect(tasks.all.map(\.columns) == [0..<2, 2..<4, 4..<6])
    #expect(
      tasks.all.map(\.matrix.bytes) == [UnsafeRawPointer(bytes), UnsafeRawPointer(bytes + 32), UnsafeRawPointer(bytes)])
  }

  @Test("another output is another task") func outputsStayApart() throws {
    var tasks = MatmulTasks(storage)
    tasks.add(try matrix(0), columns: 0..<1, output: panel(0))
    tasks.add(try matrix(0), columns: 1..<2, output: panel(16))
    #expect(tasks.count == 2)
  }
}
