import ByteStrings
import CEdit
import Glibc
import Tensors

/// Reads lines from a terminal with libedit, or plainly where there is none to edit on.
///
/// Characters come through `InputBuffer`, so that Ctrl-C, a changed window and a paste of any size
/// are seen as they happen. The terminal is in libedit's hands only inside `read`.
final class LineEditor {
  /// What came of asking for a line.
  enum Line {
    /// A line, without its newline; a paste or a recalled entry may hold several.
    case text(String)
    /// Ctrl-C: what was typed is dropped.
    case interrupted
    /// Ctrl-D on an empty line.
    case end
    /// The terminal is gone, or the process was asked to end.
    case gone(signal: Int32)
  }

  /// What completion has to say about the text before the cursor.
  struct Completion {
    /// How many characters before the cursor the candidates replace.
    var length: Int
    /// The candidates, sorted.
    var candidates: [String]
  }

  /// Whether libedit edits; else lines are read as the terminal gives them.
  var isEditing: Bool { editor != nil }
  /// Finds what may stand in place of the end of a text.
  var complete: (String) -> Completion? = { _ in nil }
  /// What of the input precedes the line that is read.
  var pending = ""

  private let input: InputBuffer
  private let editor: OpaquePointer?
  private let entries: OpaquePointer?
  /// The prompt as C has it, which libedit keeps until the line is read; freed at the next one.
  private var promptText: UnsafeMutablePointer<CChar>?
  /// The line at which Tab found several candidates: a second Tab lists them.
  private var lastTab: String?
  /// What Ctrl-R searches, oldest first.
  private var remembered: [String] = []
  private var search: Search?
  private var wasInterrupted = false
  private var needsPrompt = true

  /// The editor whose callbacks run; libedit has one per process here.
  nonisolated(unsafe) private static weak var active: LineEditor?

  /// An editor on standard input and output.
  init(_ input: InputBuffer) {
    self.input = input
    guard Terminal.canEdit, let editor = mnemo_edit_open("mnemo") else {
      editor = nil
      entries = nil
      return
    }
    self.editor = editor
    entries = history_init()
    prepare(editor)
  }

  deinit {
    if let editor { el_end(editor) }
    if let entries { history_end(entries) }
    free(promptText)
  }

  /// Adds an entry that the arrow keys and Ctrl-R find.
  func remember(_ entry: String) {
    if let entries { mnemo_history_enter(entries, entry) }
    remembered.append(entry)
  }

  /// Reads a line behind a prompt.
  func read(prompt: String, colour: String?) -> Line {
    LineEditor.active = self
    fflush(nil)
    input.signal = 0
    guard let editor else { return readPlainly(prompt) }
    // libedit counts no columns between two of these characters, and wants something behind them.
    let mark = "\u{1}"
    let shown =
      colour.map {
        mark + $0 + mark + prompt.dropLast() + mark + Style.reset + mark + prompt.suffix(1)
      }
      ?? prompt
    free(promptText)
    promptText = strdup(shown)
    wasInterrupted = false
    lastTab = nil
    search = nil
    let signals = HeldSignals()
    Terminal.write(Terminal.pasteOn)
    el_resize(editor)
    // libedit would show the prompt first and lose what is typed in between.
    mnemo_edit_prepare(editor, 1)
    if input.takeEarlyEnd() {
      mnemo_edit_prepare(editor, 0)
      signals.restore()
      Terminal.write(Terminal.pasteOff + prompt + "\n")
      return .end
    }
    var count: Int32 = 0
    let line = el_gets(editor, &count)
    Terminal.write(Terminal.pasteOff)
    signals.restore()
    if wasInterrupted {
      mnemo_edit_prepare(editor, 0)
      el_reset(editor)
      Terminal.write("\n")
      return .interrupted
    }
    guard let line, count > 0 else {
      if input.isAtEnd || input.signal != 0 {
        mnemo_edit_prepare(editor, 0)
        Terminal.write("\n")
        return .gone(signal: input.signal)
      }
      Terminal.write("\n")
      return .end
    }
    var text = String(cString: line)
    if text.hasSuffix("\n") { text.removeLast() }
    return .text(text)
  }

  /// Whether more input waits already, as after a paste.
  var hasMore: Bool { input.hasMore }

  // MARK: Without a terminal

  private func readPlainly(_ prompt: String) -> Line {
    Terminal.write(prompt)
    var bytes: [UInt8] = []
    while true {
      switch input.next() {
      case .byte(UInt8(ascii: "\n")): return .text(String(decoding: bytes, as: UTF8.self))
      case .byte(let byte): bytes.append(byte)
      case .interrupted:
        Terminal.write("\n")
        return .interrupted
      case .resized: continue
      case .end:
        guard bytes.isEmpty else { return .text(String(decoding: bytes, as: UTF8.self)) }
        Terminal.write("\n")
        return input.signal != 0 ? .gone(signal: input.signal) : .end
      }
    }
  }

