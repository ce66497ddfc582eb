// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"
#include "bn254_lanes.h"

#include <stdlib.h>

#if defined(__x86_64__)

// Points of G1 in Jacobian coordinates (x / z^2, y / z^3): x up to 13 p, y up to 12 p, z up to 3 p.
typedef struct {
    Element x, y, z;
} Point;

// An affine point of the table: x up to 1.2 p, y up to 2 p.
typedef struct {
    Element x, y;
} Entry;

// The odd multiples 1, 3 ... 15 of a point in each lane.
typedef struct {
    Entry entry[8];
} Table;

#define GROUPS_MAX (RECOUNT_BN254_PAIRS_MAX / 8)

// Twice the point: "dbl-2009-l" of the Explicit-Formulas Database, but for one product.
LANES static void doublePoint(Point *at) {
    Element a = squared(at->x), b = squared(at->y), c = squared(b);
    Element d = shifted(times(at->x, b), 2);
    Element e = plus(shifted(a, 1), a);
    Element z = times(at->y, at->z);
    at->x = minus(squared(e), shifted(d, 1), 11);
    Element slope = times(e, minus(d, at->x, 13));
    at->y = minus(slope, shifted(c, 3), 9);
    at->z = shifted(z, 1);
}

// The sum with an affine point in the lanes of the mask; returns the factor of z. A point that is
// added to itself or its negation makes z zero, which it stays.
LANES static Element addEntry(Point *at, Element x, Element y, __mmask8 mask) {
    Element zSquare = squared(at->z);
    Element run = minus(times(x, zSquare), at->x, 13);
    Element rise = minus(times(y, times(at->z, zSquare)), at->y, 12);
    Element runSquare = squared(run);
    Element cube = times(run, runSquare), scaled = times(at->x, runSquare);
    Element sumX = minus(squared(rise), plus(cube, shifted(scaled, 1)), 5);
    Element sumY = minus(times(rise, minus(scaled, sumX, 9)), times(at->y, cube), 2);
    at->x = blended(mask, at->x, sumX);
    at->y = blended(mask, at->y, sumY);
    at->z = blended(mask, at->z, times(at->z, run));
    return run;
}

// Fills tables with one z for all their entries, which is returned: the affine points of the tables
// are on a curve isomorphic to that of G1. Each entry gets its own z first, the next one's being a
// multiple of it by `ratios`.
// Source: the "effective affine" tables of libsecp256k1, after Meloni 2007, "New point addition
// formulae for ECC applications".
LANES static Element fillTables(
    Table *tables, Element (*ratios)[8], const uint64_t *points, size_t start, size_t count,
    size_t step, size_t groups) {
    Element z = constant(recount_bn254_one);
    for (size_t group = 0; group < groups; group++) {
        size_t first = start + group * step;
        Lanes index = indices(first, count - first, 8);
        Element square = squared(z);
        Point base = {
            times(entered(points, index), square),
            times(entered(points + 4, index), times(square, z)), constant(recount_bn254_one)};
        Point twice = base;
        doublePoint(&twice);
        // On the curve where twice the point is affine, the point is (x z^2, y z^3).
        square = squared(twice.z);
        Point next = {
            times(base.x, square), times(base.y, times(square, twice.z)),
            constant(recount_bn254_one)};
        ratios[group][0] = twice.z;
        z = times(z, twice.z);
        // Into the bounds of an entry.
        Element x = folded(twice.x), y = folded(twice.y);
        for (int i = 0; i < 8; i++) {
            if (i > 0) {
                ratios[group][i] = addEntry(&next, x, y, 0xff);
                z = times(z, ratios[group][i]);
            }
            tables[group].entry[i] = (Entry){next.x, next.y};
        }
    }
    Element rest = constant(recount_bn254_one);
    for (size_t group = groups; group-- > 0;) {
        for (int i = 7; i >= 0; i--) {
            Entry *entry = &tables[group].entry[i];
            Element square = squared(rest);
            entry->x = times(entry->x, square);
            entry->y = times(entry->y, times(square, rest));
            rest = times(rest, ratios[group][i]);
        }
    }
    return z;
}

// The entry for a digit d of four bits: the multiple by 2 d - 15.
INLINE Entry lookUp(const Table *table, Lanes digit) {
    __mmask8 isNegative = _mm512_cmplt_epu64_mask(digit, all(8));
    Lanes place = _mm512_mask_xor_epi64(
        _mm512_and_si512(digit, all(7)), isNegative, digit, all(7));
    Entry result = table->entry[0];
    for (int i = 1; i < 8; i++) {
        __mmask8 isHere = _mm512_cmpeq_epi64_mask(place, all((uint64_t)i));
        result.x = blended(isHere, result.x, table->entry[i].x);
        result.y = blended(isHere, result.y, table->entry[i].y);
    }
    result.y = blended(isNegative, result.y, negated(result.y, 2));
    return result;
}

