// The way into the library that lua5.4 loads: see lua_entry.c.
#ifndef MNEMO_LUA_ENTRY_H
#define MNEMO_LUA_ENTRY_H

#include <lua.h>

/// What `require "mnemo"` calls: returns the module, or raises why there is none.
int luaopen_mnemo(lua_State *L);

/// The Swift side (MnemoLibrary): pushes the module and returns 1, or pushes a message and
/// returns -1. `path` is the library's own.
int mnemo_library_open(lua_State *L, const char *path);

#endif
