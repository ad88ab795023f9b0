// Ctrl-C for one state of the process, and the signals that end it.
#include "lua_protect.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Written by the signal's handler and by Lua's thread, read by the engine's threads as well.
static _Atomic(lua_State *) interrupt_state;
// Whether one waits to be raised or taken, and since when.
static _Atomic int interrupt_flag;
static _Atomic long long interrupt_time;
static _Atomic int interrupt_deferred;
// How many wait for a first interrupt as long as it takes.
static _Atomic int interrupt_patient;
// How many came since counting began anew, and when the last did.
static _Atomic int interrupt_count;
static _Atomic long long interrupt_last;
// The coroutine that runs, if one does: it has a hook of its own.
static _Atomic(lua_State *) interrupt_coroutine;
static struct sigaction interrupt_previous;
static pthread_t interrupt_thread;
static sigset_t interrupt_mask;
// The signal that the process is to end with, once work is on the disk; 0 if none came.
static _Atomic int ending_signal;

static void on_signal(int signal_number);

static void catch_signal(void) {
  // What was ignored when the program started, as a shell does for jobs in the background, stays
  // so.
  if (interrupt_previous.sa_handler == SIG_IGN) return;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  // Without SA_RESTART: a read that waits for a terminal or a pipe ends, and Lua gets to raise.
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

// How long a deferred interrupt waits for those who look for it themselves.
#define PATIENCE 50000000LL
// How soon after the one before it the third interrupt, or a later one, ends the process.
#define SECOND 1000000000LL

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int mnemo_interrupt_insisted(lua_State *L) { return L == interrupt_state && interrupt_count > 1; }

// Whether whoever takes or catches it is to hear of it again.
static int is_lasting(void) { return ending_signal || interrupt_count > 1; }

int mnemo_interrupt_pending(lua_State *L) {
  return L == interrupt_state && (interrupt_flag || is_lasting());
}

int mnemo_interrupt_urgent(lua_State *L) {
  if (!mnemo_interrupt_pending(L)) return 0;
  if (interrupt_count > 1) return 1;
  // The end of the process does not wait that long.
  if (interrupt_patient && !ending_signal) return 0;
  return !(interrupt_deferred || interrupt_patient) || now() - interrupt_time > PATIENCE;
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

// How many instructions of Lua a script has for its last things, until it is interrupted again, and
// from then on at each.
#define LAST_THINGS 1000000
static int ending_raised;

// Between two instructions, and where functions are called and return.
#define EVERYWHERE (LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT)
static void set_hook(int mask);

// Runs in Lua, between two instructions, where raising is allowed.
static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  // Swift is pushing something: the next instruction of Lua will do.
  if (mnemo_isprotecting()) return;
  const int is_wanted = mnemo_interrupt_pending(interrupt_state);
  if (is_wanted && !mnemo_interrupt_urgent(interrupt_state)) return;
  if (ending_signal && is_wanted) {
    lua_sethook(L, stop, LUA_MASKCOUNT, ending_raised ? 1 : LAST_THINGS);
    ending_raised = 1;
  } else {
    lua_sethook(L, NULL, 0, 0);
  }
  interrupt_flag = 0;
  // Whoever catches it gets the next one. What has no instructions of Lua comes to its end.
  if (interrupt_count > 1) set_hook(LUA_MASKCOUNT);
  // Somebody took it meanwhile.
  if (!is_wanted && L != interrupt_state) return;
  // An error of the main thread leaves every coroutine.
  if (L == interrupt_state) interrupt_coroutine = NULL;
  mnemo_raise_interrupt(L);
}

static void set_hook(int mask) {
  lua_State *L = interrupt_state;
  if (L != NULL) {
    // As lua.c does: lua_sethook is the one function that may be called from a signal handler.
    lua_sethook(L, stop, mask, 1);
    L = interrupt_coroutine;
    if (L != NULL) lua_sethook(L, stop, mask, 1);
  }
}

// Ends the process with a signal, on the thread that is to receive it.
static void end_with(int number) {
  signal(number, SIG_DFL);
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, number);
  pthread_sigmask(SIG_UNBLOCK, &own, NULL);
  raise(number);
}

