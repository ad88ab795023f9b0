#include "lua_protect.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static mnemo_dispatch_function swift_dispatch;
static mnemo_release_function swift_release;
static mnemo_closed_function swift_closed;

void mnemo_set_swift(
  mnemo_dispatch_function dispatch, mnemo_release_function release,
  mnemo_closed_function closed) {
  swift_dispatch = dispatch;
  swift_release = release;
  swift_closed = closed;
}

// Functions.

// Its address is the registry's key for the anchor: see mnemo_anchor.
static const char anchor_key;

// Room on the stack for what Swift pushes without asking.
#define SLOTS 40

// Enters Swift and raises what it left. No Swift frame is active when lua_error jumps.
static int enter(lua_State *L) {
  // Finalizers older than the anchor may still call functions when the state has let go of them.
  void **owner = lua_touserdata(L, lua_upvalueindex(2));
  if (owner == NULL || *owner == NULL) return luaL_error(L, "mnemo: the Lua state is closing");
  luaL_checkstack(L, SLOTS, NULL);
  int results = swift_dispatch(L, lua_touserdata(L, lua_upvalueindex(1)));
  if (results >= 0) return results;
  if (results == MNEMO_RAISE_INTERRUPT) return mnemo_raise_interrupt(L);
  if (results == MNEMO_RAISE_MEMORY) {
    // As Lua's own: without a position.
    lua_pushliteral(L, "not enough memory");
  } else if (results == MNEMO_RAISE_FAILURE) {
    lua_pushstring(L, mnemo_failure());
  } else if (results == MNEMO_RAISE_MESSAGE && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int trampoline(lua_State *L) { return enter(L); }

// Methods are found without entering Swift; the entry serves what is no method.
static int index_trampoline(lua_State *L) {
  lua_pushvalue(L, 2);
  if (mnemo_rawget(L, lua_upvalueindex(3)) != LUA_TNIL) return 1;
  lua_pop(L, 1);
  return enter(L);
}

static int make_function(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &anchor_key);
  lua_pushcclosure(L, trampoline, 2);
  return 1;
}

int mnemo_pushfunction(lua_State *L, void *entry) {
  lua_pushlightuserdata(L, entry);
  int status = mnemo_protect(L, make_function, 1, 1);
  return status == LUA_OK ? status : mnemo_failed(L, status, 1);
}

static int make_index(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &anchor_key);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, index_trampoline, 3);
  return 1;
}

int mnemo_pushindex(lua_State *L, void *entry) {
  lua_pushlightuserdata(L, entry);
  int status = mnemo_protect(L, make_index, 2, 1);
  return status == LUA_OK ? status : mnemo_failed(L, status, 1);
}

void *mnemo_entry(lua_State *L, int index) {
  lua_CFunction function = lua_tocfunction(L, index);
  if (function != trampoline && function != index_trampoline) return NULL;
  lua_getupvalue(L, index, 1);
  void *entry = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return entry;
}

// Objects.

static const char magic;

typedef struct {
  mnemo_block block;
  int metatable;
  int isidentified;
} object_request;

// Its address is the registry's key for the table of identified objects.
static const char identified;

// Pushes the table from objects to their userdata, which it does not keep alive.
static void pushidentified(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &identified) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &identified);
}

// Without an object until nothing can fail any more: Swift keeps it if something does.
static int make_object(lua_State *L) {
  const object_request *request = lua_touserdata(L, 1);
  // One user value, for a Lua value that the object must keep alive (Call.setUserValue).
  mnemo_block *block = lua_newuserdatauv(L, sizeof(mnemo_block), 1);
  *block = request->block;
  block->object = NULL;
  if (request->isidentified) {
    pushidentified(L);
    lua_pushvalue(L, 2);
    lua_rawsetp(L, 3, request->block.object);
    lua_settop(L, 2);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, request->metatable);
  lua_setmetatable(L, 2);
  block->object = request->block.object;
  return 1;
}

int mnemo_pushobject(
  lua_State *L, void *object, uintptr_t type, void *declaration, int metatable,
  int isidentified) {
  object_request request = {{&magic, object, type, declaration}, metatable, isidentified};
  lua_pushlightuserdata(L, &request);
  int status = mnemo_protect(L, make_object, 1, 1);
  return status == LUA_OK ? status : mnemo_failed(L, status, 1);
}

int mnemo_pushidentified(lua_State *L, void *object) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &identified) != LUA_TTABLE) {
    lua_pop(L, 1);
    return 0;
  }
  lua_rawgetp(L, -1, object);
  lua_remove(L, -2);
  mnemo_block *block = mnemo_toblock(L, -1);
  // A closed userdata holds nothing any more, and an address may be used again.
  if (block != NULL && block->object == object) return 1;
  lua_pop(L, 1);
  return 0;
}

