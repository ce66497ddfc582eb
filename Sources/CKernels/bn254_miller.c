// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"
#include "bn254_pairs.h"
#include "bn254_twist.h"

#include <stdlib.h>

#if defined(__x86_64__)

// A pair of points and what the loop has made of the one in G2, in homogeneous coordinates.
typedef struct {
    Pair x, y, z;
    Pair baseX, baseY;
    // -x and y of the point of G1.
    Element minusX, y1;
    __mmask8 active;
} Runner;

// The product of Miller loops in the basis 1, w ... w^5 over the pairs, with w^6 = 9 + u.
// Up to 3.2 p.
typedef struct {
    Pair part[6];
} Full;

// x[0] y[0] + x[1] y[1] + x[2] y[2], below 3.5 p for products of the bounds up to 10 on average,
// and below 5 p for up to 52.
CALLED void sumOfThree(Pair *result, const Factor *const *x, const Factor *const *y) {
    *result = sumOf(x, y, 3, 2);
}

// x y with v^3 = 9 + u, for y up to 4 p.
LANES static void productOfSextics(Pair result[3], const Pair x[3], const Pair y[3]) {
    Factor left[3], right[3], more[3];
    for (int i = 0; i < 3; i++) {
        left[i] = factor(x[i]);
        right[i] = factor(y[i]);
        if (i > 0) more[i] = factor(turned(y[i]));
    }
    const Factor *lefts[] = {&left[0], &left[1], &left[2]};
    const Factor *rights[3][3] = {
        {&right[0], &more[2], &more[1]},
        {&right[1], &right[0], &more[2]},
        {&right[2], &right[1], &right[0]}};
    for (int i = 0; i < 3; i++) sumOfThree(&result[i], lefts, rights[i]);
}

// f = f^2, below 1.4 p: with f = c + d w and w^2 = v, (c + d) (c + d v) - c d - c d v and 2 c d.
LANES static void squareFull(Full *f) {
    Pair c[3], d[3], cd[3], sum[3], mixed[3], total[3];
    for (int i = 0; i < 3; i++) {
        c[i] = f->part[2 * i];
        d[i] = f->part[2 * i + 1];
    }
    productOfSextics(cd, c, d);
    for (int i = 0; i < 3; i++) {
        sum[i] = pairFolded(pairPlus(c[i], d[i]));
        mixed[i] = pairPlus(c[i], i == 0 ? turned(d[2]) : d[i - 1]);
    }
    productOfSextics(total, mixed, sum);
    for (int i = 0; i < 3; i++) {
        Pair rest = pairPlus(cd[i], i == 0 ? turned(cd[2]) : cd[i - 1]);
        f->part[2 * i] = pairFolded(pairMinus(total[i], rest, 7));
        f->part[2 * i + 1] = pairFolded(pairShifted(cd[i], 1));
    }
}

// f = f (l0 + l1 w + l3 w^3), in the lanes of the mask; l0 and l1 up to 1.2 p, l3 up to 1.4 p.
LANES static void timesLine(Full *f, Pair l0, Pair l1, Pair l3, __mmask8 active) {
    if (active != 0xff) {
        Pair nothing = {zero(), zero()}, one = {constant(recount_bn254_one), zero()};
        l0 = pairBlended(active, one, l0);
        l1 = pairBlended(active, nothing, l1);
        l3 = pairBlended(active, nothing, l3);
    }
    Factor part[6];
    Factor low = factor(l0), one = factor(l1), three = factor(l3);
    Factor oneMore = factor(turned(l1)), threeMore = factor(turned(l3));
    for (int i = 0; i < 6; i++) part[i] = factor(f->part[i]);
    for (int i = 0; i < 6; i++) {
        const Factor *x[] = {&part[i], &part[(i + 5) % 6], &part[(i + 3) % 6]};
        const Factor *y[] = {&low, i > 0 ? &one : &oneMore, i > 2 ? &three : &threeMore};
        sumOfThree(&f->part[i], x, y);
    }
}

LANES static void evaluate(Full *f, const Runner *at, Pair l0, Pair l1, Pair l3) {
    timesLine(f, pairScaled(l0, at->y1), pairScaled(l1, at->minusX), l3, at->active);
}

// Doubles the running point and multiplies the tangent in: the formulas of Costello, Lange and
// Naehrig 2010, "Faster pairing computations on curves with high-degree twists", times four.
// x up to 3 p, y up to 1.4 p, z up to 5 p.
LANES static void doubleAndMultiply(Full *f, Runner *at) {
    Pair xy = pairTimes(at->x, at->y), yz = pairTimes(at->y, at->z);
    Pair xSquare = pairSquared(at->x), ySquare = pairSquared(at->y);
    Pair e = pairTimes(pairOf(thriceTwist), pairSquared(at->z));
    Pair triple = pairPlus(pairShifted(e, 1), e);
    Pair twiceYZ = pairShifted(yz, 1);
    Pair mean = pairSquared(pairFolded(pairPlus(ySquare, triple)));
    Pair eSquare = pairSquared(e);
    Pair twelve = pairPlus(pairShifted(eSquare, 3), pairShifted(eSquare, 2));
    at->x = pairTimes(pairShifted(xy, 1), pairFolded(pairMinus(ySquare, triple, 7)));
    at->y = pairFolded(pairMinus(mean, twelve, 17));
    at->z = pairShifted(pairTimes(pairShifted(ySquare, 1), twiceYZ), 1);
    evaluate(
        f, at, twiceYZ, pairPlus(pairShifted(xSquare, 1), xSquare),
        pairFolded(pairMinus(ySquare, e, 3)));
}

