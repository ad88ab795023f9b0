import Tensors
import TestSupport
import Testing

@Suite struct RowSelectionTests {
  @Test func everyPosition() throws {
    let rows = RowSelection(everyPositionOf: 2, length: 3)
    #expect(rows.count == 6)
    #expect(rows.positions == [0, 1, 2, 0, 1, 2])
    #expect(rows.starts == [0, 3, 6])
    #expect(rows.isEverything)
    #expect(try rows.flatIndices().elements() == [0, 1, 2, 3, 4, 5])
    #expect(RowSelection(everyPositionOf: 3, length: 0).starts == [0, 0, 0, 0])
    #expect(RowSelection(everyPositionOf: 0, length: 3).starts == [0])
  }

  @Test func fromMask() throws {
    let mask = try Tensor([0, 1, 0.5, 0, 0, 0, -1, 0, 1], shape: [3, 3])
    let rows = try RowSelection(mask: mask)
    #expect((rows.batch, rows.length, rows.count) == (3, 3, 4))
    #expect(rows.positions == [1, 2, 0, 2])
    #expect(rows.starts == [0, 2, 2, 4])
    #expect(!rows.isEverything)
    #expect(try rows.flatIndices().elements() == [1, 2, 6, 8])
    let turned = try RowSelection(mask: mask.t())
    #expect(try turned.flatIndices().elements() == [2, 3, 6, 8])
    #expect(try RowSelection(mask: Tensor.full([2, 3], 2)).isEverything)
    expectError("row selection: needs a mask of shape [B, T], got [4]") {
      try RowSelection(mask: Tensor.zeros([4]))
    }
  }

  @Test func someSequences() throws {
    let mask = try Tensor([0, 1, 1, 0, 0, 0, 1, 0, 1], shape: [3, 3])
    let rows = try RowSelection(mask: mask)
    let last = rows.sequences(1..<3)
    #expect((last.batch, last.length, last.count) == (2, 3, 2))
    #expect(last.positions == [0, 2] && last.starts == [0, 0, 2] && !last.isEverything)
    #expect(rows.rows(of: 1..<3) == 2..<4)
    #expect(rows.sequences(1..<1).count == 0)
    #expect(RowSelection(everyPositionOf: 3, length: 2).sequences(1..<2).isEverything)
    let full = try RowSelection(mask: Tensor([1, 1, 0, 1], shape: [2, 2])).sequences(0..<1)
    #expect(full.isEverything)
    #expect(
      try rows.values(of: Tensor(Array(0..<9).map(Float.init), shape: [3, 3])).elements()
        == [1, 2, 6, 8])
  }

  @Test func rowsOfTensors() throws {
    let rows = try RowSelection(mask: Tensor([0, 1, 1, 0, 0, 1], shape: [2, 3]))
    let places = [(0, 1), (0, 2), (1, 2)]
    try check([[2, 3, 5]]) {
      try rows.rows(of: $0[0])
    } equals: { x in
      Reference(shape: [3, 5]) { x[0][places[$0[0]].0, places[$0[0]].1, $0[1]] }
    }
    try check([[2, 3]]) {
      try rows.rows(of: $0[0])
    } equals: { x in
      Reference(shape: [3]) { x[0][places[$0[0]].0, places[$0[0]].1] }
    }
    let everything = RowSelection(everyPositionOf: 2, length: 3)
    try check([[2, 3, 5]]) {
      try everything.rows(of: $0[0])
    } equals: {
      $0[0].reshaped([6, 5])
    }
    let ids = try IntTensor([10, 11, 12, 20, 21, 22], shape: [2, 3])
    #expect(try rows.rows(of: ids).elements() == [11, 12, 22])
    #expect(try everything.rows(of: ids).shape == [6])
    expectError("rows: a selection from [2, 3] does not fit a tensor of shape [3, 2]") {
      try rows.rows(of: ids.transpose(0, 1))
    }
    expectError("rows: a selection from [2, 3] does not fit a tensor of shape [6]") {
      try rows.rows(of: Tensor.zeros([6]))
    }
  }

  @Test func rowsAfterOthers() throws {
    let mask = try Tensor([0, 1, 1], shape: [1, 3])
    let rows = try RowSelection(mask: mask).after(4)
    #expect((rows.batch, rows.length) == (1, 7))
    #expect(rows.positions == [5, 6])
    #expect(rows.starts == [0, 2])
    let everything = RowSelection(everyPositionOf: 1, length: 3)
    #expect(try everything.after(0).isEverything)
    #expect(try !everything.after(1).isEverything)
    expectError("row selection: one sequence expected, got 2") {
      try RowSelection(everyPositionOf: 2, length: 3).after(1)
    }
  }
}
