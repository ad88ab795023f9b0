// The sets of kernels that this program has.
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vector_kernels.h"

#ifdef __x86_64__
#include <immintrin.h>
extern const struct vector_kernels avx512_kernels, avx2_kernels;
#endif
extern const struct vector_kernels portable_kernels;
