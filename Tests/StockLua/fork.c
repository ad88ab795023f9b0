// A program that embeds Lua, has used the engine's threads, and forks: parent and child both go on.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(lua_State *L, const char *text) {
  if (luaL_dostring(L, text)) {
    fprintf(stderr, "fork: %s\n", lua_tostring(L, -1));
    exit(1);
  }
}

static const char work[] =
  "local mnemo = require 'mnemo'\n"
  "mnemo.threads(4)\n"
  "local task = mnemo.data.bigram { seq_len = 16, seed = 1 }\n"
  "local model = mnemo.model.simplified { vocab = 65, dim = 16, max_len = 16, seed = 1 }\n"
  "local run = mnemo.train { model = model, data = task, steps = 20, batch_size = 64,\n"
  "  optimizer = mnemo.optim.sgd { lr = 0.1 }, progress = false }\n"
  "local x = mnemo.randn(300, 300, { seed = 1 })\n"
  "local result = run.history[#run.history].loss .. ' ' .. x:matmul(x):sum():item()\n"
  "assert(result == (before or result), result)\n"
  "before = result";

int main(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  run(L, work);
  for (int i = 0; i < 3; i++) {
    pid_t child = fork();
    if (child < 0) return perror("fork"), 1;
    // One that hangs is ended by its alarm.
    if (child == 0) alarm(60);
    run(L, work);
    if (child == 0) {
      // A child's child as well.
      if (i == 2) {
        pid_t grandchild = fork();
        run(L, work);
        int status;
        if (grandchild == 0) exit(0);
        if (waitpid(grandchild, &status, 0) < 0 || status != 0) exit(1);
      }
      exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) < 0 || status != 0) {
      fprintf(stderr, "fork: the child ended with status %d\n", status);
      return 1;
    }
  }
  lua_close(L);
  puts("fork: passed");
  return 0;
}
