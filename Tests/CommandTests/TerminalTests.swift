import Glibc
import TestSupport
import Testing

/// The prompt in a terminal, one test at a time: interrupts are to be heard soon.
@Suite(.serialized) struct TerminalTests {
  private func session(
    _ arguments: [String] = [], columns: UInt16 = 100, _ body: (TerminalSession) throws -> Void
  ) throws {
    try withTemporaryFolder { home in
      let terminal = try TerminalSession(
        ["--quiet", "--no-color"] + arguments, home: home, columns: columns)
      try terminal.expect("mnemo> ")
      try body(terminal)
    }
  }

  @Test func printsValues() throws {
    try session {
      try $0.enter("6 * 7", expecting: "_1 = 42\n")
      try $0.enter("_ + 1", expecting: "_2 = 43\n")
      try $0.enter("_1 .. ', ' .. _2", expecting: "_3 = \"42, 43\"\n")
      try $0.enter("nil", expecting: "\nnil\n")
      let silent = try $0.enter("'quiet' .. 1;", expecting: "mnemo> ")
      #expect(!silent.contains("_4"))
      try $0.enter("_", expecting: "_5 = \"quiet1\"\n")
      try $0.enter("mnemo.ones(2, 3)", expecting: "Tensor [2, 3]\n  1  1  1\n  1  1  1\n")
      try $0.enter("t = {3, b = 1, a = {}}; t.t = t", expecting: "mnemo> ")
      try $0.enter("t", expecting: "{ 3, a = {}, b = 1, t = <cycle> }\n")
    }
  }

  @Test func localsPersist() throws {
    try session {
      try $0.enter("local x <const>, y = 20, 1", expecting: "mnemo> ")
      try $0.enter(
        "local function f(n) return n > 0 and n + f(n - 1) or 0 end", expecting: "mnemo> ")
      try $0.enter("x + y + f(6)", expecting: "_1 = 42\n")
      // As locals do, they stay hidden from other chunks, and hide globals from later input only.
      try $0.enter("load('return x')()", expecting: "\nnil\n")
      try $0.enter("local tostring = 1; print(('%s'):format(2), tostring)", expecting: "2\t1\n")
      try $0.enter("mnemo.ones(1)", expecting: "Tensor [1]\n")
      try $0.enter("who()", expecting: "tostring  number")
    }
  }

  @Test func multiLineInput() throws {
    try session {
      try $0.enter("for i = 1, 2 do", expecting: "    .> ")
      try $0.enter("print('line', i)", expecting: "    .> ")
      try $0.enter("end", expecting: "line\t1\nline\t2\n")
      // A string cannot go on in the next line; a mistake does not make the prompt ask for more.
      try $0.enter("x = 'abc", expecting: "unfinished string")
      try $0.enter("if x then y = ) end", expecting: "^")
      try $0.enter("'still' .. ' here'", expecting: "\"still here\"")
    }
  }

  @Test func endsInAString() throws {
    try session {
      try $0.enter("x = [[never", expecting: "    .> ")
      $0.type("ended\r\u{4}")
      try $0.expect("unfinished long string")
      try $0.enter("1 + 1", expecting: "= 2\n")
      $0.type("\u{4}")
      #expect(try $0.end() == 0)
      #expect($0.isRestored)
    }
  }

  @Test func completes() throws {
    try session {
      $0.type("pri\t")
      try $0.enter("('a' .. 'b')", expecting: "ab\n")
      try $0.enter("t = mnemo.ones(2, 2)", expecting: "mnemo> ")
      $0.type("t:argmi\t")
      try $0.enter("1)", expecting: "IntTensor [2]")
      $0.type("mnemo.data.bigram{seq_l\t")
      try $0.enter("8}", expecting: "sequences of 8 tokens")
      $0.type("mnemo.dat\t")
      try $0.enter(".bigram ~= nil", expecting: "= true\n")
      try $0.enter(
        "model = mnemo.model.simplified{vocab=5, dim=8, max_len=4}", expecting: "mnemo> ")
      $0.type("model:get('tok_\t")
      try $0.enter("'):size(1)", expecting: "= 5\n")
      $0.type("io.open('Tests/Fixtures/simplified-l\t")
      try $0.expect("simplified-linear-ffn.safetensors")
      $0.type("\u{3}")
      usleep(100_000)
      $0.type("io.open('Tests/Fixtures/simplified-\t\t")
      try $0.expect("simplified-mlp.safetensors")
      usleep(100_000)
      $0.type("\u{3}")
      usleep(100_000)
      $0.type("t:arg\t\t")
      try $0.expect("argmax   argmin   argsort")
    }
  }

