// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Integers modulo p = 2^255 - 19 in eight lanes, limbs of fifty-one bits. For the kernels alone.
//
// A value is *carried* when every limb is below 2^52, which is what products take: the entries of
// tables are, and what `carried` gives, below 2^51 + 2^17. It is *loose* when a limb may be more.
// Products are below 2^60.1, and with 2^10 p in them below 2^61.6. Two of these added up are what
// `carried` takes at most: below 2^63.

#ifndef RECOUNT_FIELD25519_H
#define RECOUNT_FIELD25519_H

#include "lanes.h"

#if defined(__x86_64__)

#define LIMB_BITS 51
#define LIMB_MASK ((1ULL << LIMB_BITS) - 1)

typedef struct {
    Lanes limb[5];
} Field;

LANES Field fieldOf(uint64_t value) {
    Field result = {{every(value), zeroes(), zeroes(), zeroes(), zeroes()}};
    return result;
}

// Limb by limb.
LANES Field plus(Field one, Field other) {
    UNROLLED for (int place = 0; place < 5; place++)
        one.limb[place] = sum(one.limb[place], other.limb[place]);
    return one;
}

// Of limbs none of which is above that of `one`.
LANES Field less(Field one, Field other) {
    UNROLLED for (int place = 0; place < 5; place++)
        one.limb[place] = difference(one.limb[place], other.limb[place]);
    return one;
}

// 2^bits times p, limb by limb.
LANES Field modulus(int bits) {
    Lanes low = every((LIMB_MASK - 18) << bits), high = every(LIMB_MASK << bits);
    Field result = {{low, high, high, high, high}};
    return result;
}

// The same value with limbs below 2^51 + 2^17, of one with limbs below 2^63.
LANES Field carried(Field value) {
    Field result;
    UNROLLED for (int place = 0; place < 5; place++)
        result.limb[place] = both(value.limb[place], every(LIMB_MASK));
    UNROLLED for (int place = 0; place < 4; place++)
        result.limb[place + 1] = sum(
            result.limb[place + 1], _mm512_srli_epi64(value.limb[place], LIMB_BITS));
    result.limb[0] = addLow(
        result.limb[0], _mm512_srli_epi64(value.limb[4], LIMB_BITS), every(19));
    return result;
}

// From the sums of products by their places, of fifty-one bits each: 2^255 is 19.
LANES Field folded(const Lanes sums[10]) {
    Field result;
    UNROLLED for (int place = 0; place < 5; place++)
        result.limb[place] = sum(
            sums[place], _mm512_mullo_epi64(sums[place + 5], every(19)));
    return result;
}

// Twice `half` and the product of carried values; loose. The high halves of the products of limbs
// stand at 2^52 and so count twice.
//
// With factors below 2^52 the largest sum, that of the sixth place, is below (5 * 2 + 4) * 2^52;
// the first limb, which gets 19 of it, is below 267 * 2^52, and so below 2^60.1.
LANES Field timesOver(Field half, Field one, Field other) {
    Lanes sums[10];
    UNROLLED for (int place = 0; place < 5; place++) sums[place] = half.limb[place];
    UNROLLED for (int place = 5; place < 10; place++) sums[place] = zeroes();
    UNROLLED for (int left = 0; left < 5; left++)
        UNROLLED for (int right = 0; right < 5; right++)
            sums[left + right + 1] = addHigh(
                sums[left + right + 1], one.limb[left], other.limb[right]);
    UNROLLED for (int place = 0; place < 10; place++) sums[place] = sum(sums[place], sums[place]);
    UNROLLED for (int left = 0; left < 5; left++)
        UNROLLED for (int right = 0; right < 5; right++)
            sums[left + right] = addLow(sums[left + right], one.limb[left], other.limb[right]);
    return folded(sums);
}

LANES Field times(Field one, Field other) { return timesOver(fieldOf(0), one, other); }

LANES_TARGET static Field product(Field one, Field other) { return carried(times(one, other)); }

// Squared `count` times: low halves of products beside high ones, since each square waits for the
// one before.
LANES_TARGET static Field squared(Field value, int count) {
    while (count-- > 0) {
        Lanes low[10], high[10];
        UNROLLED for (int place = 0; place < 10; place++) low[place] = high[place] = zeroes();
        UNROLLED for (int left = 0; left < 5; left++) {
            UNROLLED for (int right = left + 1; right < 5; right++) {
                int place = left + right;
                low[place] = addLow(low[place], value.limb[left], value.limb[right]);
                high[place + 1] = addHigh(high[place + 1], value.limb[left], value.limb[right]);
            }
        }
        UNROLLED for (int place = 1; place < 9; place++) {
            low[place] = sum(low[place], low[place]);
            high[place] = sum(high[place], high[place]);
        }
        UNROLLED for (int left = 0; left < 5; left++) {
            low[2 * left] = addLow(low[2 * left], value.limb[left], value.limb[left]);
            high[2 * left + 1] = addHigh(high[2 * left + 1], value.limb[left], value.limb[left]);
        }
        UNROLLED for (int place = 0; place < 10; place++)
            low[place] = sum(low[place], sum(high[place], high[place]));
        value = carried(folded(low));
    }
    return value;
}

// To the power p - 2 = 2^255 - 21; zero for zero.
LANES_TARGET static Field inverse(Field value) {
    Field second = squared(value, 1);
    Field ninth = product(squared(second, 2), value);
    Field eleventh = product(ninth, second);
    Field ones5 = product(squared(eleventh, 1), ninth);
    Field ones10 = product(squared(ones5, 5), ones5);
    Field ones20 = product(squared(ones10, 10), ones10);
    Field ones40 = product(squared(ones20, 20), ones20);
    Field ones50 = product(squared(ones40, 10), ones10);
    Field ones100 = product(squared(ones50, 50), ones50);
    Field ones200 = product(squared(ones100, 100), ones100);
    Field ones250 = product(squared(ones200, 50), ones50);
    return product(squared(ones250, 5), eleventh);
}

// Adds `into` to the first limb, and moves what is above fifty-one bits to the next, to the last.
LANES Field rippled(Field value, Lanes into) {
    value.limb[0] = sum(value.limb[0], into);
    UNROLLED for (int place = 0; place < 4; place++) {
        value.limb[place + 1] = sum(
            value.limb[place + 1], _mm512_srli_epi64(value.limb[place], LIMB_BITS));
        value.limb[place] = both(value.limb[place], every(LIMB_MASK));
    }
    return value;
}

// The least representative, as four words, least significant first; the value must be carried.
LANES void canonical(Field value, Lanes words[4]) {
    Lanes above = _mm512_srli_epi64(value.limb[4], LIMB_BITS);
    value.limb[4] = both(value.limb[4], every(LIMB_MASK));
    // Now below 2^255 + 2^206: less than 2p. Whether p is in there is seen by adding 19.
    value = rippled(value, addLow(zeroes(), above, every(19)));
    above = _mm512_srli_epi64(rippled(value, every(19)).limb[4], LIMB_BITS);
    value = rippled(value, addLow(zeroes(), above, every(19)));
    value.limb[4] = both(value.limb[4], every(LIMB_MASK));
    UNROLLED for (int word = 0; word < 4; word++)
        words[word] = either(
            _mm512_srli_epi64(value.limb[word], 13 * word),
            _mm512_slli_epi64(value.limb[word + 1], LIMB_BITS - 13 * word));
}

#endif
#endif
