// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Arithmetic with instructions that not every processor has. Each kernel has a portable twin in
// Swift, which gives the same bytes and is taken where the kernel is not there.

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

#pragma clang assume_nonnull end

#endif