  // MARK: Callbacks

  private func prepare(_ editor: OpaquePointer) {
    mnemo_edit_emacs(editor)
    // A signal key would make the kernel drop what was just written, maybe the next prompt.
    mnemo_edit_unsignalled(editor)
    mnemo_edit_prompt(editor, { _ in LineEditor.active?.promptText }, 1)
    mnemo_edit_read(editor) { _, character in
      guard let active = LineEditor.active, let character else { return -1 }
      return active.readCharacter(character)
    }
    mnemo_edit_add(editor, "mnemo-complete", "Complete a name") { _, _ in
      LineEditor.active?.tab() ?? UInt8(CC_ERROR)
    }
    mnemo_edit_add(editor, "mnemo-search", "Search what was typed before") { _, _ in
      LineEditor.active?.showSearch() ?? UInt8(CC_ERROR)
    }
    mnemo_edit_add(editor, "mnemo-paste", "Insert what the terminal pastes") { _, _ in
      LineEditor.active?.paste() ?? UInt8(CC_ERROR)
    }
    if let entries {
      mnemo_history_size(entries, Int32(HistoryFile.most))
      mnemo_edit_history(editor, entries)
    }
    // The user's own ~/.editrc, and then the keys of which this prompt speaks.
    if Folder.home() != nil { el_source(editor, nil) }
    let keys = [
      ("^I", "mnemo-complete"), ("\\e[200~", "mnemo-paste"), ("^R", "mnemo-search"),
      ("^L", "ed-clear-screen"), ("\\e[H", "ed-move-to-beg"), ("\\e[F", "ed-move-to-end"),
      ("\\e[1~", "ed-move-to-beg"), ("\\e[4~", "ed-move-to-end"),
      ("\\e[3~", "ed-delete-next-char"), ("\\e[1;5C", "em-next-word"),
      ("\\e[1;5D", "ed-prev-word"), ("\\eOH", "ed-move-to-beg"), ("\\eOF", "ed-move-to-end"),
      // At the end of a line Ctrl-D would list what libedit knows; it only ends an empty line.
      ("^W", "ed-delete-prev-word"),
    ]
    for (key, name) in keys { mnemo_edit_bind(editor, key, name) }
  }

  /// Gives libedit its next character: 1, or 0 at the end, or -1 to give up the line.
  private func readCharacter(_ character: UnsafeMutablePointer<wchar_t>) -> Int32 {
    if search != nil { return readSearch(character) }
    while true {
      switch input.next() {
      case .byte(3), .interrupted:  // Ctrl-C
        return interrupted()
      case .byte(26):  // Ctrl-Z
        HeldSignals.stop()
        if let editor { mnemo_edit_refresh(editor) }
      case .byte(let byte):
        let scalar = byte < 0x80 ? UInt32(byte) : decode(byte)
        character.pointee = wchar_t(bitPattern: scalar)
        return 1
      case .resized:
        guard let editor else { return -1 }
        // libedit takes the line for empty now.
        Terminal.write("\r\u{1B}[J")
        el_resize(editor)
        mnemo_edit_refresh(editor)
      case .end: return 0
      }
    }
  }

  private func interrupted() -> Int32 {
    wasInterrupted = true
    errno = EINTR
    return -1
  }

  // MARK: Searching

  /// A search with Ctrl-R that goes on.
  ///
  /// libedit's own compares regular expressions with all of the history at every key, and a long
  /// one keeps it from hearing any other.
  private struct Search {
    var history: HistorySearch
    /// The line as it was, for who gives up.
    let line: String
    var isOver = false
  }

  /// Takes keys as long as some wait, then lets libedit show what was found: as the key Ctrl-R.
  private func readSearch(_ character: UnsafeMutablePointer<wchar_t>) -> Int32 {
    repeat {
      switch input.next() {
      case .byte(3), .interrupted:
        search = nil
        return interrupted()
      case .byte(7):  // Ctrl-G
        search?.history = HistorySearch([])
        search?.isOver = true
      case .byte(0x12): search?.history.findEarlier()
      case .byte(0x7F), .byte(8): search?.history.removeLast()
      case .byte(let byte) where byte >= 32:
        let scalar = Unicode.Scalar(byte < 0x80 ? UInt32(byte) : decode(byte))
        if let scalar { search?.history.append(String(scalar)) }
      case .byte(let byte):
        // Any other key ends the search and does what it does.
        input.giveBack(byte)
        search?.isOver = true
      case .resized:
        guard let editor else { return -1 }
        Terminal.write("\r\u{1B}[J")
        el_resize(editor)
      case .end: return 0
      }
    } while search?.isOver == false && input.hasMore
    character.pointee = 0x12
    return 1
  }

