// libedit, whose variadic functions Swift cannot call.
#ifndef MNEMO_EDIT_SHIM_H
#define MNEMO_EDIT_SHIM_H

#include <histedit.h>
#include <stddef.h>
#include <stdio.h>
#include <wchar.h>

typedef char *(*mnemo_prompt_function)(EditLine *editor);
typedef int (*mnemo_read_function)(EditLine *editor, wchar_t *character);
typedef unsigned char (*mnemo_key_function)(EditLine *editor, int character);

/// An editor on the process's standard streams.
static inline EditLine *mnemo_edit_open(const char *name) {
  return el_init(name, stdin, stdout, stderr);
}


/// Sets the function that gives the prompt; `escape` encloses what takes no columns.
static inline void mnemo_edit_prompt(
  EditLine *editor, mnemo_prompt_function prompt, char escape) {
  el_set(editor, EL_PROMPT_ESC, prompt, escape);
}

/// Sets the function that reads one character.
static inline void mnemo_edit_read(EditLine *editor, mnemo_read_function read) {
  el_set(editor, EL_GETCFN, read);
}

static inline void mnemo_edit_emacs(EditLine *editor) { el_set(editor, EL_EDITOR, "emacs"); }

/// Names a function that keys can be bound to.
static inline void mnemo_edit_add(
  EditLine *editor, const char *name, const char *help, mnemo_key_function function) {
  el_set(editor, EL_ADDFN, name, help, function);
}

/// Binds a key, in libedit's notation, to a function's name.
static inline void mnemo_edit_bind(EditLine *editor, const char *key, const char *name) {
  el_set(editor, EL_BIND, key, name, (const char *)NULL);
}

/// Lets the arrow keys walk through a history.
static inline void mnemo_edit_history(EditLine *editor, History *entries) {
  el_set(editor, EL_HIST, history, entries);
}

/// Takes the terminal for editing (1) or gives it back as it was (0).
static inline void mnemo_edit_prepare(EditLine *editor, int editing) {
  el_set(editor, EL_PREP_TERM, editing);
}

/// Lets Ctrl-C and its like come as characters while a line is edited.
static inline void mnemo_edit_unsignalled(EditLine *editor) {
  el_set(editor, EL_SETTY, "-d", "-isig", (const char *)NULL);
}

static inline void mnemo_edit_refresh(EditLine *editor) { el_set(editor, EL_REFRESH); }

// Of <wchar.h>, which shows it to X/Open programs alone.
extern int wcwidth(wchar_t character);

/// How many columns a character takes; -1 for one that cannot be printed.
static inline int mnemo_columns(wchar_t character) { return wcwidth(character); }

static inline void mnemo_history_size(History *entries, int most) {
  HistEvent event;
  history(entries, &event, H_SETSIZE, most);
}

static inline void mnemo_history_enter(History *entries, const char *text) {
  HistEvent event;
  history(entries, &event, H_ENTER, text);
}

#endif
