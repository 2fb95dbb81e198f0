/* Bit counting that every compiler has, under one name. */
#ifndef NC_BASE_BITS_H
#define NC_BASE_BITS_H

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/* The position of the lowest set bit of `bits`, which is not 0. */
static inline unsigned nc__lowest_bit(uint64_t bits) {
#if defined(__GNUC__) || defined(__clang__)
    return (unsigned)__builtin_ctzll(bits);
#elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_ARM64))
    unsigned long position;
    _BitScanForward64(&position, bits);
    return (unsigned)position;
#else
    unsigned position = 0;
    for (; (bits & 1) == 0; bits >>= 1) position++;
    return position;
#endif
}

#endif
