// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"
#include "bn254_spread.h"
#include "bn254_twist.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

// The formulas are those of `MillerRunner` in Swift and of bn254_miller.c, with what is multiplied
// at the same time side by side in lanes. The running point has x, y and z in lanes 0, 1 and 2, up
// to 1.4 p.
typedef struct {
    Pair point;
    // 3 b, -3 x and 2 y of the point of G1.
    Pair tangent;
    // x and y of the point of the twist, then y and -x of that of G1.
    Pair chord;
} Runner;

// Lines of points known in advance, divided by their constants.
typedef struct {
    // x / y and 1 / y of the points of G1, two lanes a point, times 2^264.
    Element scales;
    const uint64_t *lines;
    size_t count;
} Fixed;

INLINE Pair spreadPicked(Pair x, const Order *from) { return pairPicked(x, x, from); }

CALLED void multiply(Pair *result, const Pair *x, const Pair *y) { product(result, x, y); }

// f^2, up to 1.4 p, for up to 3.2 p: with f = c + d w and w^2 = v the products c d, in lanes 0 to
// 2, and (c + d v) (c + d), in lanes 3 to 5.
CALLED void squareSpread(Pair *f) {
    static const Order even = {{0, 2, 4, 0, 2, 4, 6, 7}}, odd = {{1, 3, 5, 1, 3, 5, 6, 7}};
    static const Order moved = {{6, 6, 6, 13, 1, 3, 6, 7}};
    static const Order turns[3] = {
        {{0, 1, 2, 3, 4, 5, 6, 7}}, {{10, 0, 1, 13, 3, 4, 6, 7}}, {{9, 10, 0, 12, 13, 3, 6, 7}}};
    static const Order one[3] = {
        {{0, 0, 0, 3, 3, 3, 6, 7}}, {{1, 1, 1, 4, 4, 4, 6, 7}}, {{2, 2, 2, 5, 5, 5, 6, 7}}};
    static const Order sums = {{3, 0, 4, 1, 5, 2, 6, 7}}, twice = {{0, 0, 1, 1, 2, 2, 6, 7}};
    static const Order shift = {{10, 6, 0, 6, 1, 6, 6, 7}};
    Pair c = spreadPicked(*f, &even), d = spreadPicked(*f, &odd);
    Pair left = pairPlus(c, pairPicked(*f, turned(*f), &moved));
    left = pairFolded(pairBlended(0x38, c, left));
    Pair right = pairBlended(0x38, d, pairPlus(c, d));
    Factor first = factor(left), more = factor(turned(left)), second = factor(right);
    Factor lefts[3], rights[3];
    const Factor *x[3], *y[3];
    UNROLL for (int j = 0; j < 3; j++) {
        lefts[j] = factorPicked(&first, &more, &turns[j]);
        rights[j] = factorPicked(&second, &second, &one[j]);
        x[j] = &lefts[j];
        y[j] = &rights[j];
    }
    Pair both = sumOf(x, y, 3, 1);
    Pair low = spreadPicked(both, &twice);
    Pair rest = pairPlus(low, pairPicked(both, turned(both), &shift));
    Pair base = spreadPicked(both, &sums);
    *f = pairFolded(pairBlended(0x2a, pairMinus(base, rest, 5), pairPlus(base, low)));
}

// Lane `lane` in all lanes.
INLINE Factor everywhere(const Factor *x, int lane) {
    Factor result;
    Lanes index = all((uint64_t)lane);
    UNROLL for (int i = 0; i < 5; i++) {
        result.a.limb[i] = _mm512_permutexvar_epi64(index, x->a.limb[i]);
        result.b.limb[i] = _mm512_permutexvar_epi64(index, x->b.limb[i]);
        result.sum.limb[i] = _mm512_permutexvar_epi64(index, x->sum.limb[i]);
    }
    return result;
}

// f (l0 + l1 w + l3 w^3), up to 2.8 p, with l0 and l1 in two lanes of one number, l3 in one of
// another.
CALLED void timesLine(Pair *f, const Pair *low, int lane0, int lane1, const Pair *high, int lane3) {
    static const int powers[] = {0, 1, 3};
    Factor first = factor(*low), second = factor(*high);
    Factor line[3] = {
        everywhere(&first, lane0), everywhere(&first, lane1), everywhere(&second, lane3)};
    *f = spreadSum(*f, line, powers, 3);
}