  /// What is not evaluated is completed from the types that the declarations tell, else not at all.
  @Test func completesFromDeclarations() throws {
    try session {
      let drop = { (terminal: TerminalSession) in
        terminal.type("\u{3}")
        try terminal.expect("mnemo> ")
      }
      try $0.enter("task = mnemo.data.bigram{seq_len = 4, seed = 1}", expecting: "mnemo> ")
      for (typed, shown) in [
        ("mnemo.randn(2, 3):matm", "matmul("), ("task:held_out(2).tok", "tokens"),
        ("mnemo.train{loss_on = \"rep", "repeats\""), ("task:batch(1).tokens[1]:num", "numel("),
        ("mnemo.plot.heatmap{palette='vir", "viridis'"), ("?Tens", "?Tensor"),
        ("?Tensor:sor", "?Tensor:sort"), ("?mnemo.data.big", "?mnemo.data.bigram"),
        ("mnemo.help('mnemo.lin", "mnemo.lin"), ("?task:held", "held_out"),
      ] {
        $0.type(typed + "\t")
        try $0.expect(shown)
        try drop($0)
      }
      $0.type("?Tensor:so\t\t")
      try $0.expect("Tensor:softmax   Tensor:softplus  Tensor:sort\nmnemo> ?Tensor:so")
      try drop($0)
      $0.type("unknown(2):ma\t\t")
      try $0.expect("unknown(2):ma")
      usleep(200_000)
      $0.type("\u{3}")
      #expect(try !$0.expect("mnemo> ").contains("math"))
    }
  }

  /// Options are those of the function, whatever it is called at the prompt.
  @Test func completesOptionsByAlias() throws {
    try session {
      try $0.enter("local t, m = mnemo.data.bigram, require 'mnemo'", expecting: "mnemo> ")
      try $0.enter("box = { inner = { make = t } }", expecting: "mnemo> ")
      for alias in ["t", "m.data.bigram", "box.inner.make", "_G.mnemo.data.bigram"] {
        $0.type("\(alias){seq_l\t")
        try $0.expect("seq_len = ")
        $0.type("\u{3}")
        try $0.expect("mnemo> ")
      }
      $0.type("m.train{ste\t")
      try $0.expect("steps = ")
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      // Declared in Lua, and a function of the user's that has no options.
      $0.type("m.plot.lines{xla\t")
      try $0.expect("xlabel = ")
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      try $0.enter("function plain() end", expecting: "mnemo> ")
      $0.type("plain{prin\t")
      try $0.expect("print")
    }
  }

  @Test func completionRunsNothing() throws {
    try session {
      try $0.enter(
        "trap = setmetatable({}, {__index = function() os.exit(7) end})", expecting: "mnemo> ")
      $0.type("trap.x.\t\t")
      try $0.expect("trap.x.")
      usleep(100_000)
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      try $0.enter("'alive'", expecting: "= \"alive\"")
    }
  }

  /// Neither a comparison of the user's nor a global of another meaning.
  @Test func completionComparesRaw() throws {
    try session {
      try $0.enter("calls = 0", expecting: "mnemo> ")
      try $0.enter(
        "odd = setmetatable({inner = 1}, {__eq = function() calls = calls + 1 end})",
        expecting: "mnemo> ")
      try $0.enter(
        "setmetatable(mnemo, {__index = function() calls = calls + 1 end});", expecting: "mnemo> ")
      for line in ["odd.", "odd.inner.", "odd.none.", "mnemo.none.", "mnemo.plot.", "od"] {
        $0.type(line + "\t\t")
        usleep(100_000)
        $0.type("\u{3}")
        usleep(100_000)
      }
      try $0.enter("'Tab' .. 'bed'", expecting: "\"Tabbed\"\nmnemo> ")
      $0.type("odd.inn\t")
      try $0.enter(" + calls", expecting: "= 1\n")
      // The module's own tables are found, whatever its metatable has become.
      $0.type("mnemo.plot.heatm\t")
      try $0.expect("heatmap")
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      try $0.enter("_G, string = 1, 2", expecting: "mnemo> ")
      $0.type("odd.inn\t")
      try $0.enter(" + calls", expecting: "= 1\n")
    }
  }

  @Test func completesTheContextOfAProbe() throws {
    try session {
      try $0.enter("task = mnemo.data.bigram{seq_len = 4, seed = 1}", expecting: "mnemo> ")
      try $0.enter(
        "model = mnemo.model.simplified{vocab = 65, dim = 4, max_len = 4}", expecting: "mnemo> ")
      try $0.enter("probes = {p = function(c) context = c return 1 end}", expecting: "mnemo> ")
      $0.type(
        "mnemo.train{model = model, data = task, steps = 1, batch_size = 2, progress = false, "
          + "optimizer = mnemo.optim.sgd{lr = 0.1}, probes = probes};\r")
      try $0.expect("mnemo> ")
      $0.type("context.log\t")
      try $0.expect("context.logits")
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      $0.type("context.model:trainab\t")
      try $0.enter(")", expecting: "{")
      $0.type("context.model:get('tok_\t")
      try $0.enter("'):size(1)", expecting: "= 65\n")
    }
  }

  @Test func remembersAcrossSessions() throws {
    try withTemporaryFolder { home in
      let first = try TerminalSession(["--quiet", "--no-color"], home: home)
      try first.expect("mnemo> ")
      try first.enter("1000 + 1", expecting: "1001\n")
      try first.enter("1000 + 1", expecting: "1001\n")
      try first.enter("for i = 1, 1 do", expecting: "    .> ")
      try first.enter("print('whole' .. 5)", expecting: "    .> ")
      try first.enter("end", expecting: "whole5\n")
      first.type("\u{4}")
      #expect(try first.end() == 0)

      var status = stat()
      #expect(stat(home + "/state/mnemo/history", &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600)

      let second = try TerminalSession(["--quiet", "--no-color"], home: home)
      try second.expect("mnemo> ")
      second.type("\u{1B}[A")
      try second.enter("", expecting: "\nwhole5\n")
      // The entry of three lines again, and before it the sum, which is there once.
      second.type("\u{1B}[A\u{1B}[A")
      try second.enter("+ 1", expecting: "= 1002\n")
      second.type("\u{12}1000")
      try second.expect("1000")
      second.type("\u{1B}")
    }
  }

