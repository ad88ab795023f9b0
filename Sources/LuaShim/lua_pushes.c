// Pushes and stores that need memory, which Lua may not have: its error must not jump over the
// Swift frames that asked, so it is caught here and told as a status.
#include "lua_protect.h"

#include <stdio.h>

static _Thread_local int protecting;
static _Thread_local char failure[200];

int mnemo_isprotecting(void) { return protecting; }

int mnemo_protect(lua_State *L, lua_CFunction function, int arguments, int results) {
  lua_pushcfunction(L, function);
  lua_insert(L, -arguments - 1);
  return mnemo_protected(L, arguments, results);
}

int mnemo_protected(lua_State *L, int arguments, int results) {
  protecting++;
  int status = lua_pcall(L, arguments, results, 0);
  protecting--;
  return status;
}

int mnemo_failed(lua_State *L, int status, int value) {
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "unknown error";
  snprintf(failure, sizeof failure, "%s", text);
  lua_pop(L, 1);
  if (value) lua_pushnil(L);
  return status;
}

const char *mnemo_failure(void) { return failure; }

typedef struct {
  const char *bytes;
  size_t length;
} text;

static int push_string(lua_State *L) {
  const text *given = lua_touserdata(L, 1);
  lua_pushlstring(L, given->bytes, given->length);
  return 1;
}

int mnemo_pushstring(lua_State *L, const char *bytes, size_t length) {
  text given = {bytes == NULL ? "" : bytes, length};
  lua_pushlightuserdata(L, &given);
  int status = mnemo_protect(L, push_string, 1, 1);
  return status == LUA_OK ? status : mnemo_failed(L, status, 1);
}

static int create_table(lua_State *L) {
  lua_createtable(L, (int)lua_tointeger(L, 1), (int)lua_tointeger(L, 2));
  return 1;
}

int mnemo_createtable(lua_State *L, int elements, int fields) {
  lua_pushinteger(L, elements);
  lua_pushinteger(L, fields);
  int status = mnemo_protect(L, create_table, 2, 1);
  return status == LUA_OK ? status : mnemo_failed(L, status, 1);
}

static int raw_set(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_rawset(L, 1);
  return 0;
}

int mnemo_rawset(lua_State *L, int index) {
  lua_pushvalue(L, index);
  lua_insert(L, -3);
  int status = mnemo_protect(L, raw_set, 3, 0);
  return status == LUA_OK ? status : mnemo_failed(L, status, 0);
}

static int make_reference(lua_State *L) {
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

int mnemo_ref(lua_State *L, int *reference) {
  int status = mnemo_protect(L, make_reference, 1, 1);
  *reference = LUA_NOREF;
  if (status != LUA_OK) return mnemo_failed(L, status, 0);
  *reference = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return LUA_OK;
}

// The entries of a table.

// The number of entries, and in `list`, if there is one, at most `most` of them. Nothing here
// needs memory, so no finalizer runs that could change the table.
static lua_Integer copy_entries(lua_State *L, int table, int list, lua_Integer most) {
  lua_Integer count = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    count++;
    if (list == 0 || count > most) {
      lua_pop(L, 1);
      continue;
    }
    lua_rawseti(L, list, 2 * count);
    lua_pushvalue(L, -1);
    lua_rawseti(L, list, 2 * count - 1);
  }
  return count;
}

static int push_entries(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  // Making room may run finalizers, and they may add to the table: then once more.
  for (int tries = 0; tries < 8; tries++) {
    lua_Integer count = copy_entries(L, 1, 0, 0);
    if (count > (1 << 28)) return luaL_error(L, "not enough memory");
    lua_createtable(L, (int)(2 * count), 0);
    if (copy_entries(L, 1, 2, count) == count) return 1;
    lua_settop(L, 1);
  }
  return luaL_error(L, "the table changes while it is read");
}

int mnemo_pushentries(lua_State *L, int index) {
  lua_pushvalue(L, index);
  int status = mnemo_protect(L, push_entries, 1, 1);
  return status == LUA_OK ? status : mnemo_failed(L, status, 1);
}

// Questions about metatables, whose names are strings to be pushed.

static int meta_field(lua_State *L) {
  const char *name = lua_touserdata(L, 2);
  if (luaL_getmetafield(L, 1, name) == LUA_TNIL) lua_pushnil(L);
  return 1;
}

// Pushes a field of the metatable of the value at `index`, or nil.
static int push_meta_field(lua_State *L, int index, const char *name) {
  lua_pushvalue(L, index);
  lua_pushlightuserdata(L, (void *)name);
  int status = mnemo_protect(L, meta_field, 2, 1);
  return status == LUA_OK ? status : mnemo_failed(L, status, 1);
}

int mnemo_hasmetafield(lua_State *L, int index, const char *name) {
  push_meta_field(L, index, name);
  int isthere = lua_type(L, -1) != LUA_TNIL;
  lua_pop(L, 1);
  return isthere;
}

const char *mnemo_pushtypename(lua_State *L, int index) {
  int type = lua_type(L, index);
  push_meta_field(L, index, "__name");
  if (lua_type(L, -1) == LUA_TSTRING) return lua_tostring(L, -1);
  return type == LUA_TLIGHTUSERDATA ? "light userdata" : lua_typename(L, type);
}

int mnemo_iscallable(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TFUNCTION || mnemo_hasmetafield(L, index, "__call");
}
