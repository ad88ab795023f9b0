// What Swift cannot see of Lua's C interface, and every Lua call that may raise.
//
// A Lua error is a longjmp; one that crossed a Swift frame would skip its releases. So
// Swift calls only functions which cannot raise, and what can raise, be it for want of memory,
// lies here: behind lua_pcall, or in the trampoline after Swift has returned.
#ifndef MNEMO_LUA_SHIM_H
#define MNEMO_LUA_SHIM_H

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stddef.h>
#include <stdint.h>

// Swift's side of the trampoline.

/// What a body returns in place of a number of results: the error on top of the stack is a
/// message of ours, to which the trampoline adds the script's position.
#define MNEMO_RAISE_MESSAGE (-1)
/// The error on top of the stack came from Lua before, and goes on unchanged.
#define MNEMO_RAISE_VALUE (-2)
/// An interrupt ended the body; the trampoline makes the error value that says so.
#define MNEMO_RAISE_INTERRUPT (-3)
/// There was no memory for what the body had to push.
#define MNEMO_RAISE_MEMORY (-4)
/// The message could not be pushed; why not, has to be told in its place: `mnemo_failure`.
#define MNEMO_RAISE_FAILURE (-5)

/// The block of a userdata which holds a Swift object.
typedef struct mnemo_block {
  /// Tells our blocks from those of other libraries: an address only this library knows.
  const void *magic;
  /// The object, retained; null once it is closed or collected.
  void *object;
  /// The identity of the object's Swift class, for a check without a cast.
  uintptr_t type;
  /// The class as registered; owned by the Lua object on the Swift side.
  void *declaration;
} mnemo_block;

typedef int (*mnemo_dispatch_function)(lua_State *L, void *entry);
typedef void (*mnemo_release_function)(lua_State *L, mnemo_block *block);
typedef void (*mnemo_closed_function)(void *owner);

/// Sets the three Swift functions that C calls; once per process, before anything else.
void mnemo_set_swift(
  mnemo_dispatch_function dispatch, mnemo_release_function release,
  mnemo_closed_function closed);

// Opening and closing.

/// A state with the standard libraries, or null; its memory ends a little before the process's.
lua_State *mnemo_open(void);
/// Closes a state that `mnemo_open` opened.
void mnemo_close(lua_State *L);
/// Whether so much memory could be had at the moment.
int mnemo_hasmemory(size_t bytes);

// Pushes and stores that need memory. Each returns a Lua status, whose words `mnemo_failure` has;
// a push that fails pushes nil.

/// Why the last of them failed, on this thread.
const char *mnemo_failure(void);
int mnemo_pushstring(lua_State *L, const char *bytes, size_t length);
/// Pushes a table with room for so many elements and fields: setting them needs no memory.
int mnemo_createtable(lua_State *L, int elements, int fields);
/// Pops a value and a key and sets the field of the table at `index`, without metamethods.
int mnemo_rawset(lua_State *L, int index);
/// Pops a value and keeps it in the registry.
int mnemo_ref(lua_State *L, int *reference);
/// Pushes a list of a table's keys and values in turn, {k, v, k, v …}, as they are at one moment:
/// finalizers may change a table while it is read, and it may be the registry.
int mnemo_pushentries(lua_State *L, int index);

// Functions and objects.

/// Pushes a function that enters Swift with `entry`.
int mnemo_pushfunction(lua_State *L, void *entry);
/// Pops a methods table and pushes an `__index` function that looks there first and enters
/// Swift with `entry` for what it does not find.
int mnemo_pushindex(lua_State *L, void *entry);
/// The entry of a function made by one of the two above, or null.
void *mnemo_entry(lua_State *L, int index);
/// Pushes a userdata that holds a retained object, which stays the caller's on failure;
/// `metatable` is its reference in the registry. If `isidentified`, it is the one that
/// `mnemo_pushidentified` finds while it is alive.
int mnemo_pushobject(
  lua_State *L, void *object, uintptr_t type, void *declaration, int metatable,
  int isidentified);
/// Pushes the userdata that holds an object already, if there is one; returns whether it did.
int mnemo_pushidentified(lua_State *L, void *object);
/// The block of the userdata at `index`, or null if that is none of ours.
mnemo_block *mnemo_toblock(lua_State *L, int index);
/// Pushes the metamethod that releases the object: `__gc` and `__close`.
void mnemo_pushrelease(lua_State *L);
/// Pushes the metamethod that compares two userdata by the object they hold.
void mnemo_pushidentity(lua_State *L);
/// Keeps `owner` alive as long as the state: tells Swift when the state closes.
int mnemo_anchor(lua_State *L, void *owner);

// Calls under protection. Each returns a Lua status. On an error the stack holds, in place of
// function and arguments, the error value and above it the traceback (a string, or nil).

int mnemo_call(lua_State *L, int arguments, int results);
/// Pops a function that is called where an error is raised, before the stack unwinds; or nil.
int mnemo_setwitness(lua_State *L);
/// Replaces a value and a key on top of the stack by `value[key]`, metamethods included.
int mnemo_get(lua_State *L);
/// Pops a value, a key and a new field: `value[key] = field`, metamethods included.
int mnemo_set(lua_State *L);
/// Pushes what `tostring` gives, or a word about the value where that fails.
void mnemo_tostring(lua_State *L, int index);
/// Pushes the message of an error value as lua(1) words it.
void mnemo_errormessage(lua_State *L, int index);
/// Compiles text (never bytecode) and pushes the function, or the message.
int mnemo_load(lua_State *L, const char *text, size_t length, const char *name);

