import Testing

/// Lua does not see the size of tensors; memory must stay bounded all the same.
@Suite struct MemoryTests {
  @Test func garbageTensorsRunInConstantMemory() throws {
    let outcome = try run(
      """
      for _ = 1, 10000 do
        local made = mnemo.zeros(512, 512)   -- 1 MB each, 20,000 of them
        made = made + 1
      end
      for line in io.lines "/proc/self/status" do
        local kilobytes = line:match "^VmHWM:%s*(%d+) kB"
        if kilobytes then print(kilobytes) end
      end
      """)
    #expect(outcome.status == 0)
    let peak = Int(outcome.output.split(separator: "\n").first ?? "")
    #expect(peak.map { $0 > 2_000 && $0 < 300_000 } == true, "peak in kB: \(outcome.output)")
  }

  /// Gradients that would keep themselves, or each other, alive.
  @Test func gradientsInACircleGo() throws {
    let outcome = try run(
      """
      for _ = 1, 100000 do
        local x, y = mnemo.ones(16), mnemo.ones(16):requires_grad(true)
        x.grad = x
        y.grad = y * 2
        local a, b = mnemo.ones(16), mnemo.ones(16)
        a.grad, b.grad = b, a
      end
      for line in io.lines "/proc/self/status" do
        local kilobytes = line:match "^VmHWM:%s*(%d+) kB"
        if kilobytes then print(kilobytes) end
      end
      """)
    #expect(outcome.status == 0)
    let peak = Int(outcome.output.split(separator: "\n").first ?? "")
    #expect(peak.map { $0 > 2_000 && $0 < 60_000 } == true, "peak in kB: \(outcome.output)")
  }

  /// A step over 50,000 tokens, whose logits would be 410 MB, and one over sequences of 4,096,
  /// whose scores would be 268 MB for each head.
  @Test(arguments: [(50_000, 128, 16), (65, 4_096, 4)])
  func stepsKeepNoLargeArrays(_ vocab: Int, _ length: Int, _ batch: Int) throws {
    let outcome = try run(
      """
      local task = mnemo.data.bigram {
        corpus = mnemo.corpus.uniform(\(vocab)), seq_len = \(length), seed = 1,
      }
      mnemo.train {
        model = mnemo.model.transformer {
          vocab = \(vocab), dim = 16, heads = 2, max_len = \(length), seed = 1,
        },
        data = task, steps = 1, batch_size = \(batch), progress = false,
        optimizer = mnemo.optim.adamw { lr = 1e-3 },
      }
      for line in io.lines "/proc/self/status" do
        local kilobytes = line:match "^VmHWM:%s*(%d+) kB"
        if kilobytes then print(kilobytes) end
      end
      """)
    #expect(outcome.status == 0)
    let peak = Int(outcome.output.split(separator: "\n").first ?? "")
    #expect(peak.map { $0 > 2_000 && $0 < 200_000 } == true, "peak in kB: \(outcome.output)")
  }
}