mnemo_block *mnemo_toblock(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA) return NULL;
  if (lua_rawlen(L, index) != sizeof(mnemo_block)) return NULL;
  mnemo_block *block = lua_touserdata(L, index);
  return block->magic == &magic ? block : NULL;
}

static int release(lua_State *L) {
  mnemo_block *block = mnemo_toblock(L, 1);
  if (block != NULL && block->object != NULL) swift_release(L, block);
  return 0;
}

static int identity(lua_State *L) {
  mnemo_block *a = mnemo_toblock(L, 1), *b = mnemo_toblock(L, 2);
  lua_pushboolean(L, a != NULL && b != NULL && a->object != NULL && a->object == b->object);
  return 1;
}

void mnemo_pushrelease(lua_State *L) { lua_pushcfunction(L, release); }
void mnemo_pushidentity(lua_State *L) { lua_pushcfunction(L, identity); }

static int anchor_released(lua_State *L) {
  void **owner = lua_touserdata(L, 1);
  if (owner != NULL && *owner != NULL) {
    void *released = *owner;
    *owner = NULL;
    swift_closed(released);
  }
  return 0;
}

static int make_anchor(lua_State *L) {
  void **anchor = lua_newuserdatauv(L, sizeof(void *), 0);
  *anchor = NULL;
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, anchor_released);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &anchor_key);
  *anchor = lua_touserdata(L, 1);
  return 0;
}

// Finalizers run in the reverse order of their creation when a state closes, so the anchor,
// made before any object, goes last. Every function of ours holds it and asks it whether there
// is still somebody to call.
int mnemo_anchor(lua_State *L, void *owner) {
  lua_pushlightuserdata(L, owner);
  int status = mnemo_protect(L, make_anchor, 1, 0);
  return status == LUA_OK ? status : mnemo_failed(L, status, 0);
}

// Calls under protection.

// Its address is the registry's key for the function that looks at the stack of an error.
static const char witness;

static int set_witness(lua_State *L) {
  lua_rawsetp(L, LUA_REGISTRYINDEX, &witness);
  return 0;
}

int mnemo_setwitness(lua_State *L) {
  int status = mnemo_protect(L, set_witness, 1, 0);
  return status == LUA_OK ? status : mnemo_failed(L, status, 0);
}

// Keeps the value that was raised beside the traceback: a table thrown in a callback has to
// reach the script as that table. Words for it are found later, under protection, so that an
// error in a __tostring cannot lose the first one.
static int add_traceback(lua_State *L) {
  // The frames between the call and the error are still there; what fails here counts for nothing.
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &witness) == LUA_TFUNCTION) lua_pcall(L, 0, 0, 0);
  lua_settop(L, 1);
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  luaL_traceback(L, L, NULL, 1);
  lua_rawseti(L, -2, 2);
  return 1;
}

int mnemo_call(lua_State *L, int arguments, int results) {
  int base = lua_gettop(L) - arguments;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, base);
  int status = lua_pcall(L, arguments, results, base);
  lua_remove(L, base);
  if (status == LUA_OK) return status;
  // Out of memory and errors in the handler do not pass through the handler.
  if (status == LUA_ERRRUN && lua_type(L, -1) == LUA_TTABLE) {
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    lua_remove(L, -3);
  } else {
    lua_pushnil(L);
  }
  return status;
}

static int get_field(lua_State *L) {
  lua_gettable(L, 1);
  return 1;
}

int mnemo_get(lua_State *L) {
  lua_pushcfunction(L, get_field);
  lua_insert(L, -3);
  return mnemo_call(L, 2, 1);
}

static int set_field(lua_State *L) {
  lua_settable(L, 1);
  return 0;
}

int mnemo_set(lua_State *L) {
  lua_pushcfunction(L, set_field);
  lua_insert(L, -4);
  return mnemo_call(L, 3, 0);
}

static int tostring(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

static int no_tostring(lua_State *L) {
  lua_pushfstring(L, "(%s value whose __tostring fails)", luaL_typename(L, 1));
  return 1;
}

void mnemo_tostring(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_pushcfunction(L, tostring);
  lua_pushvalue(L, index);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lua_pop(L, 1);
    lua_pushvalue(L, index);
    if (mnemo_protect(L, no_tostring, 1, 1) != LUA_OK) mnemo_failed(L, LUA_ERRMEM, 1);
  }
}

static int no_message(lua_State *L) {
  lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  return 1;
}

