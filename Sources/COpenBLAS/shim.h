// OpenBLAS, as its pkg-config file finds it.
#include <cblas.h>
