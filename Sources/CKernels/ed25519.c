// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Ed25519 signatures (RFC 8032) by tables of multiples of their keys, eight at a time.
//
// What bounds it, with digits of eleven bits: 45 additions of seven products, each 51 instructions
// of IFMA with its carries and five multiplications by 19, of which a core of Zen 4 starts one a
// cycle: 45 * 7 * 56 / 8 = 2,200 cycles a signature. Measured are 2,800, and 520 for the hash, the
// digits and the encoding. A signature reads 46 entries from all over two tables of 3 MB, each two
// lines of a cache: they are fetched while the signatures before are computed.

#include "CKernels.h"
#include "field25519.h"
#include "scalar25519.h"
#include "sha512.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

#define WINDOW_BITS RECOUNT_WINDOW_BITS
#define WINDOWS RECOUNT_WINDOWS
#define STEPS (2 * WINDOWS)
#define DIGIT_MAX (1 << (WINDOW_BITS - 1))
#define ENTRY_BITS 7
#define GROUPS_MAX (RECOUNT_SIGNATURES_MAX / 8)

// The digits of a number up to l fill the windows; that of the highest is never above `DIGIT_MAX`.
_Static_assert(WINDOW_BITS * WINDOWS >= 253, "too few windows");
_Static_assert(252 - WINDOW_BITS * (WINDOWS - 1) < WINDOW_BITS, "the highest window is too large");

// Where the entries stand that eight lanes add, and in which lanes their opposites.
typedef struct {
    Lanes entries[STEPS];
    __mmask8 negated[STEPS];
} Steps;

// The neutral point as an entry: (y + x) / 2 = (y - x) / 2 = 1 / 2.
#define HALF LIMB_MASK - 8, LIMB_MASK, LIMB_MASK, LIMB_MASK, LIMB_MASK >> 1
static const uint64_t neutral[16] __attribute__((aligned(128))) = {HALF, HALF};

// The entries of eight scalars below l, each in the table that begins at its lane of `tables`.
LANES_TARGET static void cut(
    const Lanes words[4], Lanes tables, Lanes *entries, __mmask8 *negated) {
    // Of the digit 1 in the first window, less one.
    Lanes before = difference(tables, every(1 << ENTRY_BITS));
    __mmask8 carry = 0;
    UNROLLED for (int window = 0; window < WINDOWS; window++) {
        int word = window * WINDOW_BITS / 64, bit = window * WINDOW_BITS % 64;
        Lanes digit = _mm512_srli_epi64(words[word], bit);
        if (bit + WINDOW_BITS > 64 && word < 3)
            digit = either(digit, _mm512_slli_epi64(words[word + 1], 64 - bit));
        digit = both(digit, every((1 << WINDOW_BITS) - 1));
        digit = _mm512_mask_add_epi64(digit, carry, digit, every(1));
        carry = _mm512_cmpgt_epi64_mask(digit, every(DIGIT_MAX));
        digit = _mm512_mask_sub_epi64(digit, carry, every(1 << WINDOW_BITS), digit);
        Lanes entry = sum(before, _mm512_slli_epi64(digit, ENTRY_BITS));
        entries[window] = _mm512_mask_mov_epi64(
            entry, _mm512_testn_epi64_mask(digit, digit), every((uint64_t)neutral));
        negated[window] = carry;
        before = sum(before, every(DIGIT_MAX << ENTRY_BITS));
    }
}

// An entry in each lane: (y + x) / 2, (y - x) / 2 and dxy of its point, carried.
typedef struct {
    Field above, below, t;
} Entry;

