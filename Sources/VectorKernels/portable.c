// Kernels in whatever registers the compiler may take for granted: those of 4 numbers on every
// x86-64 and, with multiplication and addition in one, on every 64-bit ARM.
#include "sets.h"

#define SET portable_kernels
#define SET_NAME "portable"
#ifdef __aarch64__
#define HAS_FMA 1
#define TILE_ROWS 6
#else
#define HAS_FMA 0
#define TILE_ROWS 3
#endif
#define HAS_MASKS 0
#define HAS_AVX512 0
#define TILE_VECTORS 1
#include "kernels.h"
