#define _GNU_SOURCE
#include "lua_entry.h"

#include <dlfcn.h>
#include <lauxlib.h>

// Where a state keeps its module, so that a second `require` (after a script has cleared
// package.loaded) finds the first one and not another copy of every class.
static const char module_key;

int luaopen_mnemo(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key) == LUA_TTABLE) return 1;
  lua_pop(L, 1);
  Dl_info library;
  if (!dladdr((void *)&luaopen_mnemo, &library)) return luaL_error(L, "mnemo: no such library");
  // Lua unloads libraries when it closes. Worker threads sleep in this one, and the Swift
  // runtime knows its types, so it has to stay until the process ends.
  dlopen(library.dli_fname, RTLD_NOW | RTLD_NODELETE);
  // No Swift frame is active when lua_error jumps.
  if (mnemo_library_open(L, library.dli_fname) < 0) return lua_error(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
  return 1;
}
