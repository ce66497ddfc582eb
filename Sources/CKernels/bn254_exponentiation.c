// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"
#include "bn254_spread.h"

#include <stdlib.h>

#if defined(__x86_64__)

const Order recount_bn254_turns[6] = {
    {{0, 1, 2, 3, 4, 5, 6, 7}},  {{13, 0, 1, 2, 3, 4, 6, 7}},   {{12, 13, 0, 1, 2, 3, 6, 7}},
    {{11, 12, 13, 0, 1, 2, 6, 7}}, {{10, 11, 12, 13, 0, 1, 6, 7}}, {{9, 10, 11, 12, 13, 0, 6, 7}}};

// (9 + u) to the power of k (p - 1) / 6 in lane k: the limbs of the part without u, then of that
// with it.
static const uint64_t frobenius[2][5][8] = {
    {
        {0x20880f6fce4b4ULL, 0xa696331449070ULL, 0xf504d9252c8c8ULL, 0x73fb06d8f833cULL,
         0x9a3585840fc2fULL, 0x34a6b03a30ec6ULL, 0, 0},
        {0x49baa989a8455ULL, 0x387afb78aaf9bULL, 0xff5717f0e1766ULL, 0x5d2de62e1f7a3ULL,
         0x38982495da913ULL, 0xaa03e9f16d2e4ULL, 0, 0},
        {0x18f014a498908ULL, 0x8a2087ca6b1d7ULL, 0x6d5d6268bedc7ULL, 0x435120898fe17ULL,
         0x958cf0b3728d3ULL, 0x33d8c5c96fac2ULL, 0, 0},
        {0x724f85a9201d8ULL, 0xa7c11bded5ef0ULL, 0x4d79dd84e4be3ULL, 0xbde76d9d6e18ULL,
         0xdda5bf100b172ULL, 0xc318da0cc4713ULL, 0, 0},
        {0x1f16424e1bb7ULL, 0x2f34d751a1f3ULL, 0x124959ea0e94ULL, 0xea35e87c1bcULL,
         0xb3ba8b791a1ULL, 0x851f81f63deULL, 0, 0}},
    {
        {0, 0x825c28a21e4bdULL, 0x360d7e4c8961cULL, 0x25062911a28eULL,
         0x9404297b0b53cULL, 0xd9cdd5b992367ULL, 0, 0},
        {0, 0x6e5ba520f7f58ULL, 0x7ba33957816cULL, 0x23cc340a00d3bULL,
         0x895ef037670c5ULL, 0x59451e72a4e9ULL, 0, 0},
        {0, 0x675d8990b6915ULL, 0xbfc7f4787b6b8ULL, 0x2daf19231ebfdULL,
         0x5cd073312a19bULL, 0xdfce1d470fe03ULL, 0, 0},
        {0, 0x344d296ddd94bULL, 0x3a46caadf8519ULL, 0x2a7ebd080280aULL,
         0x8dded8052c12bULL, 0xc33b6e562b070ULL, 0, 0},
        {0, 0x187fe92cd2a1ULL, 0x21e14e5259dbULL, 0x22f5b5e00d39ULL,
         0x37cfc7088cbULL, 0x1c3e22982b40ULL, 0, 0}}};

// The digits of u, odd and within -7 ... 7 where they are not zero, the highest first.
static const int8_t digits[63] = {
    1, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, -3, 0, 0, 0, 3, 0, 0, 0, 0, 5, 0,
    0, 0, -5, 0, 0, 0, -3, 0, 0, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 7, 0,
    0, 0, -7, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, -1, 0, 0, 0, 1};

// The product, up to 2.8 p, for factors up to 3.2 p.
CALLED void spreadProduct(Pair *result, const Pair *x, const Pair *y) {
    static const int powers[] = {0, 1, 2, 3, 4, 5};
    Factor right = factor(*y), rights[6];
    UNROLL for (int j = 0; j < 6; j++) {
        UNROLL for (int i = 0; i < 5; i++) {
            Lanes index = all((uint64_t)j);
            rights[j].a.limb[i] = _mm512_permutexvar_epi64(index, right.a.limb[i]);
            rights[j].b.limb[i] = _mm512_permutexvar_epi64(index, right.b.limb[i]);
            rights[j].sum.limb[i] = _mm512_permutexvar_epi64(index, right.sum.limb[i]);
        }
    }
    *result = spreadSum(*x, rights, powers, 6);
}