  /// A long text to look for is typed as fast as any.
  @Test func searchesForLongTexts() throws {
    try withTemporaryFolder { home in
      system("mkdir -p '\(home)/state/mnemo'")
      let entry = String(repeating: "a", count: 300)
      try (1...10_000).map { "print(\($0)) -- \(entry)\n" }.joined()
        .write(to: home + "/state/mnemo/history")
      let terminal = try TerminalSession(["--quiet", "--no-color"], home: home)
      try terminal.expect("mnemo> ")
      for key in ["\u{3}", "\u{7}"] {
        terminal.type("\u{12}" + String(repeating: "a", count: 1000))
        try terminal.expect("not in the history: aaaa", seconds: 60)
        terminal.type(key)
        usleep(100_000)
        try terminal.enter("6 * 7", expecting: "= 42\n", seconds: 60)
      }
      // What is found is run.
      terminal.type("\u{12}print(77")
      try terminal.expect("search: print(77")
      try terminal.enter("8", expecting: "\n7789\n")
    }
  }

  /// A relative HOME is told of, and nothing is made in it.
  @Test func relativeHomeIsIgnored() throws {
    let name = "mnemo-test-\(getpid())"
    let terminal = try TerminalSession(
      ["--quiet", "--no-color"], home: "/none",
      variables: ["HOME=\(name)", "XDG_STATE_HOME=", "XDG_CONFIG_HOME="])
    try terminal.expect("HOME is '\(name)', which does not begin with /, and is ignored")
    try terminal.enter("6 * 7", expecting: "= 42\n")
    for path in [name, "/" + name] { #expect(access(path, F_OK) != 0) }
  }

  /// What a message quotes steers no terminal, nor what Tab lists.
  @Test func messagesSteerNoTerminal() throws {
    try withTemporaryFolder { home in
      let folder = home + "/files"
      system("mkdir '\(folder)'")
      for end in ["1", "2"] { try "".write(to: "\(folder)/a\u{1B}]0;x\u{7}\u{9B}\(end)") }
      let terminal = try TerminalSession(["--quiet", "--no-color"], home: home)
      try terminal.expect("mnemo> ")
      let text = "bad \\27]0;x\\7\\u{9B}31m\\u{202E}"
      try terminal.enter("error('\(text)')", expecting: "bad \\u{1B}]0;x\\u{7}\\u{9B}31m")
      terminal.type("io.open('\(folder)/a\t\t")
      try terminal.expect("\\u{9B}2")
      #expect(!terminal.shown.contains("]0;x\u{7}"))
      #expect(!terminal.shown.contains("\u{9B}") && !terminal.shown.contains("\u{202E}"))
    }
  }

  @Test func badHistoryIsToldOnce() throws {
    try withTemporaryFolder { home in
      system(
        "mkdir -p '\(home)/state/mnemo'; printf '1+1\\n\\377\\376\\n2+2\\n' > '\(home)/state/mnemo/history'"
      )
      let terminal = try TerminalSession(["--quiet", "--no-color"], home: home)
      try terminal.expect("is damaged")
      try terminal.enter("20 + 1", expecting: "= 21\n")
      let rest = try terminal.enter("20 + 2", expecting: "= 22\n")
      #expect(!rest.contains("damaged"))
    }
  }

  /// A history that cannot be used is told of once, and the session goes on without it.
  @Test(arguments: [
    ("mkdir -p state/mnemo/history", "cannot read"),
    ("mkdir -p state; echo 1 > state/mnemo", "cannot read"),
    ("mkdir -p state/mnemo; printf '5 + \\000\\377\\n' > state/mnemo/history", "is damaged"),
  ]) func unusableHistory(_ preparation: String, _ warning: String) throws {
    try expectWarning(warning, after: preparation, asNobody: false)
  }

  /// The same where the user may not read or write it.
  @Test(
    .enabled(if: TerminalSession.canRunAsNobody),
    arguments: [
      (
        "mkdir -p state/mnemo; echo 1 > state/mnemo/history; chmod 0 state/mnemo/history",
        "cannot read"
      ),
      ("mkdir -p state/mnemo; chmod 500 state/mnemo", "cannot write"),
    ]) func forbiddenHistory(_ preparation: String, _ warning: String) throws
  {
    try expectWarning(warning, after: preparation, asNobody: true)
  }

  private func expectWarning(
    _ warning: String, after preparation: String, asNobody: Bool
  ) throws {
    try withTemporaryFolder { home in
      let owner = asNobody ? "chown -R 65534 . 2>/dev/null" : "true"
      system("cd '\(home)' && { \(preparation); } && \(owner); true")
      let terminal = try TerminalSession(
        ["--quiet", "--no-color"], home: home, asNobody: asNobody)
      try terminal.expect("mnemo> ")
      try terminal.enter("20 + 1", expecting: "= 21\n")
      try terminal.enter("20 + 2", expecting: "= 22\n")
      terminal.type("\u{1B}[A")
      try terminal.enter("+ 1", expecting: "= 23\n")
      terminal.type("\u{4}")
      #expect(try terminal.end() == 0)
      #expect(terminal.shown.occurrences(of: warning) == 1, "\(terminal.shown)")
    }
  }

  @Test func edits() throws {
    try withTemporaryFolder { home in
      // What the editor is given must be the last input.
      let editor = home + "/editor"
      try """
      #!/bin/sh
      grep -q 'x = 20' "$1" || exit 1
      printf 'x = x * 2\nx + 2\n' > "$1"
      """.write(to: editor)
      chmod(editor, 0o700)
      let temporary = home + "/tmp"
      mkdir(temporary, 0o700)
      let terminal = try TerminalSession(
        ["--quiet", "--no-color"], home: home,
        variables: ["EDITOR=\(editor)", "TMPDIR=\(temporary)"])
      try terminal.expect("mnemo> ")
      try terminal.enter("x = 20", expecting: "mnemo> ")
      try terminal.enter(":edit", expecting: "x = x * 2\nx + 2\n_1 = 42\n")
      try terminal.expect("mnemo> ")
      // It is the last input now, and in the history as one entry.
      terminal.type("\u{1B}[A")
      try terminal.enter("", expecting: "= 82\n")
      try terminal.enter(":edit", expecting: "failed; nothing is run\n")
      try terminal.enter("x", expecting: "= 80\n")
      try terminal.enter("$ ls -A '\(temporary)' | wc -l", expecting: "\n0\n")
      // A file is run as the editor leaves it, which here is no chunk.
      try "x = 20\n".write(to: home + "/it's.lua")
      try terminal.enter(":edit \(home)/it's.lua", expecting: "it's.lua:2: syntax error near '+'")
    }
  }

  @Test func clears() throws {
    try session {
      try $0.enter("6 * 7", expecting: "_1 = 42\n")
      try $0.expect("mnemo> ")
      let before = $0.raw.count
      try $0.enter(":clear", expecting: "mnemo> ")
      let codes = Array("\u{1B}[H\u{1B}[2J".utf8)
      let later = $0.raw[before...]
      #expect(later.indices.contains { later[$0...].starts(with: codes) })
      try $0.enter("_1 + 1", expecting: "_2 = 43\n")
      try $0.enter(":clear results", expecting: "mnemo> ")
      try $0.enter("print(_, _1, _2)", expecting: "nil\tnil\tnil\n")
    }
  }

  @Test func interrupts() throws {
    try session {
      try $0.enter("kept = 5", expecting: "mnemo> ")
      try interrupt($0, "while true do end")
      try interrupt($0, "coroutine.wrap(function() while true do end end)()")
      try $0.enter("a = mnemo.randn(3000, 3000);", expecting: "mnemo> ")
      try interrupt($0, "for i = 1, 1000 do b = a:matmul(a) end")
      try $0.enter("kept", expecting: "= 5\n")
      // At the prompt it drops what was typed.
      $0.type("half a line")
      try $0.expect("half a line")
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      try $0.enter("1 + 1", expecting: "= 2\n")
    }
  }

  /// Presses Ctrl-C a moment after a line has begun, and waits for the prompt: what these lines do
  /// would take many seconds, if it ended at all.
  private func interrupt(_ terminal: TerminalSession, _ line: String) throws {
    try terminal.enter("print('be' .. 'gun'); " + line, expecting: "begun\n")
    usleep(300_000)
    terminal.type("\u{3}")
    try terminal.expect("interrupted")
    try terminal.expect("mnemo> ")
  }

  @Test func aSecondInterruptEndsTheInput() throws {
    try session {
      for _ in 1...2 {
        try $0.enter(
          "while true do pcall(function() print('be' .. 'gun') while true do end end) end",
          expecting: "begun\n")
        $0.type("\u{3}")
        try $0.expect("begun\n")
        $0.type("\u{3}")
        try $0.expect("interrupted")
        try $0.expect("mnemo> ")
        try $0.enter("1 + 1", expecting: "= 2\n")
      }
      // Each input counts anew: its first one ends the training at hand alone.
      try $0.enter("task = mnemo.data.bigram{seq_len = 16, seed = 1}", expecting: "mnemo> ")
      try $0.enter(
        "options = {model = mnemo.model.simplified{vocab = 65, dim = 16, max_len = 16}, data = task, "
          + "steps = 1e9 // 1 | 0, batch_size = 8, optimizer = mnemo.optim.sgd{lr = 0.1}, "
          + "progress = false, at = {[3] = function() print('be' .. 'gun') end}}",
        expecting: "mnemo> ")
      for _ in 1...3 {
        try $0.enter("print('ended ' .. mnemo.train(options).status)", expecting: "begun\n")
        $0.type("\u{3}")
        try $0.expect("ended interrupted\n")
      }
    }
  }

  @Test func interruptsTheEngine() throws {
    try session {
      try $0.enter("v = mnemo.rand(20000000); m = v:reshape(4000, 5000);", expecting: "mnemo> ")
      try $0.enter("symbols = ('abcdefgh '):rep(4000000);", expecting: "mnemo> ")
      for call in [
        "v:sort()", "v:clone()", "m:t():contiguous()", "mnemo.where(v, v, v)", "v:topk(9)",
        "mnemo.cat({v, v}, 1)", "v:gather(1, mnemo.arange(1, 100):argmax(1):reshape(1))",
        "v:totable()", "tostring(v)", "mnemo.corpus.text(symbols)", "mnemo.corpus.zipf(2 ^ 22, 1)",
        "mnemo.one_hot(mnemo.int_tensor{1}:expand(2000000), 10)",
      ] { try interrupt($0, "while true do local _ = \(call) end") }
      try interrupt($0, "io.read()")
      try interrupt($0, "io.popen('sleep 60'):read('a')")
      try $0.enter("#symbols", expecting: "= 36000000\n")
    }
  }

  /// What is changed in place, or written to a file, is as before or as it should be.
  @Test func interruptsLeaveWholeStates() throws {
    try withTemporaryFolder { home in
      let terminal = try TerminalSession(["--quiet", "--no-color"], home: home)
      try terminal.expect("mnemo> ")
      try terminal.enter("v = mnemo.zeros(20000000);", expecting: "mnemo> ")
      for change in ["add_(1)", "mul_(0)", "copy_(one)", "fill_(3)"] {
        try terminal.enter("one = mnemo.ones(20000000);", expecting: "mnemo> ")
        try interrupt(terminal, "while true do v:\(change) end")
        try terminal.enter("v:min():item() == v:max():item()", expecting: "= true\n")
      }
      try terminal.enter("w = mnemo.ones(200000000) print('made ' .. 1)", expecting: "made 1\n")
      try interrupt(terminal, "w:normal_()")
      try terminal.enter("w:min():item() == w:max():item()", expecting: "= true\n")
      try terminal.enter("w = nil; collectgarbage()", expecting: "mnemo> ")
      for ending in ["npy", "safetensors"] {
        let path = "'\(home)/v.\(ending)'"
        try terminal.enter("v:save(\(path))", expecting: "mnemo> ")
        try interrupt(terminal, "while true do v:add_(1); v:save(\(path)) end")
        try interrupt(terminal, "while true do mnemo.load(\(path)) end")
        // A .safetensors file may hold several.
        let field = ending == "npy" ? "" : ".tensor"
        try terminal.enter("mnemo.load(\(path))\(field):numel()", expecting: "= 20000000\n")
      }
      // No file of an unfinished save is left.
      try terminal.enter("$ ls -A '\(home)' | grep -c tmp", expecting: "0\n")
    }
  }

  /// LAPACK cannot be stopped; its callers can, again and again, and at the end of the process.
  @Test func interruptsDecompositions() throws {
    try session {
      try $0.enter("a = mnemo.randn(1500, 1500); s = a + a:t();", expecting: "mnemo> ")
      for call in ["svd(a)", "eigh(s)", "rank_truncate(a, 3)", "qr(a)", "solve(a, s)", "svd(a)"] {
        try interrupt($0, "while true do local _ = mnemo.linalg.\(call) end")
      }
      // The matrices are as they were, and what goes on in the background is not in the way.
      try $0.enter("x = mnemo.linalg.solve(a, a);", expecting: "mnemo> ")
      try $0.enter("(x - mnemo.eye(1500)):abs():max():item() < 0.01", expecting: "= true\n")
      try interrupt($0, "mnemo.linalg.svd(mnemo.randn(3000, 3000))")
      $0.type("\u{4}")
      #expect(try $0.end() == 0)
    }
  }

  @Test func interruptedTrainingReturnsItsRun() throws {
    try session {
      try $0.enter("task = mnemo.data.bigram{seq_len = 16, seed = 1}", expecting: "mnemo> ")
      try $0.enter(
        "model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16}",
        expecting: "mnemo> ")
      $0.type(
        "run = mnemo.train{model = model, data = task, steps = 1000000, batch_size = 8, "
          + "optimizer = mnemo.optim.sgd{lr = 0.1}, progress = false, "
          + "on_record = function() print('be' .. 'gun') end}\r")
      try $0.expect("begun\n")
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      try $0.enter("run.status", expecting: "= \"interrupted\"\n")
      try $0.enter("before = run.step; run:resume(3)", expecting: "mnemo> ")
      try $0.enter("run.step - before", expecting: "= 3\n")
      // It is not saved: leaving asks once.
      $0.type("\u{4}")
      try $0.expect("not saved")
      $0.type("\u{4}")
      #expect(try $0.end() == 0)
    }
  }

  /// A training's bar shows what the probes gave, a loop's its words, and Ctrl-C ends both.
  @Test func barsTellHowFarItIs() throws {
    try session {
      try $0.enter("task = mnemo.data.bigram{seq_len = 16, seed = 1}", expecting: "mnemo> ")
      try $0.enter(
        "model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16}",
        expecting: "mnemo> ")
      $0.type(
        "run = mnemo.train{model = model, data = task, steps = 1000000, batch_size = 8, "
          + "optimizer = mnemo.optim.sgd{lr = 0.1}, "
          + "probes = {mine = function() return {half = 0.5} end}}\r")
      try $0.expect("mine.half 0.500")
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      try $0.enter("run.status", expecting: "= \"interrupted\"\n")
      $0.type(
        "for i in mnemo.progress(1000000, 'adding') do count = i; mnemo.ones(1000):sum() end\r")
      try $0.expect("/1000000")
      #expect($0.shown.contains("adding "))
      $0.type("\u{3}")
      try $0.expect("mnemo> ")
      try $0.enter("count > 0 and count < 1000000", expecting: "= true\n")
      $0.type("\u{4}")
      try $0.expect("not saved")
      $0.type("\u{4}")
      #expect(try $0.end() == 0)
    }
  }

  /// Leaving asks about each run that would be lost, once.
  @Test func asksAboutEachUnsavedRun() throws {
    try session {
      try $0.enter("task = mnemo.data.bigram{seq_len = 4, seed = 1}", expecting: "mnemo> ")
      try $0.enter(
        "model = mnemo.model.simplified{vocab = 65, dim = 4, max_len = 4}", expecting: "mnemo> ")
      let train =
        " = mnemo.train{model = model, data = task, steps = 1, batch_size = 2, progress = false, "
        + "optimizer = mnemo.optim.sgd{lr = 0.1}}"
      try $0.enter("first" + train, expecting: "mnemo> ")
      $0.type("\u{4}")
      try $0.expect("a training run is not saved")
      try $0.enter("second" + train, expecting: "mnemo> ")
      try $0.enter("exit()", expecting: "Ctrl-D or :quit leaves")
      try $0.enter(":quit", expecting: "2 training runs are not saved")
      $0.type("\u{4}")
      #expect(try $0.end() == 0)
    }
  }

  /// The tour has variables of its own, and goes on with the step at which it was left.
  @Test func theTourLeavesVariablesAlone() throws {
    try session {
      try $0.enter("corpus, task = 'mine', 7", expecting: "mnemo> ")
      try $0.enter(":tour", expecting: "1 of 10")
      for step in 2...4 { try $0.enter("", expecting: "\(step) of 10") }
      try $0.enter("q", expecting: "goes on")
      try $0.enter("corpus .. task", expecting: "_4 = \"mine7\"")
      try $0.enter("_3.seq_len", expecting: "= 64\n")
      try $0.enter(":tour", expecting: "4 of 10")
      try $0.enter("", expecting: "occurrence = IntTensor [3, 64]")
      try $0.enter("q", expecting: "goes on")
      try $0.enter("exit", expecting: "Ctrl-D or :quit leaves")
      try $0.enter(":tour again", expecting: "1 of 10")
      $0.type("q\r")
    }
  }

  @Test func tellsErrors() throws {
    try session {
      try $0.enter(
        "x = 1 +* 2", expecting: "unexpected symbol near '*'\n    x = 1 +* 2\n           ^\n")
      try $0.enter("function f(t)", expecting: "    .> ")
      try $0.enter("return t.a.b + 1 end", expecting: "mnemo> ")
      let text = try $0.enter("local v = f{} + 1", expecting: "mnemo> ")
      #expect(text.contains("[2]:2: attempt to index a nil value (field 'a')"))
      #expect(text.contains("2 | return t.a.b + 1 end"))
      #expect(text.contains("[2]:2: in function 'f'"))
      #expect(!text.contains("[C]"))
      let deep = try $0.enter("mnemo.no_grad(function() error 'deep' end)", expecting: "mnemo> ")
      #expect(!deep.contains("[C]"))
      try $0.enter(":trace", expecting: "[C]: in function 'mnemo.no_grad'")
      try $0.enter("error{code = 3}", expecting: "error object: { code = 3 }\n")
      try $0.enter(
        "error(setmetatable({}, {__tostring = function() error 'no' end}))",
        expecting: "its __tostring fails")
      try $0.enter(
        "setmetatable({7}, {__index = error, __pairs = error})", expecting: "{ 7 }\n")
      try $0.enter(":tiem 1", expecting: "did you mean :time?")
    }
  }

  @Test func resizes() throws {
    try session(columns: 40) {
      try $0.enter("mnemo.zeros(1, 12)", expecting: "Tensor [1, 12]\n")
      $0.type("mnemo.ones(1, 12)")
      try $0.expect("12)")
      $0.resize(columns: 20, rows: 10)
      usleep(300_000)
      $0.resize(columns: 120, rows: 40)
      usleep(300_000)
      try $0.enter("", expecting: "Tensor [1, 12]\n")
      try $0.enter(
        "mnemo.rand(1, 12) * 0 + 1.5", expecting: String(repeating: "  1.5000", count: 12))
    }
  }

  @Test func readsUTF8() throws {
    try session {
      try $0.enter("#'é∀𝛼'", expecting: "= 9\n")
      try $0.enter("'naïve → ∀'", expecting: "= \"naïve → ∀\"\n")
    }
  }

  /// Characters of two columns, in what is printed and where the cursor goes.
  @Test func wideCharacters() throws {
    for language in ["LANG=C.UTF-8", "LANG=C"] {
      try withTemporaryFolder { home in
        let terminal = try TerminalSession(
          ["--quiet", "--no-color"], home: home, variables: [language], columns: 40)
        try terminal.expect("mnemo> ")
        try terminal.enter("kanji, ascii, face = '漢字仮名', 'abcd', '😀'", expecting: "mnemo> ")
        let listed = try terminal.enter("who()", expecting: "mnemo> ")
        let lines = listed.split(separator: "\n").filter { $0.contains(" B") }
        #expect(
          lines == [
            "ascii  string  \"abcd\"            4 B", "face   string  \"😀\"              4 B",
            "kanji  string  \"漢字仮名\"       12 B",
          ], "\(listed)")
        // A row of tokens is cut where the window ends.
        try terminal.enter("corpus = mnemo.corpus.text('漢字仮名')", expecting: "mnemo> ")
        try terminal.enter(
          "tokens = mnemo.data.bigram{corpus = corpus, triggers = 1, seq_len = 30}:batch(1, 1).tokens",
          expecting: "mnemo> ")
        let shown = try terminal.enter("tokens", expecting: "…”\n")
        let row = try #require(shown.split(separator: "\n").last)
        #expect(row.count == 4 + 17 + 1, "\(row)")
        // What is typed ahead is the terminal's to edit.
        try terminal.expect("mnemo> ")
        // Back over two wide characters, and a letter in their place.
        terminal.type("'漢字仮'\u{1B}[D\u{1B}[D\u{7F}x")
        try terminal.enter("", expecting: "= \"漢x仮\"\n")
        try terminal.enter("x = '漢字' +* 2", expecting: "    x = '漢字' +* 2\n                ^\n")
        terminal.type("ka\t")
        try terminal.enter("", expecting: "= \"漢字仮名\"\n")
      }
    }
  }

