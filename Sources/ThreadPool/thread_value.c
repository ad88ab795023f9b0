#include "thread_value.h"

static _Thread_local void *own;

void *thread_value(void) { return own; }

void *thread_value_exchange(void *value) {
  void *outer = own;
  own = value;
  return outer;
}
