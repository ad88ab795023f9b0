// Debian's Lua 5.4, as its pkg-config file finds it.
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
