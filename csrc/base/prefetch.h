/* A hint that memory will be read soon, under one name; nothing where the compiler has no such thing. */
#ifndef NC_BASE_PREFETCH_H
#define NC_BASE_PREFETCH_H

#if defined(_MSC_VER) && !defined(__clang__) && defined(_M_X64)
#include <xmmintrin.h>
#endif

static inline void nc__prefetch(const void *at) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(at);
#elif defined(_MSC_VER) && defined(_M_X64)
    _mm_prefetch((const char *)at, _MM_HINT_T0);
#else
    (void)at;
#endif
}

#endif
