// Two states in one process, as a program that embeds Lua makes them: each has its module, one
// may close while the other goes on, and others may come after both. Nothing that a closed state
// held stays in memory.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  return L;
}

static void run(lua_State *L, const char *text) {
  if (luaL_dostring(L, text)) {
    fprintf(stderr, "two_states: %s\n", lua_tostring(L, -1));
    exit(1);
  }
}

int main(void) {
  lua_State *a = open_state(), *b = open_state();
  run(a, "mnemo = require 'mnemo'; mnemo.seed(1); x = mnemo.randn(4)");
  run(b, "mnemo = require 'mnemo'; mnemo.seed(1); x = mnemo.randn(4)");
  // The seed is each module's own: drawing in one does not move the other.
  run(a, "y = mnemo.randn(4):totable()[1]; sum = x:sum():item()");
  run(b, "assert(mnemo.randn(4):totable()[1] ~= x:totable()[1])");
  run(a, "f = function() return mnemo.no_grad(function() return x + 1 end) end; f()");
  run(b, "thread = coroutine.wrap(function() while true do coroutine.yield(x:sum()) end end)");
  run(b, "assert(thread():item() == x:sum():item())");
  lua_close(a);
  run(b, "collectgarbage(); assert(thread():item() == x:sum():item())");
  run(b, "local ok, message = pcall(mnemo.zeros, -1); assert(not ok and message)");
  lua_close(b);
  for (int i = 0; i < 20; i++) {
    lua_State *c = open_state();
    // The state opens its module in a coroutine and closes with tensors, a run and a finalizer.
    run(c,
        "mnemo = coroutine.wrap(function() return require 'mnemo' end)()\n"
        "local task = mnemo.data.bigram { seq_len = 8, seed = 1 }\n"
        "model = mnemo.model.simplified { vocab = 65, dim = 8, max_len = 8, seed = 1 }\n"
        "finished = mnemo.train { model = model, data = task, steps = 2, batch_size = 2,\n"
        "  optimizer = mnemo.optim.sgd { lr = 0.1 }, progress = false,\n"
        "  probes = { norm = function(c) return c.model:get('output.weight'):norm():item() end } }\n"
        "big = mnemo.zeros(1000, 1000)\n"
        "setmetatable({}, { __gc = function() big:sum() end })");
    lua_close(c);
  }
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  long peak = 0;
  while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld kB", &peak);
  // One big tensor is 4 MB: twenty that were kept would be 80.
  if (peak > 120 * 1024) {
    fprintf(stderr, "two_states: %ld kB in use; closed states keep their tensors\n", peak);
    return 1;
  }
  puts("two_states: passed");
  return 0;
}