// Questions about a call.

/// Whether the running function was called with a colon.
int mnemo_ismethodcall(lua_State *L);
/// Looks for the function with which `ipairs` takes its steps, in a state that has the standard
/// library; raises errors.
void mnemo_findipairs(lua_State *L);
/// Whether the running function is a metamethod that serves a step of `ipairs`.
int mnemo_isipairs(lua_State *L);
/// Where the Lua function at `index` was defined: its chunk's name and line; 0 if there is none.
int mnemo_source(lua_State *L, int index, const char **name, int *line);
/// Full collection; 0 if it took place (it does not inside a finalizer).
int mnemo_collect(lua_State *L);
/// Bytes Lua itself has in use.
size_t mnemo_usage(lua_State *L);
/// The state's main thread.
lua_State *mnemo_mainthread(lua_State *L);
/// The type's name as error messages give it: `__name` where a metatable has one. Pushes a value
/// that keeps the name alive.
const char *mnemo_pushtypename(lua_State *L, int index);
/// Whether the value's metatable has a field.
int mnemo_hasmetafield(lua_State *L, int index, const char *name);
/// Whether a value is a function or has a `__call`.
int mnemo_iscallable(lua_State *L, int index);

// Interrupts: see Interrupt.swift.

/// Raises an interrupt: a userdata of its own kind, whose text is `script.lua:1: interrupted!`.
int mnemo_raise_interrupt(lua_State *L);
/// Whether the value at `index` is an interrupt, whatever its text.
int mnemo_isinterrupt(lua_State *L, int index);

// One state of the process, the one installed last, hears interrupts; to the others, which may run
// on other threads, none of these does anything. L is a state's main thread.
void mnemo_interrupt_install(lua_State *L);
/// Whether some state hears them.
int mnemo_interrupt_isheard(void);
/// Replaces `coroutine.resume` and `wrap`, so that interrupts reach the coroutine that runs, and
/// `xpcall`, so that they reach its handlers.
void mnemo_interrupt_watch(lua_State *L);
void mnemo_interrupt_uninstall(lua_State *L);
int mnemo_interrupt_pending(lua_State *L);
/// Whether one waits and is not deferred, or has waited long enough.
int mnemo_interrupt_urgent(lua_State *L);
/// Whether a second one came: from then on one is pending, whoever takes or catches it, until
/// counting begins anew.
int mnemo_interrupt_insisted(lua_State *L);
int mnemo_interrupt_take(lua_State *L);
/// Begins counting anew, while no Lua code runs; one that still waits is the first then.
void mnemo_interrupt_count_anew(lua_State *L);
void mnemo_interrupt_defer(lua_State *L, int change);
/// As deferring, but a first interrupt waits as long as it takes: for loops whose end asks for it.
void mnemo_interrupt_wait(lua_State *L, int change);
/// How many interrupts came since counting began anew.
int mnemo_interrupt_number(lua_State *L);

// Signals that end the process: SIGTERM, SIGHUP, and SIGPIPE where standard output is the pipe. The
// first is an interrupt that comes again to whoever takes or catches it, so that work gets to the
// disk; the second ends at once. SIGPIPE of other pipes and SIGXFSZ do nothing: the write fails.
void mnemo_hear_endings(void);
/// The signal that the process is to end with; 0 if none came.
int mnemo_ending(void);
/// Ends the process with that signal, if there is one.
void mnemo_end(void);

/// Writes out what was printed; 0 if some of it, since the start, could not be written.
int mnemo_write_output(void);

// Macros.

static inline int mnemo_registryindex(void) { return LUA_REGISTRYINDEX; }
static inline int mnemo_multret(void) { return LUA_MULTRET; }
static inline void mnemo_pop(lua_State *L, int n) { lua_settop(L, -n - 1); }
static inline void mnemo_remove(lua_State *L, int index) { lua_remove(L, index); }
static inline void mnemo_insert(lua_State *L, int index) { lua_insert(L, index); }
static inline void mnemo_pushregistry(lua_State *L, int reference) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
}
/// Pops a value and keeps it in the userdata at `index`; returns whether that is one.
static inline int mnemo_setuservalue(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TUSERDATA) return lua_setiuservalue(L, index, 1);
  lua_pop(L, 1);
  return 0;
}
/// Pushes the value that the userdata at `index` keeps, or nil.
static inline void mnemo_pushuservalue(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TUSERDATA) {
    lua_getiuservalue(L, index, 1);
  } else {
    lua_pushnil(L);
  }
}
/// Replaces a key on top of the stack by the field of the table at `index`, or by nil.
static inline int mnemo_rawget(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TTABLE) return lua_rawget(L, index);
  lua_pop(L, 1);
  lua_pushnil(L);
  return LUA_TNIL;
}
static inline void mnemo_unref(lua_State *L, int reference) {
  luaL_unref(L, LUA_REGISTRYINDEX, reference);
}
static inline void mnemo_pushglobals(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

#endif
