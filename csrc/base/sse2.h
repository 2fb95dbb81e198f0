/* The instructions on sixteen bytes at a time that every x86-64 has. Where they can be used, NC__SSE2 is defined. */
#ifndef NC_BASE_SSE2_H
#define NC_BASE_SSE2_H

#if defined(__SSE2__) || (defined(_M_X64) && !defined(_M_ARM64EC))
#include <emmintrin.h>
#define NC__SSE2 1
#endif

#endif
