// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The base field of BN254 and its quadratic extension, eight elements at once: one a lane of
// AVX-512 with products of 52 bits (IFMA). Not constant-time in what it does with flags: for
// points, which are public.
//
// An element is five limbs of 52 bits, least significant first, in Montgomery form with radix
// R = 2^260. R is 84 p, so that values need not be below p: each function says what bound it takes
// and gives, in multiples of p. Limbs are always within 52 bits and values never negative, since
// the instruction looks at no more than 52 bits of a factor.
// Source: Gueron and Krasnov 2016, "Accelerating big integer arithmetic using Intel IFMA
// extensions"; Aranha et al. 2011, "Faster explicit formulas for computing pairings over ordinary
// curves", for sums of products that are reduced once.

#ifndef RECOUNT_BN254_LANES_H
#define RECOUNT_BN254_LANES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES __attribute__((target("avx512f,avx512ifma,avx512dq,avx512vl")))
#define INLINE LANES static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef __m512i Lanes;

// An element of the base field in each lane.
typedef struct {
    Lanes limb[5];
} Element;

// A sum of products that was not reduced: ten columns of 64 bits with signs.
typedef struct {
    Lanes column[10];
} Wide;

// An element that is the same in all lanes.
typedef uint64_t Constant[5];

#define LIMB_MASK 0xfffffffffffffULL

// 2^268, 2^264 and 2^256 mod p.
#define RECOUNT_BN254_RADIX_268 \
    {0xec2544cd27284ULL, 0x93c0a3e5cacd2ULL, 0x824ae547a2004ULL, \
     0xb4cb95b374969ULL, 0x16000c8373a7ULL}
#define RECOUNT_BN254_RADIX_264 \
    {0xb0f2afaec667aULL, 0xed9626b0fffbdULL, 0x9e2a0fcad825aULL, \
     0xe357276f48b70ULL, 0xd791464ef86ULL}
#define RECOUNT_BN254_RADIX_256 \
    {0xd438dc58f0d9dULL, 0x28f5c70b3dd35ULL, 0x879462c0a78ebULL, \
     0xdf2f666ea36f7ULL, 0xe0a77c19a07ULL}

// k p for k from 0 to 25, limbs of 52 bits.
extern const Constant recount_bn254_multiples[26];
// R mod p, which is one.
extern const Constant recount_bn254_one;

INLINE Lanes all(uint64_t value) { return _mm512_set1_epi64((long long)value); }

INLINE Element constant(const Constant limbs) {
    Element result;
    UNROLL for (int i = 0; i < 5; i++) result.limb[i] = all(limbs[i]);
    return result;
}

INLINE Element zero(void) {
    Element result;
    UNROLL for (int i = 0; i < 5; i++) result.limb[i] = _mm512_setzero_si512();
    return result;
}

// Moves what limbs have above 52 bits, or are short of, to the next; the value is not negative.
INLINE Element carried(Element x) {
    UNROLL for (int i = 0; i < 4; i++) {
        x.limb[i + 1] = _mm512_add_epi64(x.limb[i + 1], _mm512_srai_epi64(x.limb[i], 52));
        x.limb[i] = _mm512_and_si512(x.limb[i], all(LIMB_MASK));
    }
    return x;
}

// Bounds add up.
INLINE Element plus(Element x, Element y) {
    UNROLL for (int i = 0; i < 5; i++) x.limb[i] = _mm512_add_epi64(x.limb[i], y.limb[i]);
    return carried(x);
}

// x - y + k p, for y up to k p: the bound of x and k.
INLINE Element minus(Element x, Element y, int k) {
    UNROLL for (int i = 0; i < 5; i++) {
        Lanes sum = _mm512_add_epi64(x.limb[i], all(recount_bn254_multiples[k][i]));
        x.limb[i] = _mm512_sub_epi64(sum, y.limb[i]);
    }
    return carried(x);
}

// k p - y, for y up to k p.
INLINE Element negated(Element y, int k) { return minus(zero(), y, k); }

// x times 2^bits.
INLINE Element shifted(Element x, int bits) {
    UNROLL for (int i = 0; i < 5; i++) x.limb[i] = _mm512_slli_epi64(x.limb[i], (unsigned)bits);
    return carried(x);
}