// f (1 + l1 w + l3 w^3), up to 1.4 p, with l1 and l3 in two lanes that follow each other.
CALLED void timesUnitLine(Pair *f, const Pair *line, int lane) {
    static const int powers[] = {1, 3};
    Factor both = factor(*line);
    Factor factors[2] = {everywhere(&both, lane), everywhere(&both, lane + 1)};
    *f = pairFolded(pairPlus(*f, spreadSum(*f, factors, powers, 2)));
}

// Doubles the running point and multiplies the tangent into f, if there is one.
CALLED void doubleAndMultiply(Pair *f, Runner *at) {
    static const Order lefts = {{0, 1, 0, 1, 2, 5, 6, 7}}, rights = {{1, 2, 0, 1, 2, 5, 6, 7}};
    static const Order second = {{4, 2, 1, 3, 4, 5, 6, 7}};
    static const Order left3 = {{0, 9, 10, 3, 4, 5, 6, 7}}, right3 = {{0, 1, 2, 9, 4, 5, 6, 7}};
    static const Order all3 = {{3, 3, 3, 3, 3, 3, 3, 3}}, all0 = {{0, 0, 0, 0, 0, 0, 0, 0}};
    static const Order kept = {{0, 1, 3, 3, 4, 5, 6, 7}}, shift = {{0, 2, 3, 3, 4, 5, 6, 7}};
    Pair x = spreadPicked(at->point, &lefts), y = spreadPicked(at->point, &rights);
    Pair squares, more, last;
    // x y, y z, x^2, B = y^2, C = z^2.
    multiply(&squares, &x, &y);
    // E = 3 b C, -3 x^2 x', 2 y z y'.
    x = spreadPicked(squares, &second);
    multiply(&more, &x, &at->tangent);
    // B - 3 E, B + 3 E, E, and B - E in lane 4.
    Pair b = spreadPicked(squares, &all3), e = spreadPicked(more, &all0), terms;
    UNROLL for (int part = 0; part < 2; part++) {
        const Element *bs = part ? &b.b : &b.a, *es = part ? &e.b : &e.a;
        Element *to = part ? &terms.b : &terms.a;
        UNROLL for (int i = 0; i < 5; i++) {
            Lanes one = es->limb[i], three = _mm512_add_epi64(one, _mm512_slli_epi64(one, 1));
            one = _mm512_mask_blend_epi64(0x03, one, three);
            one = _mm512_mask_sub_epi64(one, 0x11, all(recount_bn254_multiples[7][i]), one);
            to->limb[i] = _mm512_mask_add_epi64(one, 0x13, one, bs->limb[i]);
        }
        *to = folded(carried(*to));
    }
    // 2 x y (B - 3 E), (B + 3 E)^2, E^2, 2 B 2 y z.
    Pair doubled = pairShifted(squares, 1);
    x = pairPicked(doubled, terms, &left3);
    y = pairPicked(terms, doubled, &right3);
    multiply(&last, &x, &y);
    // Less 12 E^2 in lane 1, and twice in lane 2.
    Pair next = spreadPicked(last, &kept), other = spreadPicked(last, &shift);
    UNROLL for (int part = 0; part < 2; part++) {
        Element *to = part ? &next.b : &next.a;
        const Element *from = part ? &other.b : &other.a;
        UNROLL for (int i = 0; i < 5; i++) {
            Lanes four = _mm512_slli_epi64(from->limb[i], 2);
            Lanes twelve = _mm512_add_epi64(four, _mm512_slli_epi64(four, 1));
            Lanes less = _mm512_sub_epi64(all(recount_bn254_multiples[25][i]), twelve);
            less = _mm512_mask_blend_epi64(0x04, less, from->limb[i]);
            to->limb[i] = _mm512_mask_add_epi64(to->limb[i], 0x06, to->limb[i], less);
        }
        *to = folded(carried(*to));
    }
    at->point = next;
    if (f) timesLine(f, &more, 2, 1, &terms, 4);
}

