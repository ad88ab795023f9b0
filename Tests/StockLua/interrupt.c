// A program that embeds Lua: Ctrl-C ends training after its step, and is the program's own before
// and after.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t own;

static void on_interrupt(int number) {
  (void)number;
  own++;
}

static void *interrupt(void *unused) {
  (void)unused;
  usleep(500000);
  kill(getpid(), SIGINT);
  return NULL;
}

static const char work[] =
  "local mnemo = require 'mnemo'\n"
  "local task = mnemo.data.bigram { seq_len = 16, seed = 1 }\n"
  "local model = mnemo.model.simplified { vocab = 65, dim = 16, max_len = 16, seed = 1 }\n"
  "local run = mnemo.train { model = model, data = task, steps = 1000000000, batch_size = 4,\n"
  "  optimizer = mnemo.optim.sgd { lr = 0.1 }, progress = false }\n"
  "assert(run.status == 'interrupted' and run.step > 0, run.status)\n"
  "assert(run:resume(2).status == 'finished')";

int main(void) {
  // One that hangs is ended by its alarm.
  alarm(60);
  signal(SIGINT, on_interrupt);
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  pthread_t thread;
  if (pthread_create(&thread, NULL, interrupt, NULL)) return 1;
  if (luaL_dostring(L, work)) {
    fprintf(stderr, "interrupt: %s\n", lua_tostring(L, -1));
    return 1;
  }
  pthread_join(thread, NULL);
  kill(getpid(), SIGINT);
  if (own != 1) {
    fprintf(stderr, "interrupt: the program heard %d of its own\n", (int)own);
    return 1;
  }
  lua_close(L);
  puts("interrupt: passed");
  return 0;
}
