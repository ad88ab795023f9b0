// Standard output, which Lua's print and Swift's share.
#include "lua_shim.h"

#include <stdio.h>

int mnemo_write_output(void) { return fflush(stdout) == 0 && !ferror(stdout); }