// Adds the point in lanes 0 and 1 of `chord`, and multiplies the line into f, if there is one.
CALLED void addAndMultiply(Pair *f, Runner *at, const Pair *chord) {
    static const Order third = {{2, 2, 2, 3, 4, 5, 6, 7}};
    static const Order left3 = {{0, 8, 10, 1, 0, 0, 1, 7}}, right3 = {{0, 0, 1, 8, 9, 10, 11, 7}};
    static const Order plus3 = {{2, 1, 2, 3, 4, 5, 6, 7}}, minus3 = {{1, 1, 2, 4, 4, 5, 6, 7}};
    static const Order all0 = {{0, 0, 0, 0, 0, 0, 0, 0}}, mixed = {{0, 1, 9, 10, 4, 5, 6, 7}};
    static const Order left4 = {{0, 1, 8, 11, 4, 5, 6, 7}}, first4 = {{0, 9, 2, 3, 4, 5, 6, 7}};
    static const Order right4 = {{0, 1, 10, 8, 4, 5, 6, 7}}, kept = {{0, 1, 3, 3, 4, 5, 6, 7}};
    static const Order shift = {{0, 2, 3, 3, 4, 5, 6, 7}};
    Pair x = spreadPicked(at->point, &third), y, squares, many, last;
    multiply(&squares, &x, chord);
    // x - X z and y - Y z.
    Pair run = pairMinus(at->point, squares, 3);
    multiply(&squares, &run, &run);
    // The cube of the run, x run^2, z rise^2, rise X, run Y, run y', -rise x'.
    x = pairPicked(run, at->point, &left3);
    y = pairPicked(squares, *chord, &right3);
    multiply(&many, &x, &y);
    // The first and third less twice the second, and the fourth less the fifth in lane 3.
    Pair more = spreadPicked(many, &plus3), less = spreadPicked(many, &minus3), sums = many;
    UNROLL for (int part = 0; part < 2; part++) {
        Element *to = part ? &sums.b : &sums.a;
        const Element *added = part ? &more.b : &more.a, *taken = part ? &less.b : &less.a;
        UNROLL for (int i = 0; i < 5; i++) {
            Lanes rest = taken->limb[i];
            rest = _mm512_mask_add_epi64(rest, 0x01, rest, rest);
            rest = _mm512_sub_epi64(all(recount_bn254_multiples[5][i]), rest);
            rest = _mm512_mask_add_epi64(rest, 0x01, rest, added->limb[i]);
            to->limb[i] = _mm512_mask_add_epi64(to->limb[i], 0x09, to->limb[i], rest);
        }
        *to = folded(carried(*to));
    }
    // run sum, rise (x run^2 - sum), cube y, z cube.
    Pair points = pairPicked(many, at->point, &mixed);
    Pair difference = pairMinus(points, spreadPicked(sums, &all0), 2);
    x = pairPicked(run, points, &left4);
    y = pairPicked(pairPicked(sums, difference, &first4), points, &right4);
    multiply(&last, &x, &y);
    Pair next = spreadPicked(last, &kept), taken = spreadPicked(last, &shift);
    at->point = pairFolded(pairBlended(0x02, next, pairMinus(next, taken, 3)));
    if (f) timesLine(f, &many, 5, 6, &sums, 3);
}

LANES static void multiplyFixed(Pair *f, const Fixed *fixed, size_t step) {
    uint64_t lines[RECOUNT_BN254_FIXED_MAX][16];
    if (fixed->count == 0) return;
    for (size_t i = 0; i < fixed->count; i++)
        memcpy(lines[i], fixed->lines + 16 * (i * RECOUNT_BN254_LINES + step), 128);
    Lanes index = indices(0, 2 * fixed->count, 8);
    Pair line = {
        times(gathered(lines[0], index), fixed->scales),
        times(gathered(lines[0] + 4, index), fixed->scales)};
    for (size_t i = 0; i < fixed->count; i++) timesUnitLine(f, &line, (int)(2 * i));
}

// A lane of a number with another value.
INLINE Pair set(Pair x, int lane, Pair y) { return pairBlended((__mmask8)(1 << lane), x, y); }

LANES static Runner start(const uint64_t *first, const uint64_t *second) {
    Lanes here = _mm512_setzero_si512();
    Element x = negated(entered(first, here), 2), y = entered(first + 4, here);
    Pair nothing = {zero(), zero()}, base[2];
    for (int i = 0; i < 2; i++)
        base[i] = (Pair){entered(second + 8 * i, here), entered(second + 8 * i + 4, here)};
    Runner result;
    Pair one = {constant(recount_bn254_one), zero()};
    result.point = set(set(set(nothing, 0, base[0]), 1, base[1]), 2, one);
    Pair minusX = {x, zero()}, plusY = {y, zero()};
    Pair thrice = pairFolded(pairPlus(pairShifted(minusX, 1), minusX));
    result.tangent = set(set(pairOf(thriceTwist), 1, thrice), 2, pairShifted(plusY, 1));
    result.chord = set(set(set(set(nothing, 0, base[0]), 1, base[1]), 2, plusY), 3, minusX);
    return result;
}

