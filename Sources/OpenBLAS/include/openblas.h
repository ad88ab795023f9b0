// The part of OpenBLAS that the engine uses, its LAPACK, loaded when it is first needed.
//
// Not linked, so that its kernels can be chosen before it looks at the processor: it knows
// processors by their model numbers, and Debian 12's (0.3.21) takes its oldest kernels, a fifth as
// fast, for every model younger than itself. The names below are called only after openblas_load
// has said that all is well.
#ifndef MNEMO_OPENBLAS_H
#define MNEMO_OPENBLAS_H

#include <stdbool.h>
#include <stddef.h>

/// Loads the library, once in a process, with the kernels for what this processor can do.
///
/// A user's own OPENBLAS_CORETYPE is left to OpenBLAS, and a library that is in the process already
/// is used as it is. It runs one thread per call from then on. May be called from any thread; a
/// later call tries again what failed.
/// @param threads How many will call it at a time: it gets its buffers for so many now, as far as
///   there is room, because it waits for ever where it finds none later.
/// @return NULL, or why it cannot be used: a sentence that lives as long as the process.
const char *openblas_load(int threads);

/// The addresses of the routines in the library; null before it is loaded.
struct openblas_routines {
  char *(*corename)(void);
  char *(*config)(void);
  void (*set_num_threads)(int count);
  void (*sgesdd)(
    const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u,
    const int *ldu, float *vt, const int *ldvt, float *work, const int *lwork, int *iwork,
    int *info, size_t jobz_length);
  void (*sgeqrf)(
    const int *m, const int *n, float *a, const int *lda, float *tau, float *work,
    const int *lwork, int *info);
  void (*sorgqr)(
    const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau,
    float *work, const int *lwork, int *info);
  void (*ssyevd)(
    const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w,
    float *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t jobz_length,
    size_t uplo_length);
  void (*sgesv)(
    const int *n, const int *nrhs, float *a, const int *lda, int *ipiv, float *b, const int *ldb,
    int *info);
  void (*sgetrf)(const int *m, const int *n, float *a, const int *lda, int *ipiv, int *info);
  void (*spotrf)(
    const char *uplo, const int *n, float *a, const int *lda, int *info, size_t uplo_length);
};
extern struct openblas_routines openblas_routines;

/// The name of the kernels in use, such as "Haswell" or "SkylakeX".
static inline const char *openblas_corename(void) { return openblas_routines.corename(); }

/// Version and options of the library, such as "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …".
static inline const char *openblas_config(void) { return openblas_routines.config(); }

// Routines of LAPACK. Everything is passed by address, matrices are stored by columns, and the
// length of each character argument follows at the end, as gfortran passes it.

/// A = U diag(S) Vᵀ by divide and conquer; the thin factors.
static inline void openblas_sgesdd(
  const int *m, const int *n, float *a, const int *lda, float *s, float *u, const int *ldu,
  float *vt, const int *ldvt, float *work, const int *lwork, int *iwork, int *info) {
  openblas_routines.sgesdd("S", m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork, info, 1);
}

/// A = Q R, Q as reflections.
static inline void openblas_sgeqrf(
  const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork,
  int *info) {
  openblas_routines.sgeqrf(m, n, a, lda, tau, work, lwork, info);
}

/// Q from the reflections.
static inline void openblas_sorgqr(
  const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau,
  float *work, const int *lwork, int *info) {
  openblas_routines.sorgqr(m, n, k, a, lda, tau, work, lwork, info);
}

/// Eigenvalues and -vectors of a symmetric matrix, whose lower half is read.
static inline void openblas_ssyevd(
  const int *n, float *a, const int *lda, float *w, float *work, const int *lwork, int *iwork,
  const int *liwork, int *info) {
  openblas_routines.ssyevd("V", "L", n, a, lda, w, work, lwork, iwork, liwork, info, 1, 1);
}

/// A X = B by Gaussian elimination.
static inline void openblas_sgesv(
  const int *n, const int *nrhs, float *a, const int *lda, int *ipiv, float *b, const int *ldb,
  int *info) {
  openblas_routines.sgesv(n, nrhs, a, lda, ipiv, b, ldb, info);
}

/// P A = L U by Gaussian elimination.
static inline void openblas_sgetrf(
  const int *m, const int *n, float *a, const int *lda, int *ipiv, int *info) {
  openblas_routines.sgetrf(m, n, a, lda, ipiv, info);
}

/// A = Uᵀ U for a positive definite matrix, whose upper half is read and overwritten.
static inline void openblas_spotrf(const int *n, float *a, const int *lda, int *info) {
  openblas_routines.spotrf("U", n, a, lda, info, 1);
}

#endif