// The same modulo p below 1.4 p, for x up to 42 p with limbs that may be beyond 52 bits but for
// the highest, to which `carried` was applied.
//
// The highest limb is x / 2^208, and p is 2^260 / 84.64: times 84 over 2^52 it is never more than
// x / p, and short of it by less than 1 + 0.0077 x / p.
INLINE Element folded(Element x) {
    Lanes quotient = _mm512_madd52hi_epu64(_mm512_setzero_si512(), x.limb[4], all(84));
    UNROLL for (int i = 0; i < 5; i++) {
        // Below 2^6 times 2^52.
        Lanes product = _mm512_mullo_epi64(quotient, all(recount_bn254_multiples[1][i]));
        x.limb[i] = _mm512_sub_epi64(x.limb[i], product);
    }
    return carried(x);
}

INLINE Wide wide(void) {
    Wide result;
    UNROLL for (int i = 0; i < 10; i++) result.column[i] = _mm512_setzero_si512();
    return result;
}

// Adds x y. A column takes ten numbers of 52 bits a product.
INLINE void accumulate(Wide *sum, const Element *x, const Element *y) {
    UNROLL for (int i = 0; i < 5; i++) {
        UNROLL for (int j = 0; j < 5; j++) {
            Lanes *low = &sum->column[i + j], *high = &sum->column[i + j + 1];
            *low = _mm512_madd52lo_epu64(*low, x->limb[i], y->limb[j]);
            *high = _mm512_madd52hi_epu64(*high, x->limb[i], y->limb[j]);
        }
    }
}

// x^2: the products of different limbs once, and then twice.
INLINE Wide square(const Element *x) {
    Wide sum = wide();
    UNROLL for (int i = 0; i < 5; i++) {
        UNROLL for (int j = i + 1; j < 5; j++) {
            Lanes *low = &sum.column[i + j], *high = &sum.column[i + j + 1];
            *low = _mm512_madd52lo_epu64(*low, x->limb[i], x->limb[j]);
            *high = _mm512_madd52hi_epu64(*high, x->limb[i], x->limb[j]);
        }
    }
    UNROLL for (int i = 0; i < 10; i++)
        sum.column[i] = _mm512_add_epi64(sum.column[i], sum.column[i]);
    UNROLL for (int i = 0; i < 5; i++) {
        Lanes *low = &sum.column[2 * i], *high = &sum.column[2 * i + 1];
        *low = _mm512_madd52lo_epu64(*low, x->limb[i], x->limb[i]);
        *high = _mm512_madd52hi_epu64(*high, x->limb[i], x->limb[i]);
    }
    return sum;
}

// x / R + p at most, for x with its sign above -R p k where the caller has added k p R.
INLINE Element reduced(Wide x) {
    const Lanes inverse = all(0x20782e4866389ULL);  // -1 / p mod 2^52
    const Lanes nothing = _mm512_setzero_si512();
    UNROLL for (int i = 0; i < 5; i++) {
        Lanes quotient = _mm512_madd52lo_epu64(nothing, x.column[i], inverse);
        // The low half of the product with the lowest limb is what makes the column a multiple of
        // 2^52, so that the carry is the column over 2^52, rounded up.
        Lanes carry = _mm512_srai_epi64(_mm512_add_epi64(x.column[i], all(LIMB_MASK)), 52);
        x.column[i + 1] = _mm512_add_epi64(x.column[i + 1], carry);
        UNROLL for (int j = 0; j < 5; j++) {
            Lanes limb = all(recount_bn254_multiples[1][j]);
            Lanes *low = &x.column[i + j], *high = &x.column[i + j + 1];
            if (j > 0) *low = _mm512_madd52lo_epu64(*low, quotient, limb);
            *high = _mm512_madd52hi_epu64(*high, quotient, limb);
        }
    }
    Element result;
    UNROLL for (int i = 0; i < 5; i++) result.limb[i] = x.column[i + 5];
    return carried(result);
}

// Factors up to a p and b p give up to (1 + a b / 84) p.
INLINE Element times(Element x, Element y) {
    Wide sum = wide();
    accumulate(&sum, &x, &y);
    return reduced(sum);
}