  @Test func decodesTokensOfCustomTasks() throws {
    try session {
      try $0.enter("function sample() return {3, 1, 2, 2, 1} end", expecting: "mnemo> ")
      try $0.enter("given = {vocab = 3, seq_len = 4, sample = sample}", expecting: "mnemo> ")
      try $0.enter("mnemo.data.custom(given):batch(1).tokens", expecting: "\n  3  1  2  2\n")
      try $0.enter("given.symbols = {'a', '仮', 'c'}", expecting: "mnemo> ")
      try $0.enter("mnemo.data.custom(given):batch(1).tokens", expecting: "“ca仮仮”\n")
      try $0.enter("given.symbols = {'one', 'two', 'three'}", expecting: "mnemo> ")
      try $0.enter("task = mnemo.data.custom(given)", expecting: "mnemo> ")
      try $0.enter("task:batch(1)", expecting: "“three one two two”\n")
      try $0.enter("task", expecting: "\n  three one two two\n")
      try $0.enter("given.symbols = nil", expecting: "mnemo> ")
      try $0.enter(
        "given.decode = function(ids) return '<' .. #ids .. '>' end", expecting: "mnemo> ")
      try $0.enter("task = mnemo.data.custom(given)", expecting: "mnemo> ")
      try $0.enter("task:batch(1).tokens[1]", expecting: "“<4>”\n")
      // One that fails takes neither the ids nor the prompt away.
      try $0.enter("given.decode = error", expecting: "mnemo> ")
      try $0.enter("task = mnemo.data.custom(given)", expecting: "mnemo> ")
      let shown = try $0.enter("task:batch(1).tokens", expecting: "\n  3  1  2  2\n")
      #expect(!shown.contains("“"))
    }
  }