// The cube root of one by which x is multiplied where a point is multiplied by lambda.
static const Constant root = {
    0x5f7cf18a4da6cULL, 0xfcd08fecf4638ULL, 0xf454044c2d458ULL,
    0xfc115c5806fd4ULL, 0x237ab40d91cdULL};

// The sums over the groups of the points of the tables times their weights, in each lane.
LANES static Point sumOf(
    const Table *tables, const uint64_t *weights, size_t start, size_t count, size_t step,
    size_t groups) {
    Lanes low[GROUPS_MAX], high[GROUPS_MAX];
    for (size_t group = 0; group < groups; group++) {
        size_t first = start + group * step;
        Lanes index = indices(first, count - first, 2);
        low[group] = _mm512_i64gather_epi64(index, weights, 8);
        high[group] = _mm512_i64gather_epi64(index, weights + 1, 8);
    }
    Point sum;
    for (unsigned shift = 64; shift > 0;) {
        shift -= 4;
        if (shift < 60)
            for (int i = 0; i < 4; i++) doublePoint(&sum);
        for (size_t group = 0; group < groups; group++) {
            __mmask8 mask = used(count - start - group * step);
            Lanes digit = _mm512_and_si512(_mm512_srli_epi64(low[group], shift), all(15));
            Entry entry = lookUp(&tables[group], digit);
            if (shift == 60 && group == 0)
                sum = (Point){entry.x, entry.y, constant(recount_bn254_one)};
            else
                addEntry(&sum, entry.x, entry.y, mask);
            digit = _mm512_and_si512(_mm512_srli_epi64(high[group], shift), all(15));
            entry = lookUp(&tables[group], digit);
            addEntry(&sum, times(entry.x, constant(root)), entry.y, mask);
        }
    }
    return sum;
}

LANES static void leave(uint64_t *results, Lanes index, __mmask8 mask, Point at, Element z) {
    left(results, index, mask, at.x);
    left(results + 4, index, mask, at.y);
    left(results + 8, index, mask, times(at.z, z));
}

LANES void recount_bn254_multiples_of(
    const uint64_t *points, const uint64_t *weights, size_t count, uint64_t *results) {
    for (size_t start = 0; start < count; start += 8) {
        Table table;
        Element ratios[1][8];
        Element z = fillTables(&table, ratios, points, start, count, 8, 1);
        Point sum = sumOf(&table, weights, start, count, 8, 1);
        leave(results, indices(start, count - start, 12), used(count - start), sum, z);
    }
}

LANES void recount_bn254_sums(
    const uint64_t *points, const uint64_t *weights, size_t count, uint64_t *results) {
    Table tables[GROUPS_MAX];
    Element ratios[GROUPS_MAX][8];
    if (count == 0 || count > RECOUNT_BN254_PAIRS_MAX) abort();
    size_t groups = (count + 7) / 8;
    Element z = fillTables(tables, ratios, points, 0, count, 8, groups);
    Point sum = sumOf(tables, weights, 0, count, 8, groups);
    leave(results, indices(0, count, 12), used(count), sum, z);
}

LANES void recount_bn254_add(const uint64_t *points, size_t count, uint64_t *results) {
    Point sum;
    for (size_t start = 0; start < count; start += 8) {
        Lanes index = indices(start, count - start, 8);
        Element x = entered(points, index), y = entered(points + 4, index);
        if (start == 0)
            sum = (Point){x, y, constant(recount_bn254_one)};
        else
            addEntry(&sum, x, y, used(count - start));
    }
    if (count > 0)
        leave(results, indices(0, count, 12), used(count), sum, constant(recount_bn254_one));
}

#else

void recount_bn254_multiples_of(
    const uint64_t *points, const uint64_t *weights, size_t count, uint64_t *results) {
    (void)points, (void)weights, (void)count, (void)results;
    abort();
}

void recount_bn254_sums(
    const uint64_t *points, const uint64_t *weights, size_t count, uint64_t *results) {
    (void)points, (void)weights, (void)count, (void)results;
    abort();
}

void recount_bn254_add(const uint64_t *points, size_t count, uint64_t *results) {
    (void)points, (void)count, (void)results;
    abort();
}

#endif
