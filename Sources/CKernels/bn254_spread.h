// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// One element of the extension of degree twelve of BN254 over the lanes: with w^6 = 9 + u, lane k
// from 0 to 5 holds the factor of w^k. What is in the other two lanes says nothing.

#ifndef RECOUNT_BN254_SPREAD_H
#define RECOUNT_BN254_SPREAD_H

#include "bn254_pairs.h"

#if defined(__x86_64__)

typedef struct {
    uint64_t lane[8];
} __attribute__((aligned(64))) Order;

INLINE Lanes order(const Order *from) { return _mm512_load_si512(from); }

// Lane i of the result is lane `from[i]` of x, or of y from 8 on.
INLINE Element picked(Element x, Element y, const Order *from) {
    UNROLL for (int i = 0; i < 5; i++)
        x.limb[i] = _mm512_permutex2var_epi64(x.limb[i], order(from), y.limb[i]);
    return x;
}

INLINE Pair pairPicked(Pair x, Pair y, const Order *from) {
    return (Pair){picked(x.a, y.a, from), picked(x.b, y.b, from)};
}

INLINE Factor factorPicked(const Factor *x, const Factor *y, const Order *from) {
    return (Factor){
        picked(x->a, y->a, from), picked(x->b, y->b, from), picked(x->sum, y->sum, from)};
}

// Reads an element as Swift has it: the factors of 1, w^2, w^4, w, w^3, w^5. Below 1.1 p.
INLINE Pair spreadEntered(const uint64_t *numbers) {
    Lanes index = _mm512_set_epi64(0, 0, 40, 16, 32, 8, 24, 0);
    return (Pair){entered(numbers, index), entered(numbers + 4, index)};
}

INLINE void spreadLeft(uint64_t *numbers, Pair x) {
    Lanes index = _mm512_set_epi64(0, 0, 40, 16, 32, 8, 24, 0);
    left(numbers, index, 0x3f, x.a);
    left(numbers + 4, index, 0x3f, x.b);
}

// x with the sign of odd powers of w changed, which is the power of p^6, for up to k p.
INLINE Pair spreadConjugate(Pair x, int k) { return pairBlended(0x2a, x, pairNegated(x, k)); }

// Lane k of x w^j, from x and, from 8 on, (9 + u) x.
extern const Order recount_bn254_turns[6];

// x times the sum of y[j] w^j, for `count` numbers j, each y the same in all lanes: for factors up
// to 3.2 p up to 2.8 p.
INLINE Pair spreadSum(Pair x, const Factor *y, const int *powers, int count) {
    Factor left = factor(x), more = factor(turned(x));
    Factor lefts[6];
    const Factor *x_[6], *y_[6];
    UNROLL for (int i = 0; i < count; i++) {
        lefts[i] = factorPicked(&left, &more, &recount_bn254_turns[powers[i]]);
        x_[i] = &lefts[i];
        y_[i] = &y[i];
    }
    return sumOf(x_, y_, count, 1);
}

#endif
#endif