  /// A figure at the window's size, with all its words; what cannot be drawn is said.
  @Test(arguments: [(80, 24), (120, 40)]) func drawsFigures(_ columns: Int, _ rows: Int) throws {
    try withTemporaryFolder { home in
      let terminal = try TerminalSession(
        ["--quiet", "--no-color"], home: home, columns: UInt16(columns), rows: UInt16(rows))
      try terminal.expect("mnemo> ")
      terminal.type(
        "mnemo.plot.lines{title = 'T1', xlabel = 'steps', ylabel = 'accuracy', series = {{name = 'one', "
          + "y = {1, 2, 5}}, {name = 'two', y = {3, 2, 1}, low = {2, 1, 0}, high = {4, 3, 2}}}}\r")
      let drawn = try terminal.expect("band of two\n")
      let figure = try #require(drawn.range(of: "figure: 2 curves\n")).upperBound
      let lines = drawn[figure...].split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.first == " accuracy ↑")
      for word in ["T1", "steps", "one", "two"] { #expect(drawn[figure...].contains(word)) }
      #expect(lines.contains { $0.split(separator: " ") == ["1", "2", "3"] })
      #expect(lines.map(\.count).max() ?? 0 >= columns - 6)
      #expect(lines.allSatisfy { $0.count < columns } && lines.count < rows)
      try terminal.expect("mnemo> ")
      let labels = "labels = {'漢', 'b', 'c'}"
      try terminal.enter(labels, expecting: "mnemo> ")
      terminal.type(
        "mnemo.plot.heatmap{matrix = mnemo.eye(3), xlabels = labels, ylabels = labels, "
          + "xlabel = 'key', ylabel = 'query'}\r")
      try terminal.expect(
        "\n query ↓\n    漢 b c\n 漢 ██    \n  b   ██  \n  c     ██\n key →\n")
    }
  }

