// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"
#include "bn254_lanes.h"

#include <stdlib.h>

#if defined(__x86_64__)

// The digits of (p - 3) / 4, four bits each, the highest first.
static const uint8_t exponent[63] = {
    12, 1, 9, 1, 3, 9, 12, 11, 8, 4, 12, 6, 8, 0, 10, 6, 14, 1, 4, 1, 1,
    6, 13, 10, 0, 6, 0, 5, 6, 1, 7, 6, 5, 14, 0, 5, 10, 10, 4, 5, 10, 1,
    12, 7, 2, 10, 3, 4, 15, 0, 8, 2, 3, 0, 5, 11, 6, 1, 15, 3, 15, 5, 1};

// The power of `sides` elements at once, so that the products of one run while those of another
// wait.
INLINE void raise(Element *x, int sides) {
    Element powers[16][2], result[2];
    UNROLL for (int side = 0; side < sides; side++) {
        powers[0][side] = constant(recount_bn254_one);
        powers[1][side] = x[side];
    }
    for (int i = 2; i < 16; i++)
        UNROLL for (int side = 0; side < sides; side++)
            powers[i][side] = times(powers[i - 1][side], x[side]);
    UNROLL for (int side = 0; side < sides; side++) result[side] = powers[exponent[0]][side];
    for (int i = 1; i < 63; i++) {
        for (int bit = 0; bit < 4; bit++)
            UNROLL for (int side = 0; side < sides; side++) result[side] = squared(result[side]);
        if (exponent[i] == 0) continue;
        UNROLL for (int side = 0; side < sides; side++)
            result[side] = times(result[side], powers[exponent[i]][side]);
    }
    UNROLL for (int side = 0; side < sides; side++) x[side] = result[side];
}

LANES static void raiseOne(Element *x) { raise(x, 1); }

LANES static void raiseTwo(Element *x) { raise(x, 2); }

LANES void recount_bn254_progenitors(uint64_t *numbers, size_t count) {
    for (size_t start = 0; start < count; start += 16) {
        size_t first = count - start;
        Lanes index = indices(start, first, 4);
        Element x[2] = {entered(numbers, index), zero()};
        if (first > 8) {
            Lanes other = indices(start + 8, first - 8, 4);
            x[1] = entered(numbers, other);
            raiseTwo(x);
            left(numbers, other, used(first - 8), x[1]);
        } else {
            raiseOne(x);
        }
        left(numbers, index, used(first), x[0]);
    }
}

#else

void recount_bn254_progenitors(uint64_t *numbers, size_t count) {
    (void)numbers, (void)count;
    abort();
}

#endif