static void on_signal(int signal_number) {
  // The kernel picks any thread. The hook has to be set while Lua's own thread stands still.
  if (!pthread_equal(pthread_self(), interrupt_thread)) {
    pthread_kill(interrupt_thread, signal_number);
    return;
  }
  const long long time = now();
  if (interrupt_count > 1 && time - interrupt_last < SECOND) end_with(signal_number);
  interrupt_count++;
  interrupt_last = time;
  if (!interrupt_flag) interrupt_time = time;
  interrupt_flag = 1;
  set_hook(EVERYWHERE);
}

// Nobody reads standard output any more.
static int is_output_gone(void) {
  struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return poll(&output, 1, 0) == 1 && output.revents & POLLERR;
}

static void on_ending(int signal_number) {
  if (!pthread_equal(pthread_self(), interrupt_thread)) {
    pthread_kill(interrupt_thread, signal_number);
    return;
  }
  // Another pipe's reader has gone: an error of whoever writes to it. Standard output's is told of
  // at each write.
  if (signal_number == SIGPIPE && (ending_signal || !is_output_gone())) return;
  if (ending_signal) {
    mnemo_end();
    return;
  }
  if (!interrupt_flag) interrupt_time = now();
  ending_signal = signal_number;
  set_hook(EVERYWHERE);
}

// A file as large as it may be is an error of whoever writes to it.
static void on_large_file(int signal_number) { (void)signal_number; }

void mnemo_hear_endings(void) {
  const int signals[] = {SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
  for (int i = 0; i < 4; i++) {
    struct sigaction action;
    sigaction(signals[i], NULL, &action);
    if (action.sa_handler == SIG_IGN) continue;
    memset(&action, 0, sizeof action);
    action.sa_handler = signals[i] == SIGXFSZ ? on_large_file : on_ending;
    sigemptyset(&action.sa_mask);
    sigaction(signals[i], &action, NULL);
  }
}

int mnemo_ending(void) { return ending_signal; }

void mnemo_end(void) {
  if (ending_signal) end_with(ending_signal);
}

// Calls the resume of the standard library, its first upvalue, and notes who runs meanwhile.
static int resume(lua_State *L) {
  lua_State *coroutine = lua_tothread(L, 1);
  lua_State *outer = interrupt_coroutine;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  if (coroutine != NULL) interrupt_coroutine = coroutine;
  if (mnemo_interrupt_insisted(interrupt_state)) set_hook(LUA_MASKCOUNT);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  interrupt_coroutine = outer;
  if (coroutine != NULL && lua_gethook(coroutine) == stop) lua_sethook(coroutine, NULL, 0, 0);
  if (mnemo_interrupt_insisted(interrupt_state)) set_hook(LUA_MASKCOUNT);
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

static int is_interrupt(lua_State *L) {
  lua_pushboolean(L, mnemo_isinterrupt(L, 1));
  return 1;
}

static int is_insisted(lua_State *L) {
  lua_pushboolean(L, mnemo_interrupt_insisted(interrupt_state));
  return 1;
}

// Makes a handler of errors that can be interrupted. An interrupt is raised by a hook, and no hook
// runs inside a hook: what handles it gets a coroutine of its own, and a second one is not handled.
// For other errors it is a tail call, so that the handler's level is what it was.
static const char interruptible[] =
  "local is_interrupt, is_insisted, create, resume = ...\n"
  "return function(handler)\n"
  "  return function(e)\n"
  "    if not is_interrupt(e) then return handler(e) end\n"
  "    if is_insisted() then return e end\n"
  "    local _, result = resume(create(handler), e)\n"
  "    return result\n"
  "  end\n"
  "end";

static int results_of(lua_State *L, int status, lua_KContext context) {
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)context;
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

// As the standard library's, with a handler that can be interrupted; one in C has an end.
static int xpcall(lua_State *L) {
  const int arguments = lua_gettop(L) - 2;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (!lua_iscfunction(L, 2)) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 2);
    lua_call(L, 1, 1);
    lua_replace(L, 2);
  }
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  return results_of(L, lua_pcallk(L, arguments, LUA_MULTRET, 2, 2, results_of), 2);
}

