// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Integers modulo l, the order of the group of Ed25519, in eight lanes, limbs of fifty-two bits.
// For the kernels alone.

#ifndef RECOUNT_SCALAR25519_H
#define RECOUNT_SCALAR25519_H

#include "lanes.h"
#include "sha512.h"

#if defined(__x86_64__)

#define SCALAR_BITS 52
#define SCALAR_MASK ((1ULL << SCALAR_BITS) - 1)

// l = 2^252 + 27742317777372353535851937790883648493.
static const uint64_t order[5] = {
    0x2631a5cf5d3ed, 0xdea2f79cd6581, 0x14def9, 0, 0x100000000000};

// 2^8 (l - 2^252): 2^260 is as much less than 2^8 l.
static const uint64_t excess[3] = {0x31a5cf5d3ed00, 0xa2f79cd658126, 0x14def9de};

// Carries limbs that may be negative; the last keeps what is above its bits.
LANES void carryScalar(Lanes *limbs, int count) {
    UNROLLED for (int place = 0; place + 1 < count; place++) {
        limbs[place + 1] = sum(limbs[place + 1], _mm512_srai_epi64(limbs[place], SCALAR_BITS));
        limbs[place] = both(limbs[place], every(SCALAR_MASK));
    }
}

// Takes away the `highs` limbs from the sixth on, and `factor`, of three limbs, times what they
// were; adds l, moved by `shift` limbs, which is more.
LANES void foldScalar(Lanes *limbs, const uint64_t factor[3], int highs, int shift) {
    Lanes products[10];
    UNROLLED for (int place = 0; place < 10; place++) products[place] = zeroes();
    UNROLLED for (int low = 0; low < 3; low++) {
        UNROLLED for (int high = 0; high < highs; high++) {
            Lanes *to = &products[low + high];
            to[0] = addLow(to[0], limbs[5 + high], every(factor[low]));
            to[1] = addHigh(to[1], limbs[5 + high], every(factor[low]));
        }
    }
    UNROLLED for (int place = 0; place < 5 + shift; place++) {
        Lanes kept = place < 5 ? limbs[place] : zeroes();
        Lanes added = place >= shift ? every(order[place - shift]) : zeroes();
        limbs[place] = difference(sum(kept, added), products[place]);
    }
    carryScalar(limbs, 5 + shift);
}

// The sixty-four bytes of a digest as one little-endian integer, modulo l: four words.
LANES_TARGET static void reduced(const Lanes hash[8], Lanes words[4]) {
    Lanes limbs[11], wide[9];
    UNROLLED for (int place = 0; place < 8; place++) wide[place] = swapped(hash[place]);
    wide[8] = zeroes();
    UNROLLED for (int place = 0; place < 10; place++) {
        int word = place * SCALAR_BITS / 64, bit = place * SCALAR_BITS % 64;
        Lanes bits = _mm512_srli_epi64(wide[word], bit);
        if (bit > 12) bits = either(bits, _mm512_slli_epi64(wide[word + 1], 64 - bit));
        limbs[place] = both(bits, every(SCALAR_MASK));
    }
    foldScalar(limbs, excess, 5, 3);  // below 2^409
    foldScalar(limbs, excess, 3, 1);  // below 2^305
    foldScalar(limbs, excess, 1, 0);  // below 2^261
    // What is above 2^252, which is as much less than l as its first three limbs say.
    limbs[5] = _mm512_srli_epi64(limbs[4], 44);
    limbs[4] = both(limbs[4], every((1ULL << 44) - 1));
    foldScalar(limbs, order, 1, 0);  // below 2l
    Lanes smaller[5];
    UNROLLED for (int place = 0; place < 5; place++)
        smaller[place] = difference(limbs[place], every(order[place]));
    carryScalar(smaller, 5);
    __mmask8 isBelow = _mm512_movepi64_mask(smaller[4]);
    UNROLLED for (int place = 0; place < 5; place++)
        limbs[place] = _mm512_mask_mov_epi64(smaller[place], isBelow, limbs[place]);
    UNROLLED for (int word = 0; word < 4; word++)
        words[word] = either(
            _mm512_srli_epi64(limbs[word], 12 * word),
            _mm512_slli_epi64(limbs[word + 1], SCALAR_BITS - 12 * word));
}

#endif
#endif