// Up to (1 + a^2 / 84) p.
INLINE Element squared(Element x) { return reduced(square(&x)); }

// The same below p, for x up to 42 p.
INLINE Element canonical(Element x) {
    Element rest = folded(x), less;
    Lanes borrow = _mm512_setzero_si512();
    UNROLL for (int i = 0; i < 5; i++) {
        Lanes difference = _mm512_sub_epi64(rest.limb[i], all(recount_bn254_multiples[1][i]));
        difference = _mm512_add_epi64(difference, borrow);
        borrow = _mm512_srai_epi64(difference, 52);
        less.limb[i] = i < 4 ? _mm512_and_si512(difference, all(LIMB_MASK)) : difference;
    }
    __mmask8 isBelow = _mm512_movepi64_mask(less.limb[4]);
    UNROLL for (int i = 0; i < 5; i++)
        rest.limb[i] = _mm512_mask_blend_epi64(isBelow, less.limb[i], rest.limb[i]);
    return rest;
}

// The lanes in which x, up to 42 p, is a multiple of p.
INLINE __mmask8 zeros(Element x) {
    Element rest = canonical(x);
    Lanes any = rest.limb[0];
    UNROLL for (int i = 1; i < 5; i++) any = _mm512_or_si512(any, rest.limb[i]);
    return _mm512_testn_epi64_mask(any, any);
}

// y in the lanes of the mask, else x.
INLINE Element blended(__mmask8 mask, Element x, Element y) {
    UNROLL for (int i = 0; i < 5; i++)
        x.limb[i] = _mm512_mask_blend_epi64(mask, x.limb[i], y.limb[i]);
    return x;
}

// Reads four limbs of 64 bits for each lane at its index, in limbs.
INLINE Element gathered(const uint64_t *numbers, Lanes index) {
    Lanes part[4];
    UNROLL for (int i = 0; i < 4; i++) part[i] = _mm512_i64gather_epi64(index, numbers + i, 8);
    Element x;
    x.limb[0] = part[0];
    UNROLL for (int i = 1; i < 4; i++)
        x.limb[i] = _mm512_or_si512(
            _mm512_srli_epi64(part[i - 1], 64 - 12 * (unsigned)i),
            _mm512_slli_epi64(part[i], 12 * (unsigned)i));
    x.limb[4] = _mm512_srli_epi64(part[3], 16);
    UNROLL for (int i = 0; i < 4; i++) x.limb[i] = _mm512_and_si512(x.limb[i], all(LIMB_MASK));
    return x;
}

// Reads a number below p in Montgomery form with radix 2^256. Below 1.1 p.
INLINE Element entered(const uint64_t *numbers, Lanes index) {
    static const Constant radix = RECOUNT_BN254_RADIX_264;
    return times(gathered(numbers, index), constant(radix));
}

// Writes the number back as `entered` reads it, for x up to 42 p, in the lanes of the mask.
INLINE void left(uint64_t *numbers, Lanes index, __mmask8 mask, Element x) {
    static const Constant radix = RECOUNT_BN254_RADIX_256;
    Element y = canonical(times(x, constant(radix)));
    UNROLL for (int i = 0; i < 4; i++) {
        Lanes part = _mm512_or_si512(
            _mm512_srli_epi64(y.limb[i], 12 * (unsigned)i),
            _mm512_slli_epi64(y.limb[i + 1], 52 - 12 * (unsigned)i));
        _mm512_mask_i64scatter_epi64(numbers + i, mask, index, part, 8);
    }
}

// Where each lane finds what is `size` limbs apart from `start` on: lanes from `count` on, which
// is not zero, look at the first.
INLINE Lanes indices(size_t start, size_t count, size_t size) {
    Lanes lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    __mmask8 isUsed = _mm512_cmplt_epu64_mask(lane, all(count));
    lane = _mm512_maskz_mov_epi64(isUsed, lane);
    return _mm512_mullo_epi64(_mm512_add_epi64(lane, all(start)), all(size));
}

// The lanes that are below a count.
INLINE __mmask8 used(size_t count) { return count >= 8 ? 0xff : (__mmask8)((1U << count) - 1); }

#endif
#endif