static int watch_handlers(lua_State *L) {
  lua_getglobal(L, "xpcall");
  if (lua_type(L, -1) != LUA_TFUNCTION || lua_tocfunction(L, -1) == xpcall) return 0;
  const size_t length = sizeof interruptible - 1;
  if (luaL_loadbufferx(L, interruptible, length, "=(mnemo)", "t") != LUA_OK) lua_error(L);
  lua_pushcfunction(L, is_interrupt);
  lua_pushcfunction(L, is_insisted);
  if (lua_getglobal(L, LUA_COLIBNAME) != LUA_TTABLE) return 0;
  lua_getfield(L, -1, "create");
  lua_getfield(L, -2, "resume");
  lua_remove(L, -3);
  lua_call(L, 4, 1);
  lua_pushcclosure(L, xpcall, 1);
  lua_setglobal(L, "xpcall");
  return 0;
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

void mnemo_interrupt_watch(lua_State *L) {
  const lua_CFunction watches[] = {watch_coroutines, watch_handlers};
  for (int i = 0; i < 2; i++) {
    lua_pushcfunction(L, watches[i]);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
  }
}

int mnemo_interrupt_isheard(void) { return interrupt_state != NULL; }

void mnemo_interrupt_install(lua_State *L) {
  mnemo_interrupt_uninstall(interrupt_state);
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

void mnemo_interrupt_uninstall(lua_State *L) {
  if (L == NULL || L != interrupt_state) return;
  pthread_sigmask(SIG_SETMASK, &interrupt_mask, NULL);
  sigaction(SIGINT, &interrupt_previous, NULL);
  interrupt_count = 0;
  interrupt_flag = 0;
  interrupt_patient = 0;
  if (lua_gethook(L) == stop) lua_sethook(L, NULL, 0, 0);
  interrupt_state = NULL;
}

int mnemo_interrupt_take(lua_State *L) {
  if (!mnemo_interrupt_pending(L)) return 0;
  lua_sethook(L, NULL, 0, 0);
  interrupt_flag = 0;
  // One that lasts is heard once more, between two instructions.
  if (is_lasting()) set_hook(EVERYWHERE);
  return 1;
}

void mnemo_interrupt_count_anew(lua_State *L) {
  if (L != interrupt_state) return;
  // No interrupt may come in between.
  sigset_t interrupt, mask;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_BLOCK, &interrupt, &mask);
  interrupt_count = interrupt_flag;
  interrupt_coroutine = NULL;
  // A coroutine that nobody ran to its end may have left one.
  interrupt_patient = 0;
  if (!mnemo_interrupt_pending(L)) lua_sethook(L, NULL, 0, 0);
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

void mnemo_interrupt_defer(lua_State *L, int change) {
  if (L != interrupt_state) return;
  interrupt_deferred += change;
  // Nobody took it while it waited: Lua hears of it now.
  if (!interrupt_deferred && mnemo_interrupt_pending(L)) set_hook(EVERYWHERE);
}

void mnemo_interrupt_wait(lua_State *L, int change) {
  if (L != interrupt_state) return;
  // It is 0 again where counting began anew meanwhile.
  interrupt_patient = interrupt_patient + change > 0 ? interrupt_patient + change : 0;
  if (!interrupt_patient && mnemo_interrupt_pending(L)) set_hook(EVERYWHERE);
}

int mnemo_interrupt_number(lua_State *L) { return L == interrupt_state ? interrupt_count : 0; }