  /// Begins a search, or shows what it has found.
  private func showSearch() -> UInt8 {
    guard let editor else { return UInt8(CC_ERROR) }
    guard let search else {
      let line = text(of: editor)
      self.search = Search(history: HistorySearch(remembered), line: line.before + line.after)
      return showSearch()
    }
    let found = search.history.found ?? search.line
    if search.isOver {
      self.search = nil
      return setText(found, of: editor)
    }
    let isMissing = search.history.found == nil && !search.history.text.isEmpty
    let words = isMissing ? "not in the history: " : "search: "
    return setText("\(found)\n\(words)\(search.history.text)", of: editor)
  }

  /// What is typed, before and after the cursor.
  private func text(of editor: OpaquePointer) -> (before: String, after: String) {
    guard let info = el_line(editor)?.pointee, let start = info.buffer else { return ("", "") }
    func text(_ start: UnsafePointer<CChar>, _ end: UnsafePointer<CChar>) -> String {
      String(
        decoding: UnsafeRawBufferPointer(start: start, count: end - start), as: UTF8.self)
    }
    return (text(start, info.cursor), text(info.cursor, info.lastchar))
  }

  private func setText(_ new: String, of editor: OpaquePointer) -> UInt8 {
    let old = text(of: editor)
    // libedit counts scalars.
    el_cursor(editor, Int32(old.after.unicodeScalars.count))
    return replace((old.before + old.after).unicodeScalars.count, by: new, in: editor)
  }

  /// The scalar that begins with `first`; bytes that are no UTF-8 become U+FFFD.
  private func decode(_ first: UInt8) -> UInt32 {
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0
    guard length > 0 else { return 0xFFFD }
    var bytes = [first]
    while bytes.count < length {
      guard case .byte(let byte) = input.next() else { return 0xFFFD }
      guard byte & 0xC0 == 0x80 else {
        input.giveBack(byte)
        return 0xFFFD
      }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self).unicodeScalars.first?.value ?? 0xFFFD
  }

  /// Reads a bracketed paste and inserts it, newlines included, for one Enter to run.
  private func paste() -> UInt8 {
    let ending = Array("\u{1B}[201~".utf8)
    var bytes: [UInt8] = []
    while !bytes.suffix(ending.count).elementsEqual(ending) {
      guard case .byte(let byte) = input.next() else { break }
      bytes.append(byte == UInt8(ascii: "\r") ? UInt8(ascii: "\n") : byte)
    }
    if bytes.suffix(ending.count).elementsEqual(ending) { bytes.removeLast(ending.count) }
    // A paste of whole lines waits for Enter too; its last newline would show an empty line.
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    let text = String(decoding: bytes.filter { $0 >= 32 || $0 == 9 || $0 == 10 }, as: UTF8.self)
    guard !text.isEmpty, el_insertstr(editor, text) == 0 else { return UInt8(CC_ERROR) }
    return UInt8(CC_REFRESH)
  }

  private func tab() -> UInt8 {
    guard let editor, let info = el_line(editor)?.pointee, let start = info.buffer else {
      return UInt8(CC_ERROR)
    }
    let before = String(
      decoding: UnsafeRawBufferPointer(start: start, count: info.cursor - start), as: UTF8.self)
    // A tab at the start of a line, or inside a paste, is meant as one.
    let line = before.split(separator: "\n", omittingEmptySubsequences: false).last ?? ""
    if input.waiting > 32 || line.allSatisfy({ $0 == " " }) {
      return el_insertstr(editor, "  ") == 0 ? UInt8(CC_REFRESH) : UInt8(CC_ERROR)
    }
    guard let found = complete(pending + before), !found.candidates.isEmpty else {
      return UInt8(CC_REFRESH_BEEP)
    }
    // libedit counts scalars, where Swift's characters may be several.
    let kept = String(before.unicodeScalars.dropLast(found.length))
    if let only = found.candidates.first, found.candidates.count == 1 {
      return replace(found.length, by: only, in: editor)
    }
    let common = found.candidates.dropFirst().reduce(found.candidates[0]) {
      $0.commonPrefix(with: $1)
    }
    if common.unicodeScalars.count > found.length {
      lastTab = kept + common
      return replace(found.length, by: common, in: editor)
    }
    guard lastTab == before else {
      lastTab = before
      return UInt8(CC_REFRESH_BEEP)
    }
    lastTab = nil
    let shown = found.candidates.map(\.printable)
    Terminal.write("\n" + Columns.text(shown, width: Terminal.size.columns) + "\n")
    return UInt8(CC_REDISPLAY)
  }

  private func replace(_ length: Int, by text: String, in editor: OpaquePointer) -> UInt8 {
    if length > 0 { el_deletestr(editor, Int32(length)) }
    return text.isEmpty || el_insertstr(editor, text) == 0 ? UInt8(CC_REFRESH) : UInt8(CC_ERROR)
  }
}

extension String {
  fileprivate func commonPrefix(with other: String) -> String {
    String(zip(self, other).prefix { $0 == $1 }.map(\.0))
  }
}
