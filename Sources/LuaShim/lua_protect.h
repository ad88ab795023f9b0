// What the files of this target share.
#ifndef MNEMO_LUA_PROTECT_H
#define MNEMO_LUA_PROTECT_H

#include "lua_shim.h"

/// Calls a C function of ours with what lies on top of the stack, as lua_pcall; on an error the
/// error value takes its place. No interrupt is raised meanwhile.
int mnemo_protect(lua_State *L, lua_CFunction function, int arguments, int results);

/// The same for a function that lies below its arguments already.
int mnemo_protected(lua_State *L, int arguments, int results);

/// Pops an error value and keeps its words for `mnemo_failure`; pushes nil if a value is expected.
/// Returns the status.
int mnemo_failed(lua_State *L, int status, int value);

/// Lets Swift release the object of a block.
void mnemo_release(lua_State *L, mnemo_block *block);

/// Whether a call under `mnemo_protect` is going on, in which no interrupt is raised.
int mnemo_isprotecting(void);

#endif
