// What mnemo asks of a backend's table before it calls any of it.
#ifndef MNEMO_BACKEND_ENTRIES_H
#define MNEMO_BACKEND_ENTRIES_H

#include "mnemo_backend.h"

/// The name of the first entry that is NULL; NULL if there is none. The table has to be of this
/// version and size.
const char *MNEMO_NULLABLE mnemo_backend_missing(
  const struct mnemo_backend *MNEMO_NONNULL backend);

#endif
