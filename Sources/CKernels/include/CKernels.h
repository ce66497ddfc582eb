// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Arithmetic with instructions that not every processor has. Each kernel has a portable twin in
// Swift, which gives the same bytes and is taken where the kernel is not there. Those that lay rows
// in columns are of the language alone, for every processor, and have none.

#ifndef RECOUNT_KERNELS_H
#define RECOUNT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Whether the processor has the SHA extensions, and `RECOUNT_PORTABLE` is not set.
int recount_sha256_is_there(void);

/// SHA-256 (FIPS 180-4) of a prefix byte, where `prefix` is not negative, and of `count` bytes.
/// Writes 32 bytes. Must not be called where the kernel is not there.
void recount_sha256(int prefix, const uint8_t *_Nullable bytes, size_t count, uint8_t *digest);

/// The same of two messages at once: the instructions of one run while those of the other wait.
/// Writes 64 bytes.
void recount_sha256_two(
    int prefix, const uint8_t *_Nullable left, size_t leftCount, const uint8_t *_Nullable right,
    size_t rightCount, uint8_t *digests);

/// Bits of a digit of a scalar in tables of multiples, and how many digits a scalar has.
#define RECOUNT_WINDOW_BITS 11
#define RECOUNT_WINDOWS 23

/// Signatures of one call.
#define RECOUNT_SIGNATURES_MAX 256

/// A signature to be checked by the table of its key's opposite.
typedef struct {
    /// The table of the opposite of the key. That of a point P has, for each window i and each
    /// digit m from 1 to 2^(bits - 1), an entry of m * 2^(bits * i) * P: one hundred and
    /// twenty-eight bytes, aligned so, which begin with (y + x) / 2, (y - x) / 2 and dxy, each
    /// five words of fifty-one bits, the least significant first. All are below 2^52.
    const void *table;
    /// R, the key and the message as SHA-512 pads them, in blocks of one hundred and twenty-eight
    /// bytes.
    const uint8_t *blocks;
    size_t blockCount;
    /// S, least significant word first; must be below the group's order.
    uint64_t scalar[4];
    /// Gets the encoding of S*B - k*A.
    uint64_t encoding[4];
} recount_signature;

/// Whether the processor has AVX-512 IFMA, and `RECOUNT_PORTABLE` is not set.
int recount_ed25519_is_there(void);

/// Writes for each signature the encoding of S times the point of the table `generator` plus k
/// times that of its own table, where k is the digest of its blocks modulo the group's order.
///
/// At most `RECOUNT_SIGNATURES_MAX`, of any keys; eight are computed at a time. Must not be called
/// where the kernel is not there.
void recount_ed25519(const void *generator, recount_signature *signatures, size_t count);

/// Reduces eight digests of sixty-four bytes, each one little-endian integer, modulo the group's
/// order: writes four words for each. For tests; the kernel above does the same within.
void recount_scalar25519(const uint8_t *digests, uint64_t *words);

// BN254 in eight lanes (AVX-512 IFMA). Field elements are those of Swift: four limbs of 64 bits,
// least significant first, below the modulus, in Montgomery form with radix 2^256. Points are their
// coordinates one after the other, those of the quadratic extension with the part without u first.
// Nothing is constant-time, and nothing may be called where the kernels are not there.

/// Whether the processor has AVX-512 IFMA and the system keeps its registers, and
/// `RECOUNT_PORTABLE` is not set.
int recount_bn254_is_there(void);

/// Replaces `count` elements of the base field by their powers of (p - 3) / 4.
void recount_bn254_progenitors(uint64_t *numbers, size_t count);

/// The hard part of the final exponentiation: an element of the extension of degree twelve, of
/// which the power p^4 - p^2 + 1 is one, to the power 2 u (6 u^2 + 3 u + 1) (p^4 - p^2 + 1) / r.
void recount_bn254_hard_part(const uint64_t *base, uint64_t *result);

/// Multiplies `count` points of G1, affine and not at infinity, each by two halves of 64 bits: with
/// the digits d of four bits of the lower, and e of the higher half, by the sum of 16^i (2 d - 15)
/// and of lambda 16^i (2 e - 15). Writes Jacobian coordinates, 12 limbs each, where z is zero for
/// a sum that came upon a point twice, and may be any sum.
void recount_bn254_multiples_of(
    const uint64_t *points, const uint64_t *weights, size_t count, uint64_t *results);

/// Adds the multiples of 1 to `RECOUNT_BN254_PAIRS_MAX` points up in eight sums or, below eight
/// points, in as many as there are, of which number i has the points i, i + 8 ...
void recount_bn254_sums(
    const uint64_t *points, const uint64_t *weights, size_t count, uint64_t *results);

/// Adds `count` points of G1, affine and not at infinity, up in as many sums of the same kind.
void recount_bn254_add(const uint64_t *points, size_t count, uint64_t *results);

/// How many points or pairs of points one call takes.
#define RECOUNT_BN254_PAIRS_MAX 128

/// Runs the Miller loops of `count` pairs, 1 to `RECOUNT_BN254_PAIRS_MAX`, of a point of G1 and one
/// of the twist, both affine and neither at infinity. Writes eight elements of the extension of
/// degree twelve (48 limbs each), of which lane i is the product of the loops i, i + 8 ..., up to
/// a factor that the final exponentiation takes to one; and for each pair 1 where the second point
/// is of order r, else 0, where its loop may be any element.
void recount_bn254_miller_loops(
    const uint64_t *first, const uint64_t *second, size_t count, uint64_t *products,
    uint8_t *memberships);

/// How many pairs `recount_bn254_miller_loop` takes whose lines are not known, and whose are.
#define RECOUNT_BN254_MOVING_MAX 4
#define RECOUNT_BN254_FIXED_MAX 4

/// How many lines a loop has.
#define RECOUNT_BN254_LINES 88

/// The product of the Miller loops of `count` pairs as in `recount_bn254_miller_loops`, and of
/// `fixedCount` points of G1 with known lines: each by x / y and 1 / y in `scales`, and by
/// `RECOUNT_BN254_LINES` lines in the order of the loop, factor of w and factor of w^3, in `lines`.
/// Writes one element, and memberships as there. For few pairs faster.
void recount_bn254_miller_loop(
    const uint64_t *_Nullable first, const uint64_t *_Nullable second, size_t count,
    const uint64_t *_Nullable scales, const uint64_t *_Nullable lines, size_t fixedCount,
    uint64_t *product, uint8_t *memberships);

/// Whether a point of the twist, affine and not at infinity, is of order r.
int recount_bn254_is_member(const uint64_t *point);

/// Lays the first bytes of rows in columns: byte i of row r, which begins at `source[rows[r]]`, goes
/// to `columns[i * count + r]`. There are `count` rows, and each has `width` bytes at least.
void recount_columns(
    const uint8_t *source, const size_t *rows, size_t count, size_t width, uint8_t *columns);

/// The opposite: byte i of row r comes from `columns[i * count + r]`, and goes to
/// `target[rows[r] + i]`; no others of `target` are touched.
void recount_rows(
    const uint8_t *columns, size_t count, size_t width, uint8_t *target, const size_t *rows);

#pragma clang assume_nonnull end

#endif
