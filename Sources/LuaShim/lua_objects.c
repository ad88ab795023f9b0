// Userdata that hold Swift objects.
#include "lua_protect.h"

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

// Without an object: Swift keeps it if anything fails, be it a hook of the program's that raises an
// error when this returns.
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
  return 1;
}

int mnemo_pushobject(
  lua_State *L, void *object, uintptr_t type, void *declaration, int metatable,
  int isidentified) {
  object_request request = {{&magic, object, type, declaration}, metatable, isidentified};
  lua_pushcfunction(L, make_object);
  lua_pushlightuserdata(L, &request);
  int status = mnemo_protected(L, 1, 1);
  if (status != LUA_OK) return mnemo_failed(L, status, 1);
  ((mnemo_block *)lua_touserdata(L, -1))->object = object;
  return status;
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
  if (block != NULL && block->object != NULL) mnemo_release(L, block);
  return 0;
}

static int identity(lua_State *L) {
  mnemo_block *a = mnemo_toblock(L, 1), *b = mnemo_toblock(L, 2);
  lua_pushboolean(L, a != NULL && b != NULL && a->object != NULL && a->object == b->object);
  return 1;
}

void mnemo_pushrelease(lua_State *L) { lua_pushcfunction(L, release); }
void mnemo_pushidentity(lua_State *L) { lua_pushcfunction(L, identity); }