// Adds a point, up to 3 p, and multiplies the line in. The running point is not the point and not
// its negation; where it is, z becomes zero and stays so.
LANES static void addAndMultiply(Full *f, Runner *at, Pair x, Pair y) {
    Pair rise = pairMinus(at->y, pairTimes(y, at->z), 3);
    Pair run = pairMinus(at->x, pairTimes(x, at->z), 3);
    Pair runSquare = pairSquared(run);
    Pair cube = pairTimes(run, runSquare), scaled = pairTimes(at->x, runSquare);
    Pair more = pairPlus(cube, pairTimes(at->z, pairSquared(rise)));
    Pair next = pairFolded(pairMinus(more, pairShifted(scaled, 1), 5));
    Pair moved = pairTimes(rise, pairMinus(scaled, next, 2));
    at->x = pairTimes(run, next);
    at->y = pairFolded(pairMinus(moved, pairTimes(cube, at->y), 3));
    at->z = pairTimes(at->z, cube);
    Pair l3 = pairFolded(pairMinus(pairTimes(rise, x), pairTimes(run, y), 3));
    evaluate(f, at, run, rise, l3);
}

LANES static Runner start(const uint64_t *first, const uint64_t *second, size_t at, size_t count) {
    Lanes one = indices(at, count, 8), two = indices(at, count, 16);
    Runner result;
    result.minusX = negated(entered(first, one), 2);
    result.y1 = entered(first + 4, one);
    result.baseX = (Pair){entered(second, two), entered(second + 4, two)};
    result.baseY = (Pair){entered(second + 8, two), entered(second + 12, two)};
    result.x = result.baseX;
    result.y = result.baseY;
    result.z = (Pair){constant(recount_bn254_one), zero()};
    result.active = used(count);
    return result;
}

// Adds psi(Q) and subtracts psi^2(Q), and returns where the sum is -psi^3(Q).
LANES static __mmask8 finish(Full *f, Runner *at) {
    Pair x = conjugate(at->baseX, 2), y = conjugate(at->baseY, 2);
    addAndMultiply(f, at, pairTimes(x, pairOf(once2)), pairTimes(y, pairOf(once3)));
    addAndMultiply(f, at, pairScaled(at->baseX, constant(twice2)), at->baseY);
    Pair thirdX = pairTimes(pairTimes(x, pairOf(thrice2)), at->z);
    Pair thirdY = pairTimes(pairTimes(y, pairOf(thrice3)), at->z);
    Pair differenceX = pairMinus(at->x, thirdX, 3), sumY = pairPlus(at->y, thirdY);
    __mmask8 isThere = zeros(differenceX.a) & zeros(differenceX.b) & zeros(sumY.a) & zeros(sumY.b);
    return isThere & (__mmask8) ~(zeros(at->z.a) & zeros(at->z.b));
}

LANES void recount_bn254_miller_loops(
    const uint64_t *first, const uint64_t *second, size_t count, uint64_t *products,
    uint8_t *memberships) {
    Runner runners[RECOUNT_BN254_PAIRS_MAX / 8];
    size_t groups = (count + 7) / 8;
    if (count == 0 || count > RECOUNT_BN254_PAIRS_MAX) abort();
    for (size_t i = 0; i < groups; i++) runners[i] = start(first, second, 8 * i, count - 8 * i);
    Full f;
    for (int i = 0; i < 6; i++) f.part[i] = (Pair){zero(), zero()};
    f.part[0].a = constant(recount_bn254_one);
    for (int step = 0; step < 65; step++) {
        if (step > 0) squareFull(&f);
        for (size_t i = 0; i < groups; i++) doubleAndMultiply(&f, &runners[i]);
        if (digits[step] == 0) continue;
        for (size_t i = 0; i < groups; i++) {
            Pair y = runners[i].baseY;
            addAndMultiply(
                &f, &runners[i], runners[i].baseX, digits[step] > 0 ? y : pairNegated(y, 2));
        }
    }
    for (size_t i = 0; i < groups; i++) {
        __mmask8 members = finish(&f, &runners[i]);
        for (size_t lane = 0; lane < 8 && 8 * i + lane < count; lane++)
            memberships[8 * i + lane] = members >> lane & 1;
    }
    // The basis 1, w^2, w^4, w, w^3, w^5.
    Lanes index = indices(0, 8, 48);
    for (int i = 0; i < 6; i++) {
        const Pair *part = &f.part[i < 3 ? 2 * i : 2 * i - 5];
        left(products + 8 * i, index, 0xff, part->a);
        left(products + 8 * i + 4, index, 0xff, part->b);
    }
}

#else

void recount_bn254_miller_loops(
    const uint64_t *first, const uint64_t *second, size_t count, uint64_t *products,
    uint8_t *memberships) {
    (void)first, (void)second, (void)count, (void)products, (void)memberships;
    abort();
}

#endif
