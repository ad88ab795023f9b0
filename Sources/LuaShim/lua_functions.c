// Functions that enter Swift, and the anchor that says whether they still may.
#include "lua_protect.h"

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

void mnemo_release(lua_State *L, mnemo_block *block) { swift_release(L, block); }

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
    // A step of `ipairs` is C's; the loop around it is where the script is.
    luaL_where(L, mnemo_isipairs(L) ? 2 : 1);
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

// The anchor.

static int anchor_released(lua_State *L) {
  void **owner = lua_touserdata(L, 1);
  if (owner != NULL && *owner != NULL) {
    void *released = *owner;
    *owner = NULL;
    swift_closed(released);
  }
  return 0;
}

// Tells its address through its argument; still without an owner, whom Swift keeps on an error.
static int make_anchor(lua_State *L) {
  void **anchor = lua_newuserdatauv(L, sizeof(void *), 0);
  *anchor = NULL;
  mnemo_findipairs(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, anchor_released);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &anchor_key);
  *(void ***)lua_touserdata(L, 1) = anchor;
  return 0;
}

// Finalizers run in the reverse order of their creation when a state closes, so the anchor,
// made before any object, goes last. Every function of ours holds it and asks it whether there
// is still somebody to call.
int mnemo_anchor(lua_State *L, void *owner) {
  void **anchor = NULL;
  lua_pushlightuserdata(L, &anchor);
  int status = mnemo_protect(L, make_anchor, 1, 0);
  if (status != LUA_OK) return mnemo_failed(L, status, 0);
  *anchor = owner;
  return status;
}
