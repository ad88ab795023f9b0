// Kernels in registers of 16 numbers, of which there are 32, with masks for what is left over.
#include "sets.h"

#ifdef __x86_64__
#define SET avx512_kernels
#define SET_NAME "avx512"
#define HAS_FMA 1
#define HAS_MASKS 1
#define HAS_AVX512 1
#define TILE_ROWS 14
#define TILE_VECTORS 2
#pragma clang attribute push(                                                                      \
  __attribute__((target("avx512f,avx512cd,avx512bw,avx512dq,avx512vl,avx2,fma"))),                 \
  apply_to = function)
#include "kernels.h"
#pragma clang attribute pop
#endif
