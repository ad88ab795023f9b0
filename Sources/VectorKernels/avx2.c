// Kernels in registers of 8 numbers, of which there are 16.
#include "sets.h"

#ifdef __x86_64__
#define SET avx2_kernels
#define SET_NAME "avx2"
#define HAS_FMA 1
#define HAS_MASKS 1
#define HAS_AVX512 0
#define TILE_ROWS 6
#define TILE_VECTORS 1
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "kernels.h"
#pragma clang attribute pop
#endif
