// Several states in one process, as a program that embeds Lua makes them: each has its module, one
// may close while the other goes on, and others may come after both. Each may have a thread of its
// own, on which it draws and trains. Nothing that a closed state held stays in memory.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
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

// One after the other, on one thread.
static void in_turn(void) {
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
}

// A number of /proc/self/status, in kB.
static long status(const char *format) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long value = 0;
  while (file && fgets(line, sizeof line, file)) sscanf(line, format, &value);
  if (file) fclose(file);
  return value;
}

static void open_and_close(void) {
  for (int i = 0; i < 300; i++) {
    lua_State *L = open_state();
    run(L, "x = require 'mnemo'.zeros(2)");
    lua_close(L);
  }
}

// What each thread does, and the loss that it comes to: the same on every thread, whatever the
// others do meanwhile.
static const char *work_text =
  "local mnemo = require 'mnemo'\n"
  "for i = 1, 400 do\n"
  "  local task = mnemo.data.bigram { seq_len = 4, seed = i }\n"
  "  for j = 1, 8 do local b = task:batch(1); local x = b.tokens[1] end\n"
  "end\n"
  "for i = 1, 10 do\n"
  "  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }\n"
  "  local model = mnemo.model.simplified { vocab = 65, dim = 16, max_len = 16, seed = 1 }\n"
  "  local run = mnemo.train { model = model, data = task, steps = 20, batch_size = 8,\n"
  "    optimizer = mnemo.optim.adamw { lr = 0.01 }, progress = false, eval_every = 5,\n"
  "    probes = { rate = function(c) return #c.batch.tokens + c.step end } }\n"
  "  local loss = run.history[#run.history].loss\n"
  "  assert(not final or final == loss, 'a run that differs from the one before')\n"
  "  final = loss\n"
  "  pcall(mnemo.zeros, -1); collectgarbage()\n"
  "end\n";

static void *work(void *result) {
  lua_State *L = open_state();
  run(L, work_text);
  lua_getglobal(L, "final");
  *(double *)result = lua_tonumber(L, -1);
  lua_close(L);
  return NULL;
}

static void side_by_side(void) {
  enum { threads = 4 };
  pthread_t thread[threads];
  double loss[threads], alone;
  work(&alone);
  for (int i = 0; i < threads; i++) pthread_create(&thread[i], NULL, work, &loss[i]);
  for (int i = 0; i < threads; i++) {
    pthread_join(thread[i], NULL);
    if (loss[i] != alone) {
      fprintf(stderr, "two_states: loss %g beside others, %g alone\n", loss[i], alone);
      exit(1);
    }
  }
}

int main(void) {
  in_turn();
  long peak = status("VmHWM: %ld kB");
  // One big tensor is 4 MB: twenty that were kept would be 80.
  if (peak > 120 * 1024) {
    fprintf(stderr, "two_states: %ld kB in use; closed states keep their tensors\n", peak);
    return 1;
  }
  open_and_close();
  long before = status("VmRSS: %ld kB");
  open_and_close();
  long kept = status("VmRSS: %ld kB") - before;
  if (kept > 300 * 8) {
    fprintf(stderr, "two_states: 300 closed states keep %ld kB\n", kept);
    return 1;
  }
  side_by_side();
  puts("two_states: passed");
  return 0;
}