  @Test func longLine() throws {
    try session {
      try $0.enter("#'" + String(repeating: "a", count: 10_000) + "'", expecting: "= 10000\n")
    }
  }

  @Test func pastesAMegabyte() throws {
    let lines = (1...40_000).map { "n = (n or 0) + 1 -- \($0)" }
    try session {
      // As an old terminal pastes: every line is typed.
      $0.type(lines.joined(separator: "\r") + "\r")
      try $0.enter("'counted ' .. n", expecting: "\"counted 40000\"", seconds: 120)
      // As terminals paste today: marked, and run by one Enter.
      $0.type("\u{1B}[200~n = 0\r" + lines.joined(separator: "\r") + "\u{1B}[201~\r")
      try $0.enter("'again ' .. n", expecting: "\"again 40000\"", seconds: 120)
      // One input of many lines that is complete only at its end.
      $0.type("function f()\r" + lines.joined(separator: "\r") + "\rend\r")
      try $0.enter("n = 0; f(); print('called ' .. n)", expecting: "called 40000", seconds: 120)
    }
  }

  @Test func savesAndLoads() throws {
    try withTemporaryFolder { home in
      let terminal = try TerminalSession(["--quiet", "--no-color"], home: home)
      try terminal.expect("mnemo> ")
      try terminal.enter("local a <const> = 4", expecting: "mnemo> ")
      try terminal.enter("a * 10", expecting: "= 40\n")
      try terminal.enter("local a = _ + 2", expecting: "mnemo> ")
      try terminal.enter(":save \(home)/s.lua", expecting: "3 inputs written")
      try terminal.enter("a = 0", expecting: "mnemo> ")
      try terminal.enter(":load \(home)/s.lua", expecting: "mnemo> ")
      try terminal.enter("a", expecting: "= 42\n")
      try terminal.enter("$ echo from $((40 + 2))", expecting: "from 42\n")
      try terminal.enter(":time 2 + 2", expecting: "= 4\n")
      // What the prompt's own tools print is no part of a script, which runs all the same.
      try terminal.enter("who()", expecting: "shape or value")
      try terminal.enter("help(mnemo.seed)", expecting: "Sets the seed")
      try terminal.enter(":save \(home)/tools.lua", expecting: "inputs written")
      #expect(try mnemo(home + "/tools.lua").status == 0)
      // The user's own variable comes before one of the module's tables.
      try terminal.enter("model = mnemo.zeros(2)", expecting: "mnemo> ")
      try terminal.enter("?model", expecting: "An array of Float32 numbers")
      try terminal.enter("?mnemo.seed", expecting: "Sets the seed")
      try terminal.enter("?model:sum", expecting: "Tensor:sum([d")
      try terminal.enter("?transformer", expecting: "did you mean ?model.transformer?")
      try terminal.enter("??momentum", expecting: "optim.sgd")
      terminal.type(":quit\r")
      #expect(try terminal.end() == 0)
      #expect(terminal.isRestored)
    }
  }

