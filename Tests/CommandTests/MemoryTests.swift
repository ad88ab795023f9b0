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
}