// The entries at eight addresses; in the lanes of `negated` their opposites, which have the first
// two exchanged, and 2p less the third.
LANES Entry load(const Lanes *entries, __mmask8 negated) {
    const __m128i *const *rows = (const __m128i *const *)entries;
    Lanes columns[16];
    UNROLLED for (int pair = 0; pair < 8; pair++) {
        Lanes pairs[2] = {zeroes(), zeroes()};
        UNROLLED for (int row = 0; row < 8; row++)
            pairs[row & 1] = _mm512_mask_broadcast_i64x2(
                pairs[row & 1], (__mmask8)(3 << (row & 6)), _mm_load_si128(rows[row] + pair));
        columns[2 * pair] = _mm512_unpacklo_epi64(pairs[0], pairs[1]);
        columns[2 * pair + 1] = _mm512_unpackhi_epi64(pairs[0], pairs[1]);
    }
    Field twice = modulus(1);
    Entry entry;
    UNROLLED for (int place = 0; place < 5; place++) {
        Lanes above = columns[place], below = columns[5 + place], t = columns[10 + place];
        entry.above.limb[place] = _mm512_mask_mov_epi64(above, negated, below);
        entry.below.limb[place] = _mm512_mask_mov_epi64(below, negated, above);
        entry.t.limb[place] = _mm512_mask_sub_epi64(t, negated, twice.limb[place], t);
    }
    return entry;
}

// A point as a sum leaves it, in extended coordinates: loose, y and z with 2^10 p in them, so that
// every limb is above those of a product.
typedef struct {
    Field x, y, z, t;
} Point;

// The point of an entry.
LANES Point pointOf(Entry entry) {
    Field x = carried(less(plus(entry.above, modulus(2)), entry.below));
    Field y = carried(plus(entry.above, entry.below));
    Point point = {
        x, plus(y, modulus(10)), plus(fieldOf(1), modulus(10)), times(x, y)};
    return point;
}

// The sum of a point and that of an entry: Hisil, Wong, Carter and Dawson 2008, section 3.1, with
// k = 2d in the entry, whose Z is 1, and all four coordinates a fourth of those there.
LANES Point added(Point point, Entry entry) {
    Field a = times(carried(less(point.y, point.x)), entry.below);
    Field b = timesOver(modulus(9), carried(plus(point.y, point.x)), entry.above);
    Field c = times(carried(point.t), entry.t);
    Field e = carried(less(b, a)), f = carried(less(point.z, c));
    Field g = carried(plus(point.z, c)), h = carried(plus(b, a));
    Point result = {
        times(e, f), timesOver(modulus(9), g, h), timesOver(modulus(9), f, g), times(e, h)};
    return result;
}

// Additions between the fetch of an entry into the nearest cache and its use.
#define AHEAD 4

// Fetches the entries some steps ahead, and into the second cache those of this step of `next`.
LANES void fetch(const Steps *steps, const Steps *next, int step) {
    int ahead = step + AHEAD;
    const Lanes *soon = ahead < STEPS ? steps->entries + ahead : next->entries + ahead - STEPS;
    const Lanes *late = next->entries + step;
    UNROLLED for (int lane = 0; lane < 8; lane++) {
        __builtin_prefetch(((const uint8_t *const *)soon)[lane], 0, 3);
        __builtin_prefetch(((const uint8_t *const *)soon)[lane] + 64, 0, 3);
        __builtin_prefetch(((const uint8_t *const *)late)[lane], 0, 2);
        __builtin_prefetch(((const uint8_t *const *)late)[lane] + 64, 0, 2);
    }
}

// The sum of all steps; fetches what those of `next` are made of.
LANES_TARGET static void total(const Steps *steps, const Steps *next, Point *result) {
    Point point = pointOf(load(steps->entries, steps->negated[0]));
    for (int step = 1; step < STEPS; step++) {
        fetch(steps, next, step);
        point = added(point, load(steps->entries + step, steps->negated[step]));
    }
    *result = point;
}

// The signatures in the eight lanes, the last one again where some are missing.
typedef struct {
    const recount_signature *lane[8];
} Group;

static Group groupAt(const recount_signature *signatures, size_t count, size_t start) {
    Group group;
    for (size_t lane = 0; lane < 8; lane++)
        group.lane[lane] = signatures + (start + lane < count ? start + lane : count - 1);
    return group;
}

// The digests of what was signed, of as many blocks as each has.
LANES_TARGET static void digest(const Group *group, Lanes hash[8]) {
    UNROLLED for (int place = 0; place < 8; place++) hash[place] = every(initialHash[place]);
    for (size_t number = 0;; number++) {
        const uint8_t *blocks[8];
        __mmask8 hasMore = 0;
        for (int lane = 0; lane < 8; lane++) {
            const recount_signature *signature = group->lane[lane];
            int has = number < signature->blockCount;
            blocks[lane] = signature->blocks + 128 * (has ? number : 0);
            hasMore |= (__mmask8)(has << lane);
        }
        if (hasMore == 0) return;
        compress512(hash, blocks, hasMore);
    }
}