  @Test func startsWithFiles() throws {
    try withTemporaryFolder { home in
      system("mkdir -p '\(home)/config/mnemo'; echo 'mine = 30' > '\(home)/config/mnemo/init.lua'")
      system("echo 'local inner = 12 + #arg' > '\(home)/s.lua'")
      let terminal = try TerminalSession(["--quiet", "-i", home + "/s.lua"], home: home)
      try terminal.expect("mnemo> ")
      try terminal.enter("mine + inner", expecting: "42")
    }
  }

  /// However a file ends, its locals are there.
  @Test func loadedLocalsPersist() throws {
    let files = [
      ("falls", "local kept = 20\nlocal function twice(x) return 2 * x end"),
      ("returns", "local kept = 20\nlocal function twice(x) return 2 * x end\nreturn {kept}"),
      ("calls", "local kept = 20\nlocal function twice(x) return 2 * x end\nreturn twice(kept)"),
      (
        "leaves",
        "local kept = 20\nlocal function twice(x) return 2 * x end\nif kept then return end\nkept = 1"
      ),
      (
        "fails",
        "local kept = 20\nlocal function twice(x) return 2 * x end\nlocal function f() error 'half way' end\nf()\nkept = 1"
      ),
      (
        "cut",
        "local kept = 20\nlocal function twice(x) return 2 * x end\nprint('be' .. 'gun')\nwhile true do end"
      ),
    ]
    try withTemporaryFolder { home in
      for (name, text) in files {
        let path = "\(home)/\(name).lua"
        try text.write(to: path)
        for arguments in [["-i", path], []] {
          let terminal = try TerminalSession(
            ["--quiet", "--no-color"] + arguments, home: home)
          if arguments.isEmpty {
            try terminal.expect("mnemo> ")
            terminal.type(":load \(path)\r")
          }
          if name == "cut" {
            try terminal.expect("begun")
            terminal.type("\u{3}")
          }
          if name == "fails" { try terminal.expect("fails.lua:3: half way") }
          try terminal.expect("mnemo> ")
          try terminal.enter("twice(kept) + 2", expecting: "= 42\n")
          // They stay the prompt's own.
          try terminal.enter("load('return kept')()", expecting: "\nnil\n")
        }
      }
      try "local _ENV = {}\nx = 1\nreturn x".write(to: home + "/own.lua")
      try "local kept = ) 1".write(to: home + "/wrong.lua")
      let terminal = try TerminalSession(["--quiet", "--no-color"], home: home)
      try terminal.expect("mnemo> ")
      let silent = try terminal.enter(":load \(home)/own.lua", expecting: "mnemo> ")
      #expect(!silent.contains("own.lua:"))
      try terminal.enter(":load \(home)/wrong.lua", expecting: "wrong.lua:1: unexpected symbol")
      try terminal.enter(":load \(home)/none.lua", expecting: "No such file")
    }
  }

  @Test func colourIsOptional() throws {
    try withTemporaryFolder { home in
      for (variables, arguments, isColoured) in [
        ([], [], true), (["NO_COLOR=1"], [], false), ([], ["--no-color"], false),
      ] as [([String], [String], Bool)] {
        let terminal = try TerminalSession(arguments, home: home, variables: variables)
        try terminal.enter("7 * 6", expecting: "42\n")
        let colours = Array("\u{1B}[35m".utf8)
        let found = terminal.raw.indices.contains { terminal.raw[$0...].starts(with: colours) }
        #expect(found == isColoured)
      }
    }
  }
}
