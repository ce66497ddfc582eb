// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The quadratic extension of the base field of BN254, eight elements at once. Bounds are those of
// both parts, in multiples of p, as in bn254_lanes.h.

#ifndef RECOUNT_BN254_PAIRS_H
#define RECOUNT_BN254_PAIRS_H

#include "bn254_lanes.h"

#if defined(__x86_64__)

#define CALLED LANES static __attribute__((noinline))

// An element a + b u with u^2 = -1.
typedef struct {
    Element a, b;
} Pair;

// The same with a + b, ready to be a factor.
typedef struct {
    Element a, b, sum;
} Factor;

INLINE Pair pairPlus(Pair x, Pair y) {
    return (Pair){plus(x.a, y.a), plus(x.b, y.b)};
}

INLINE Pair pairMinus(Pair x, Pair y, int k) {
    return (Pair){minus(x.a, y.a, k), minus(x.b, y.b, k)};
}

INLINE Pair pairNegated(Pair x, int k) { return (Pair){negated(x.a, k), negated(x.b, k)}; }

INLINE Pair pairShifted(Pair x, int bits) {
    return (Pair){shifted(x.a, bits), shifted(x.b, bits)};
}

// Below 1.4 p, for up to 42 p.
INLINE Pair pairFolded(Pair x) { return (Pair){folded(x.a), folded(x.b)}; }

INLINE Pair pairBlended(__mmask8 mask, Pair x, Pair y) {
    return (Pair){blended(mask, x.a, y.a), blended(mask, x.b, y.b)};
}

// a - b u, which is the power of p, for b up to k p.
INLINE Pair conjugate(Pair x, int k) { return (Pair){x.a, negated(x.b, k)}; }

// (9 + u) x below 1.4 p, for x up to 4 p: 9 a - b + 4 p and 9 b + a.
INLINE Pair turned(Pair x) {
    Pair result;
    UNROLL for (int i = 0; i < 5; i++) {
        Lanes a = x.a.limb[i], b = x.b.limb[i];
        Lanes nineA = _mm512_add_epi64(a, _mm512_slli_epi64(a, 3));
        Lanes nineB = _mm512_add_epi64(b, _mm512_slli_epi64(b, 3));
        Lanes four = all(recount_bn254_multiples[4][i]);
        result.a.limb[i] = _mm512_add_epi64(nineA, _mm512_sub_epi64(four, b));
        result.b.limb[i] = _mm512_add_epi64(nineB, a);
    }
    return pairFolded((Pair){carried(result.a), carried(result.b)});
}

INLINE Factor factor(Pair x) { return (Factor){x.a, x.b, plus(x.a, x.b)}; }

// The sum of `count` products of factors, with one reduction for each part.
//
// The sum of the products of the parts b has to be below k p R, and k p is added to the first
// part: for factors up to s p and t p the parts are below (count s t / 84 + 1 + k) p and
// (2 count s t / 84 + 1) p.
// Source: Karatsuba and Ofman 1962; the difference is taken before the reduction, with signs.
INLINE Pair sumOf(const Factor *const *x, const Factor *const *y, int count, int k) {
    Wide first = wide(), second = wide(), cross;
    UNROLL for (int i = 0; i < count; i++) accumulate(&first, &x[i]->a, &y[i]->a);
    UNROLL for (int i = 0; i < count; i++) accumulate(&second, &x[i]->b, &y[i]->b);
    UNROLL for (int i = 0; i < 10; i++) {
        Lanes a = first.column[i], b = second.column[i];
        cross.column[i] = _mm512_sub_epi64(_mm512_setzero_si512(), _mm512_add_epi64(a, b));
        first.column[i] = _mm512_sub_epi64(a, b);
        if (i >= 5)
            first.column[i] =
                _mm512_add_epi64(first.column[i], all(recount_bn254_multiples[k][i - 5]));
    }
    Pair result;
    result.a = reduced(first);
    UNROLL for (int i = 0; i < count; i++) accumulate(&cross, &x[i]->sum, &y[i]->sum);
    result.b = reduced(cross);
    return result;
}

// The product, below 2.5 p for factors up to 6 p.
CALLED void product(Pair *result, const Pair *x, const Pair *y) {
    Factor left = factor(*x), right = factor(*y);
    const Factor *lefts[] = {&left}, *rights[] = {&right};
    *result = sumOf(lefts, rights, 1, 1);
}

// The square, (a + b) (a - b) + 2 a b u, below 2.8 p for up to 6 p.
CALLED void pairSquare(Pair *result, const Pair *x) {
    Element sum = plus(x->a, x->b), difference = minus(x->a, x->b, 6);
    Element twice = plus(x->b, x->b), a = x->a;
    result->a = times(sum, difference);
    result->b = times(a, twice);
}

INLINE Pair pairTimes(Pair x, Pair y) {
    Pair result;
    product(&result, &x, &y);
    return result;
}

INLINE Pair pairSquared(Pair x) {
    Pair result;
    pairSquare(&result, &x);
    return result;
}

// The product with an element of the base field.
INLINE Pair pairScaled(Pair x, Element y) { return (Pair){times(x.a, y), times(x.b, y)}; }

INLINE Pair pairOf(const Constant *parts) {
    return (Pair){constant(parts[0]), constant(parts[1])};
}

#endif
#endif