void mnemo_errormessage(lua_State *L, int index) {
  index = lua_absindex(L, index);
  int type = lua_type(L, index);
  if (type == LUA_TSTRING) {
    lua_pushvalue(L, index);
  } else if (type == LUA_TNUMBER || mnemo_hasmetafield(L, index, "__tostring")) {
    mnemo_tostring(L, index);
  } else {
    lua_pushvalue(L, index);
    if (mnemo_protect(L, no_message, 1, 1) != LUA_OK) mnemo_failed(L, LUA_ERRMEM, 1);
  }
}

int mnemo_load(lua_State *L, const char *text, size_t length, const char *name) {
  return luaL_loadbufferx(L, text, length, name, "t");
}

// Questions about a call.

int mnemo_ismethodcall(lua_State *L) {
  lua_Debug ar;
  if (!lua_getstack(L, 0, &ar)) return 0;
  lua_getinfo(L, "n", &ar);
  return ar.namewhat != NULL && strcmp(ar.namewhat, "method") == 0;
}

int mnemo_source(lua_State *L, int index, const char **name, int *line) {
  if (lua_type(L, index) != LUA_TFUNCTION || lua_iscfunction(L, index)) return 0;
  lua_Debug ar;
  lua_pushvalue(L, index);
  lua_getinfo(L, ">S", &ar);
  *name = ar.source;
  *line = ar.linedefined;
  return 1;
}

int mnemo_collect(lua_State *L) { return lua_gc(L, LUA_GCCOLLECT); }

size_t mnemo_usage(lua_State *L) {
  return (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB);
}

lua_State *mnemo_mainthread(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main = lua_tothread(L, -1);
  lua_pop(L, 1);
  return main;
}

// Interrupts.

// Written by the signal's handler and by Lua's thread, read by the engine's threads as well.
static _Atomic(lua_State *) interrupt_state;
static _Atomic int interrupt_flag;
static _Atomic int interrupt_deferred;
static _Atomic int interrupt_insisted;
static _Atomic long long interrupt_time;
// The coroutine that runs, if one does: it has a hook of its own.
static _Atomic(lua_State *) interrupt_coroutine;
static struct sigaction interrupt_previous;
static pthread_t interrupt_thread;
static sigset_t interrupt_mask;

static void on_signal(int signal_number);

static void catch_signal(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  // Without SA_RESTART: a read that waits for a terminal or a pipe ends, and Lua gets to raise.
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

// How long a deferred interrupt waits for those who look for it themselves.
#define PATIENCE 50000000LL

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int mnemo_interrupt_here(void) {
  return interrupt_state != NULL && pthread_equal(pthread_self(), interrupt_thread);
}

int mnemo_interrupt_urgent(void) {
  return interrupt_flag
    && (!interrupt_deferred || interrupt_insisted || now() - interrupt_time > PATIENCE);
}

// Its address marks a userdata as an interrupt, and is the registry's key for their metatable.
static const char interrupt_mark;

int mnemo_isinterrupt(lua_State *L, int index) {
  const void **mark = lua_touserdata(L, index);
  return lua_type(L, index) == LUA_TUSERDATA && lua_rawlen(L, index) == sizeof(void *)
    && *mark == &interrupt_mark;
}

// Pushes the words of the value at `index`: an interrupt's own, or what tostring gives.
static void pushwords(lua_State *L, int index) {
  if (mnemo_isinterrupt(L, index)) {
    lua_getiuservalue(L, index, 1);
  } else {
    luaL_tolstring(L, index, NULL);
  }
}

static int interrupt_text(lua_State *L) {
  luaL_checkany(L, 1);
  pushwords(L, 1);
  return 1;
}

// Handlers of errors join messages with `..`.
static int interrupt_joined(lua_State *L) {
  lua_settop(L, 2);
  pushwords(L, 1);
  pushwords(L, 2);
  lua_concat(L, 2);
  return 1;
}

int mnemo_raise_interrupt(lua_State *L) {
  const void **mark = lua_newuserdatauv(L, sizeof(void *), 1);
  *mark = &interrupt_mark;
  luaL_where(L, 1);
  lua_pushliteral(L, "interrupted!");
  lua_concat(L, 2);
  lua_setiuservalue(L, -2, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &interrupt_mark) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 4);
    lua_pushliteral(L, "interrupt");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "interrupt");
    lua_setfield(L, -2, "__metatable");
    lua_pushcfunction(L, interrupt_text);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, interrupt_joined);
    lua_setfield(L, -2, "__concat");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &interrupt_mark);
  }
  lua_setmetatable(L, -2);
  return lua_error(L);
}

