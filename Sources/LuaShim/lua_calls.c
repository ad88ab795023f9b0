// Calls under protection, and questions about a call.
#include "lua_protect.h"

#include <stdatomic.h>
#include <string.h>

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
  } else if (mnemo_isinterrupt(L, index)) {
    // Without a call, which the next interrupt could end.
    lua_getiuservalue(L, index, 1);
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

// What steps through the loop of `ipairs`: one function of C, the same in all states.
static _Atomic(lua_CFunction) ipairs_step;

void mnemo_findipairs(lua_State *L) {
  const int top = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_GNAME) == LUA_TTABLE) {
    lua_pushliteral(L, "ipairs");
    lua_rawget(L, -2);
    // One that the program put in its place is the program's own.
    if (lua_iscfunction(L, -1)) {
      lua_newtable(L);
      lua_call(L, 1, 1);
      ipairs_step = lua_tocfunction(L, -1);
    }
  }
  lua_settop(L, top);
}

int mnemo_isipairs(lua_State *L) {
  lua_Debug ar;
  if (ipairs_step == NULL || !lua_getstack(L, 1, &ar)) return 0;
  lua_getinfo(L, "f", &ar);
  const int is_step = lua_tocfunction(L, -1) == ipairs_step;
  lua_pop(L, 1);
  return is_step;
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

lua_State *mnemo_mainthread(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main = lua_tothread(L, -1);
  lua_pop(L, 1);
  return main;
}