// psi of the point in lanes 0 and 1.
LANES static void finish(Pair *f, Runner *at) {
    Pair one = {constant(recount_bn254_one), zero()};
    Pair factors = set(set(one, 0, pairOf(once2)), 1, pairOf(once3)), chord;
    Pair conjugated = pairBlended(0x03, at->chord, conjugate(at->chord, 2));
    multiply(&chord, &conjugated, &factors);
    addAndMultiply(f, at, &chord);
}

// -psi^2 of it.
LANES static void finishTwice(Pair *f, Runner *at) {
    Pair moved = pairScaled(at->chord, constant(twice2));
    Pair chord = set(at->chord, 0, moved);
    addAndMultiply(f, at, &chord);
}

// Whether the sum that the loop has left behind is -psi^3(Q).
LANES static uint8_t isMember(const Runner *at) {
    static const Order all2 = {{2, 2, 2, 2, 2, 2, 2, 2}};
    Pair one = {constant(recount_bn254_one), zero()};
    Pair factors = set(set(one, 0, pairOf(thrice2)), 1, pairOf(thrice3));
    Pair conjugated = conjugate(at->chord, 2), image, third, z = spreadPicked(at->point, &all2);
    multiply(&image, &conjugated, &factors);
    multiply(&third, &image, &z);
    Pair difference = set(pairMinus(at->point, third, 3), 1, pairPlus(at->point, third));
    __mmask8 areEqual = zeros(difference.a) & zeros(difference.b);
    __mmask8 areZero = zeros(at->point.a) & zeros(at->point.b);
    return (areEqual & 3) == 3 && !(areZero & 4);
}

LANES static void addDigit(Pair *f, Runner *at, int digit) {
    Pair chord = at->chord;
    if (digit < 0) chord = set(chord, 1, pairNegated(chord, 2));
    addAndMultiply(f, at, &chord);
}

LANES int recount_bn254_is_member(const uint64_t *point) {
    static const uint64_t nothing[8];
    Runner runner = start(nothing, point);
    for (int step = 0; step < 65; step++) {
        doubleAndMultiply(NULL, &runner);
        if (digits[step] != 0) addDigit(NULL, &runner, digits[step]);
    }
    finish(NULL, &runner);
    finishTwice(NULL, &runner);
    return isMember(&runner);
}

LANES void recount_bn254_miller_loop(
    const uint64_t *first, const uint64_t *second, size_t count, const uint64_t *scales,
    const uint64_t *lines, size_t fixedCount, uint64_t *product, uint8_t *memberships) {
    static const Constant radix = RECOUNT_BN254_RADIX_268;
    Runner runners[RECOUNT_BN254_MOVING_MAX];
    if (count > RECOUNT_BN254_MOVING_MAX || fixedCount > RECOUNT_BN254_FIXED_MAX) abort();
    for (size_t i = 0; i < count; i++) runners[i] = start(first + 8 * i, second + 16 * i);
    Fixed fixed = {zero(), lines, fixedCount};
    if (fixedCount > 0)
        fixed.scales = times(gathered(scales, indices(0, 2 * fixedCount, 4)), constant(radix));
    Pair f = {zero(), zero()};
    f.a = blended(0x01, f.a, constant(recount_bn254_one));
    size_t line = 0;
    for (int step = 0; step < 65; step++) {
        int digit = digits[step];
        if (step > 0) squareSpread(&f);
        for (size_t i = 0; i < count; i++) doubleAndMultiply(&f, &runners[i]);
        multiplyFixed(&f, &fixed, line++);
        if (digit == 0) continue;
        for (size_t i = 0; i < count; i++) addDigit(&f, &runners[i], digit);
        multiplyFixed(&f, &fixed, line++);
    }
    for (size_t i = 0; i < count; i++) finish(&f, &runners[i]);
    multiplyFixed(&f, &fixed, line++);
    for (size_t i = 0; i < count; i++) finishTwice(&f, &runners[i]);
    multiplyFixed(&f, &fixed, line);
    for (size_t i = 0; i < count; i++) memberships[i] = isMember(&runners[i]);
    spreadLeft(product, f);
}

#else

int recount_bn254_is_member(const uint64_t *point) {
    (void)point;
    abort();
}

void recount_bn254_miller_loop(
    const uint64_t *first, const uint64_t *second, size_t count, const uint64_t *scales,
    const uint64_t *lines, size_t fixedCount, uint64_t *product, uint8_t *memberships) {
    (void)first, (void)second, (void)count, (void)scales, (void)lines, (void)fixedCount;
    (void)product, (void)memberships;
    abort();
}

#endif