// The square of an element whose power p^4 - p^2 + 1 is one, up to 1.4 p, for up to 3.2 p.
//
// With s^2 = 9 + u it takes the squares a_k + b_k s of f_k + f_(k + 3) s, k = 0, 1 and 2, and gives
// 3 a_0 - 2 f_0, 3 (9 + u) b_2 + 2 f_1, 3 a_1 - 2 f_2, 3 b_0 + 2 f_3, 3 a_2 - 2 f_4, 3 b_1 + 2 f_5.
// Source: Granger and Scott 2010, "Faster squaring in the cyclotomic subgroup of sixth degree
// extensions", section 3.2.
CALLED void cyclotomicSquare(Pair *x) {
    static const Order low = {{0, 1, 2, 0, 1, 2, 6, 7}}, high = {{3, 4, 5, 11, 12, 13, 6, 7}};
    static const Order back = {{3, 4, 5, 10, 4, 5, 6, 7}}, last = {{0, 11, 2, 0, 4, 1, 6, 7}};
    static const Order weave = {{8, 1, 9, 3, 10, 5, 6, 7}};
    Pair f = *x;
    // f_k f_(k + 3): the part without u in lanes 0 to 2, that with it in lanes 3 to 5.
    Element firsts[2] = {picked(f.a, f.a, &low), picked(f.b, f.b, &low)};
    Element seconds[2] = {picked(f.a, f.b, &high), picked(negated(f.b, 4), f.a, &high)};
    Wide cross = wide();
    accumulate(&cross, &firsts[0], &seconds[0]);
    accumulate(&cross, &firsts[1], &seconds[1]);
    Element product = reduced(cross);
    Pair b = pairShifted((Pair){product, picked(product, product, &back)}, 1);
    Pair squares = {
        times(plus(f.a, f.b), minus(f.a, f.b, 4)), times(f.a, plus(f.b, f.b))};
    // The squares of f_3, f_4 and f_5, and b_2.
    Pair more = turned(pairPicked(squares, b, &back));
    Pair a = pairPlus(squares, more);
    Pair third = pairPicked(pairPicked(b, more, &last), a, &weave);
    UNROLL for (int i = 0; i < 5; i++) {
        Lanes seven = all(recount_bn254_multiples[7][i]);
        UNROLL for (int part = 0; part < 2; part++) {
            Lanes *limb = part ? &f.b.limb[i] : &f.a.limb[i];
            Lanes three = part ? third.b.limb[i] : third.a.limb[i];
            Lanes twice = _mm512_add_epi64(*limb, *limb);
            twice = _mm512_mask_sub_epi64(twice, 0x15, seven, twice);
            three = _mm512_add_epi64(three, _mm512_add_epi64(three, three));
            *limb = _mm512_add_epi64(three, twice);
        }
    }
    *x = pairFolded((Pair){carried(f.a), carried(f.b)});
}

INLINE Pair multiplied(Pair x, Pair y) {
    Pair result;
    spreadProduct(&result, &x, &y);
    return result;
}

INLINE Pair cyclotomicSquared(Pair x) {
    cyclotomicSquare(&x);
    return x;
}

// The power of p.
LANES static Pair toP(Pair x) {
    Pair factors;
    UNROLL for (int i = 0; i < 5; i++) {
        factors.a.limb[i] = _mm512_loadu_si512(frobenius[0][i]);
        factors.b.limb[i] = _mm512_loadu_si512(frobenius[1][i]);
    }
    return pairTimes(conjugate(x, 3), factors);
}

// The power of u.
LANES static Pair toU(Pair x) {
    Pair powers[4], square = cyclotomicSquared(x);
    powers[0] = x;
    for (int i = 1; i < 4; i++) powers[i] = multiplied(powers[i - 1], square);
    Pair result = x;
    for (int i = 1; i < 63; i++) {
        cyclotomicSquare(&result);
        int digit = digits[i];
        if (digit == 0) continue;
        Pair power = powers[(digit < 0 ? -digit : digit) / 2];
        // The inverse of an element of this subgroup is its conjugate.
        result = multiplied(result, digit < 0 ? spreadConjugate(power, 3) : power);
    }
    return result;
}

// As `finalExponentiation` in Swift has it.
LANES void recount_bn254_hard_part(const uint64_t *base, uint64_t *result) {
    Pair one = spreadEntered(base);
    Pair twoU = cyclotomicSquared(toU(one));
    Pair sixU = multiplied(cyclotomicSquared(twoU), twoU);
    Pair sixU2 = toU(sixU);
    Pair twelveU3 = toU(cyclotomicSquared(sixU2));
    Pair sum = multiplied(multiplied(twelveU3, sixU2), sixU);
    Pair less = multiplied(sum, spreadConjugate(twoU, 3));
    Pair plus_ = multiplied(multiplied(sum, sixU2), one);
    Pair cubed = toP(toP(toP(multiplied(spreadConjugate(one, 3), less))));
    Pair total = multiplied(multiplied(cubed, toP(toP(sum))), multiplied(toP(less), plus_));
    spreadLeft(result, total);
}

#else

void recount_bn254_hard_part(const uint64_t *base, uint64_t *result) {
    (void)base, (void)result;
    abort();
}

#endif
