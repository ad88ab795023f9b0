#include "backend_entries.h"

#include <string.h>

#define ENTRY(name) {#name, offsetof(struct mnemo_backend, name)}

static const struct {
  const char *name;
  size_t offset;
} entries[] = {
  ENTRY(name),
  ENTRY(start),
  ENTRY(upload),
  ENTRY(download),
  ENTRY(copy),
  ENTRY(fill),
  ENTRY(widen),
  ENTRY(narrow),
  ENTRY(unary),
  ENTRY(unary_slope),
  ENTRY(binary),
  ENTRY(choose),
  ENTRY(total),
  ENTRY(reduce),
  ENTRY(places),
  ENTRY(order),
  ENTRY(product),
  ENTRY(products),
  ENTRY(gather_rows),
  ENTRY(add_rows),
  ENTRY(gather),
  ENTRY(scatter_add),
  ENTRY(softmax),
  ENTRY(softmax_slope),
  ENTRY(log_sum_exp),
  ENTRY(cross_entropy),
  ENTRY(cross_entropy_slope),
  ENTRY(layer_norm),
  ENTRY(layer_norm_slope),
  ENTRY(rotate),
  ENTRY(attention_keeps),
  ENTRY(attention),
  ENTRY(attention_slope),
  ENTRY(embedding_attention_keeps),
  ENTRY(embedding_attention),
  ENTRY(embedding_attention_slope),
  ENTRY(token_attention),
  ENTRY(token_attention_slope),
  ENTRY(feed_forward),
  ENTRY(feed_forward_slope),
  ENTRY(linear_cross_entropy),
  ENTRY(add),
  ENTRY(adamw),
  ENTRY(sgd),
};
enum { entry_count = sizeof entries / sizeof *entries };

// An entry that is not listed above does not compile: from `start` on there is nothing but entries.
_Static_assert(
  sizeof(struct mnemo_backend) ==
    offsetof(struct mnemo_backend, start) + (entry_count - 1) * sizeof(void *),
  "every entry of the table is checked");

const char *mnemo_backend_missing(const struct mnemo_backend *backend) {
  for (size_t i = 0; i < entry_count; i++) {
    const void *entry;
    memcpy(&entry, (const char *)backend + entries[i].offset, sizeof entry);
    if (!entry) return entries[i].name;
  }
  return NULL;
}
