// OpenBLAS, as its pkg-config file finds it.
#include <cblas.h>
#include <stddef.h>

// The routines of LAPACK that OpenBLAS carries, by their Fortran names; Debian has no C header for
// them. Everything is passed by address, matrices are stored by columns, and the length of each
// character argument follows at the end, as gfortran passes it.

// A = U diag(S) Vᵀ by divide and conquer.
void sgesdd_(
  const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u,
  const int *ldu, float *vt, const int *ldvt, float *work, const int *lwork, int *iwork, int *info,
  size_t jobz_length);
// A = Q R, Q as reflections.
void sgeqrf_(
  const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork,
  int *info);
// Q from the reflections.
void sorgqr_(
  const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work,
  const int *lwork, int *info);
// Eigenvalues and -vectors of a symmetric matrix.
void ssyevd_(
  const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work,
  const int *lwork, int *iwork, const int *liwork, int *info, size_t jobz_length,
  size_t uplo_length);
// A X = B by Gaussian elimination.
void sgesv_(
  const int *n, const int *nrhs, float *a, const int *lda, int *ipiv, float *b, const int *ldb,
  int *info);