// Runs in Lua, between two instructions, where raising is allowed.
static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  // Swift is pushing something: the next instruction of Lua will do.
  if (mnemo_isprotecting()) return;
  if (interrupt_flag && !mnemo_interrupt_urgent()) return;
  lua_sethook(L, NULL, 0, 0);
  // Somebody took it meanwhile.
  if (!interrupt_flag && L != interrupt_state) return;
  // An error of the main thread leaves every coroutine.
  if (L == interrupt_state) interrupt_coroutine = NULL;
  interrupt_flag = 0;
  interrupt_insisted = 0;
  catch_signal();
  mnemo_raise_interrupt(L);
}

static void set_hook(void) {
  lua_State *L = interrupt_state;
  if (L != NULL) {
    // As lua.c does: lua_sethook is the one function that may be called from a signal handler.
    int mask = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
    lua_sethook(L, stop, mask, 1);
    L = interrupt_coroutine;
    if (L != NULL) lua_sethook(L, stop, mask, 1);
  }
}

static void on_signal(int signal_number) {
  // The kernel picks any thread. The hook has to be set while Lua's own thread stands still.
  if (!pthread_equal(pthread_self(), interrupt_thread)) {
    pthread_kill(interrupt_thread, signal_number);
    return;
  }
  if (interrupt_flag) {
    signal(signal_number, SIG_DFL);  // nobody took the first one; the next one kills
    interrupt_insisted = 1;
    set_hook();
  } else {
    interrupt_time = now();
    interrupt_flag = 1;
    set_hook();
  }
}

// Calls the resume of the standard library, its first upvalue, and notes who runs meanwhile.
static int resume(lua_State *L) {
  lua_State *coroutine = lua_tothread(L, 1);
  lua_State *outer = interrupt_coroutine;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  if (coroutine != NULL) interrupt_coroutine = coroutine;
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  interrupt_coroutine = outer;
  if (coroutine != NULL && lua_gethook(coroutine) == stop) lua_sethook(coroutine, NULL, 0, 0);
  return lua_gettop(L);
}

// What coroutine.wrap returns: resumes, and passes errors on as the standard library does.
static int wrapped(lua_State *L) {
  lua_State *coroutine = lua_tothread(L, lua_upvalueindex(2));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_rotate(L, 1, 2);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  if (lua_toboolean(L, 1)) return lua_gettop(L) - 1;
  int status = lua_status(coroutine);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_settop(L, 2);
    if (lua_resetthread(coroutine) != LUA_OK) {
      lua_settop(L, 1);
      lua_xmove(coroutine, L, 1);
    }
  }
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

// Pushes a function with the library's `create` and our `resume` as upvalues.
static int wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  lua_pushcclosure(L, wrapped, 2);
  return 1;
}

// Watches coroutines, so that an interrupt reaches the one that runs.
static int watch_coroutines(lua_State *L) {
  lua_getglobal(L, LUA_COLIBNAME);
  if (lua_type(L, -1) != LUA_TTABLE) return 0;
  lua_getfield(L, -1, "resume");
  if (lua_tocfunction(L, -1) == resume) return 0;
  lua_pushcclosure(L, resume, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "resume");
  lua_getfield(L, -2, "create");
  lua_pushcclosure(L, wrap, 2);
  lua_setfield(L, -2, "wrap");
  return 0;
}

void mnemo_interrupt_install(lua_State *L) {
  mnemo_interrupt_uninstall();
  lua_pushcfunction(L, watch_coroutines);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
  sigaction(SIGINT, NULL, &interrupt_previous);
  interrupt_state = L;
  interrupt_thread = pthread_self();
  catch_signal();
  // Threads of a pool start with signals blocked.
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &interrupt, &interrupt_mask);
}

void mnemo_interrupt_uninstall(void) {
  if (interrupt_state == NULL) return;
  pthread_sigmask(SIG_SETMASK, &interrupt_mask, NULL);
  mnemo_interrupt_take();
  sigaction(SIGINT, &interrupt_previous, NULL);
  interrupt_state = NULL;
}

lua_State *mnemo_interrupt_state(void) { return interrupt_state; }
int mnemo_interrupt_pending(void) { return interrupt_flag; }

int mnemo_interrupt_take(void) {
  if (!interrupt_flag) return 0;
  if (interrupt_state != NULL) {
    lua_sethook(interrupt_state, NULL, 0, 0);
    catch_signal();
  }
  interrupt_flag = 0;
  interrupt_insisted = 0;
  return 1;
}

void mnemo_interrupt_defer(int change) {
  interrupt_deferred += change;
  // Nobody took it while it waited: Lua hears of it now.
  if (!interrupt_deferred && interrupt_flag) set_hook();
}
