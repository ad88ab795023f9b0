import Tasks
import Tensors
import Testing

@Suite struct LossMaskTests {
  @Test func masksFollowTheOccurrence() throws {
    let occurrence = try IntTensor([0, 1, 2, 1, 0, 3], shape: [2, 3])
    let batch = Batch(
      tokens: try IntTensor(shape: [2, 3]), targets: try IntTensor(shape: [2, 3]),
      fields: ["occurrence": occurrence])
    #expect(try LossMask.all.mask(of: batch).elements() == [1, 1, 1, 1, 1, 1])
    #expect(try LossMask.outputs.mask(of: batch).elements() == [0, 1, 1, 1, 0, 1])
    #expect(try LossMask.repeats.mask(of: batch).elements() == [0, 0, 1, 0, 0, 1])
    for mask in LossMask.allCases { #expect(try mask.mask(of: batch).shape == [2, 3]) }
  }

  @Test func viewsAreReadInTheirOrder() throws {
    let occurrence = try IntTensor([0, 1, 2, 1, 0, 3], shape: [2, 3]).transpose(0, 1)
    let ids = try IntTensor(shape: [3, 2])
    let batch = Batch(tokens: ids, targets: ids, fields: ["occurrence": occurrence])
    #expect(try LossMask.outputs.mask(of: batch).shape == [3, 2])
    #expect(try LossMask.outputs.mask(of: batch).elements() == [0, 1, 1, 0, 1, 1])
  }

  @Test func masksHaveTheShapeOfTheTargets() throws {
    let ids = try IntTensor(shape: [2, 3])
    var batch = Batch(tokens: ids, targets: try IntTensor(shape: [2]))
    #expect(try LossMask.all.mask(of: batch).elements() == [1, 1])
    // Nothing is known of triggers.
    #expect(try LossMask.outputs.mask(of: batch).elements() == [0, 0])
    batch.fields["occurrence"] = try IntTensor([2, 0, 1, 0, 0, 2], shape: [2, 3])
    #expect(try LossMask.outputs.mask(of: batch).elements() == [1, 1])
    #expect(try LossMask.repeats.mask(of: batch).elements() == [0, 1])
  }

  @Test func masksHaveTheNamesOfTheOption() {
    #expect(LossMask.allCases.map(\.rawValue) == ["all", "outputs", "repeats"])
  }
}
