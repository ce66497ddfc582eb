// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Eight lanes of sixty-four bits, each of another signature: AVX-512 with its products of integers
// of fifty-two bits (IFMA). For the kernels alone.

#ifndef RECOUNT_LANES_H
#define RECOUNT_LANES_H

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES_TARGET \
    __attribute__((target("avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")))
#define LANES LANES_TARGET static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef __m512i Lanes;

LANES Lanes every(uint64_t value) { return _mm512_set1_epi64((long long)value); }
LANES Lanes zeroes(void) { return _mm512_setzero_si512(); }
LANES Lanes sum(Lanes one, Lanes other) { return _mm512_add_epi64(one, other); }
LANES Lanes difference(Lanes one, Lanes other) { return _mm512_sub_epi64(one, other); }
LANES Lanes both(Lanes one, Lanes other) { return _mm512_and_si512(one, other); }
LANES Lanes either(Lanes one, Lanes other) { return _mm512_or_si512(one, other); }

/// `to` and the low or high fifty-two bits of the product of the low fifty-two bits of two factors.
LANES Lanes addLow(Lanes to, Lanes one, Lanes other) {
    return _mm512_madd52lo_epu64(to, one, other);
}
LANES Lanes addHigh(Lanes to, Lanes one, Lanes other) {
    return _mm512_madd52hi_epu64(to, one, other);
}

/// Rows become columns: lane `i` of row `j` goes to lane `j` of row `i`.
LANES void transpose(Lanes rows[8]) {
    Lanes pairs[8], fours[8];
    UNROLLED for (int row = 0; row < 8; row += 2) {
        pairs[row] = _mm512_unpacklo_epi64(rows[row], rows[row + 1]);
        pairs[row + 1] = _mm512_unpackhi_epi64(rows[row], rows[row + 1]);
    }
    UNROLLED for (int half = 0; half < 8; half += 4) {
        UNROLLED for (int odd = 0; odd < 2; odd++) {
            Lanes one = pairs[half + odd], other = pairs[half + 2 + odd];
            fours[half + odd] = _mm512_shuffle_i64x2(one, other, 0x88);
            fours[half + 2 + odd] = _mm512_shuffle_i64x2(one, other, 0xdd);
        }
    }
    UNROLLED for (int row = 0; row < 4; row++) {
        rows[row] = _mm512_shuffle_i64x2(fours[row], fours[4 + row], 0x88);
        rows[4 + row] = _mm512_shuffle_i64x2(fours[row], fours[4 + row], 0xdd);
    }
}

#endif
#endif
