// The memory of a state, and its collector.
#include "lua_protect.h"

#include <stdlib.h>
#include <sys/mman.h>

// What Lua leaves for Swift, whose own small allocations cannot fail without ending the process.
#define BALLAST (1 << 20)

typedef struct {
  void *block;
} ballast;

// Gives the ballast back when there is no more memory, and takes nothing before it is there again.
static void *allocate(void *data, void *block, size_t old_size, size_t size) {
  ballast *held = data;
  if (size == 0) {
    free(block);
    return NULL;
  }
  int grows = block == NULL || size > old_size;
  if (grows && held->block == NULL) {
    held->block = malloc(BALLAST);
    if (held->block == NULL) return NULL;
  }
  void *result = realloc(block, size);
  if (result == NULL && grows) {
    free(held->block);
    held->block = NULL;
  }
  return result;
}

static int open_libraries(lua_State *L) {
  luaL_openlibs(L);
  return 0;
}

lua_State *mnemo_open(void) {
  lua_State *L = luaL_newstate();
  ballast *held = calloc(1, sizeof *held);
  if (L == NULL || held == NULL || mnemo_protect(L, open_libraries, 0, 0) != LUA_OK) {
    if (L != NULL) lua_close(L);
    free(held);
    return NULL;
  }
  lua_setallocf(L, allocate, held);
  return L;
}

void mnemo_close(lua_State *L) {
  void *data = NULL;
  lua_getallocf(L, &data);
  ballast *held = data;
  lua_close(L);
  free(held->block);
  free(held);
}

int mnemo_hasmemory(size_t bytes) {
  // The kernel first: malloc would join all its free blocks to look for so large a one, and the
  // small ones that come next would have to be cut anew.
  void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages != MAP_FAILED) {
    munmap(pages, bytes);
    return 1;
  }
  void *block = malloc(bytes);
  // Written to, lest the compiler leave both calls out.
  if (block != NULL) *(volatile char *)block = 0;
  free(block);
  return block != NULL;
}

int mnemo_collect(lua_State *L) { return lua_gc(L, LUA_GCCOLLECT); }

size_t mnemo_usage(lua_State *L) {
  return (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB);
}