LANES_TARGET static void prepare(const Group *group, const void *generator, Steps *steps) {
    Lanes hash[8], challenge[4], rows[8];
    digest(group, hash);
    reduced(hash, challenge);
    for (int lane = 0; lane < 8; lane++) rows[lane] = _mm512_loadu_si512(group->lane[lane]);
    transpose(rows);
    // Now of all lanes: the table, the blocks, their number, and the scalar's four words.
    cut(challenge, rows[0], steps->entries, steps->negated);
    cut(rows + 3, every((uint64_t)generator), steps->entries + WINDOWS, steps->negated + WINDOWS);
}

// Writes the encodings of the points of all groups; one inversion in each lane (Montgomery 1987,
// section 10.3.1).
LANES_TARGET static void encode(
    const Point *points, size_t groups, recount_signature *signatures, size_t count) {
    Field products[GROUPS_MAX], all = fieldOf(1);
    for (size_t group = 0; group < groups; group++) {
        products[group] = all;
        all = product(all, carried(points[group].z));
    }
    Field inverted = inverse(all);
    for (size_t group = groups; group-- > 0;) {
        Field own = product(inverted, products[group]);
        inverted = product(inverted, carried(points[group].z));
        Lanes x[4], rows[8];
        canonical(product(carried(points[group].x), own), x);
        canonical(product(carried(points[group].y), own), rows);
        rows[3] = either(rows[3], _mm512_slli_epi64(x[0], 63));
        UNROLLED for (int word = 4; word < 8; word++) rows[word] = zeroes();
        transpose(rows);
        for (size_t lane = 0; lane < 8 && 8 * group + lane < count; lane++)
            memcpy(signatures[8 * group + lane].encoding, &rows[lane], 32);
    }
}

LANES_TARGET void recount_ed25519(
    const void *generator, recount_signature *signatures, size_t count) {
    if (count == 0) return;
    if (count > RECOUNT_SIGNATURES_MAX) abort();
    Point points[GROUPS_MAX];
    Steps steps[2];
    size_t groups = (count + 7) / 8;
    Group group = groupAt(signatures, count, 0);
    prepare(&group, generator, &steps[0]);
    for (size_t number = 0; number < groups; number++) {
        const Steps *own = &steps[number & 1];
        Steps *next = &steps[(number + 1) & 1];
        if (number + 1 < groups) {
            group = groupAt(signatures, count, 8 * (number + 1));
            prepare(&group, generator, next);
        }
        total(own, number + 1 < groups ? next : own, &points[number]);
    }
    encode(points, groups, signatures, count);
}

LANES_TARGET void recount_scalar25519(const uint8_t *digests, uint64_t *words) {
    Lanes rows[8];
    for (int lane = 0; lane < 8; lane++) rows[lane] = _mm512_loadu_si512(digests + 64 * lane);
    transpose(rows);
    UNROLLED for (int place = 0; place < 8; place++) rows[place] = swapped(rows[place]);
    reduced(rows, rows);
    transpose(rows);
    for (int lane = 0; lane < 8; lane++) memcpy(words + 4 * lane, &rows[lane], 32);
}

int recount_ed25519_is_there(void) {
    unsigned a, b, c, d, low, high;
    if (getenv("RECOUNT_PORTABLE")) return 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    // What the system saves of a thread: the registers of SSE and AVX, the masks, the upper halves
    // of the wide registers, and their second sixteen.
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0xe6) != 0xe6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    unsigned wanted =
        bit_AVX512F | bit_AVX512IFMA | bit_AVX512VL | bit_AVX512BW | bit_AVX512DQ;
    return (b & wanted) == wanted;
}

#else

int recount_ed25519_is_there(void) { return 0; }

void recount_ed25519(const void *generator, recount_signature *signatures, size_t count) {
    (void)generator, (void)signatures, (void)count;
    abort();
}

void recount_scalar25519(const uint8_t *digests, uint64_t *words) {
    (void)digests, (void)words;
    abort();
}

#endif
