// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define KERNEL __attribute__((target("sha,sse4.1,ssse3")))

// The constants of FIPS 180-4, section 4.2.2.
static const uint32_t constants[64] __attribute__((aligned(64))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The state as the instructions want it: a, b, e, f and c, d, g, h, each from the highest word.
typedef struct {
    __m128i abef, cdgh;
} State;

// FIPS 180-4, section 5.3.3.
KERNEL static inline State initial(void) {
    State state = {
        _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
        _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19)};
    return state;
}

// Swaps the bytes of each word.
KERNEL static inline __m128i swapped(__m128i words) {
    return _mm_shuffle_epi8(
        words, _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
}

KERNEL static inline void store(State state, uint8_t *digest) {
    __m128i feba = _mm_shuffle_epi32(state.abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
    __m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0);
    __m128i hgfe = _mm_alignr_epi8(dchg, feba, 8);
    _mm_storeu_si128((__m128i *)digest, swapped(dcba));
    _mm_storeu_si128((__m128i *)(digest + 16), swapped(hgfe));
}

KERNEL static inline void load(__m128i words[4], const uint8_t *block) {
    for (int place = 0; place < 4; place++)
        words[place] = swapped(_mm_loadu_si128((const __m128i *)block + place));
}

// Four rounds: with the words of this step, which become those of the step four later.
KERNEL static inline void step(State *state, __m128i words[4], int number) {
    __m128i sum = _mm_add_epi32(
        words[number & 3], _mm_load_si128((const __m128i *)constants + number));
    state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
    state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, _mm_shuffle_epi32(sum, 0x0e));
    if (number >= 12) return;
    __m128i last = words[(number + 3) & 3];
    __m128i next = _mm_sha256msg1_epu32(words[number & 3], words[(number + 1) & 3]);
    next = _mm_add_epi32(next, _mm_alignr_epi8(last, words[(number + 2) & 3], 4));
    words[number & 3] = _mm_sha256msg2_epu32(next, last);
}

KERNEL static inline State added(State one, State other) {
    State sum = {_mm_add_epi32(one.abef, other.abef), _mm_add_epi32(one.cdgh, other.cdgh)};
    return sum;
}

KERNEL static inline void compress(State *state, const uint8_t *block) {
    State next = *state;
    __m128i words[4];
    load(words, block);
#pragma clang loop unroll(full)
    for (int number = 0; number < 16; number++) step(&next, words, number);
    *state = added(next, *state);
}

// A block of each of two messages: the rounds of one run while those of the other wait.
KERNEL static inline void compressBoth(
    State *one, State *other, const uint8_t *left, const uint8_t *right) {
    State first = *one, second = *other;
    __m128i words[4], others[4];
    load(words, left);
    load(others, right);
#pragma clang loop unroll(full)
    for (int number = 0; number < 16; number++) {
        step(&first, words, number);
        step(&second, others, number);
    }
    *one = added(first, *one);
    *other = added(second, *other);
}

// A message, cut into blocks: those that lie in its bytes as they are hashed, and around them those
// that take a prefix or the padding in.
typedef struct {
    const uint8_t *bytes;
    size_t heads, whole, tails;
    uint8_t head[64], tail[128];
} Message;

static inline void cut(Message *message, int prefix, const uint8_t *bytes, size_t count) {
    size_t total = count + (prefix >= 0);
    size_t at = 0;
    message->heads = prefix >= 0 && count >= 63;
    if (message->heads) {
        message->head[0] = (uint8_t)prefix;
        memcpy(message->head + 1, bytes, 63);
        bytes += 63;
        count -= 63;
    } else if (prefix >= 0) {
        message->tail[at++] = (uint8_t)prefix;
    }
    message->bytes = bytes;
    message->whole = at == 0 ? count / 64 : 0;
    count -= 64 * message->whole;
    if (count > 0) memcpy(message->tail + at, bytes + 64 * message->whole, count);
    at += count;
    message->tail[at++] = 0x80;
    message->tails = at <= 56 ? 1 : 2;
    memset(message->tail + at, 0, 64 * message->tails - 8 - at);
    uint64_t bits = __builtin_bswap64((uint64_t)total * 8);
    memcpy(message->tail + 64 * message->tails - 8, &bits, 8);
}

static inline const uint8_t *blockAt(const Message *message, size_t place) {
    if (place < message->heads) return message->head;
    place -= message->heads;
    if (place < message->whole) return message->bytes + 64 * place;
    return message->tail + 64 * (place - message->whole);
}

static inline size_t blockCount(const Message *message) {
    return message->heads + message->whole + message->tails;
}

int recount_sha256_is_there(void) {
    unsigned a, b, c, d;
    if (getenv("RECOUNT_PORTABLE")) return 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

KERNEL void recount_sha256(int prefix, const uint8_t *bytes, size_t count, uint8_t *digest) {
    Message message;
    cut(&message, prefix, bytes, count);
    State state = initial();
    for (size_t place = 0; place < blockCount(&message); place++)
        compress(&state, blockAt(&message, place));
    store(state, digest);
}

KERNEL void recount_sha256_two(
    int prefix, const uint8_t *left, size_t leftCount, const uint8_t *right, size_t rightCount,
    uint8_t *digests) {
    Message one, other;
    cut(&one, prefix, left, leftCount);
    cut(&other, prefix, right, rightCount);
    State first = initial(), second = initial();
    size_t ones = blockCount(&one), others = blockCount(&other);
    size_t both = ones < others ? ones : others;
    for (size_t place = 0; place < both; place++)
        compressBoth(&first, &second, blockAt(&one, place), blockAt(&other, place));
    for (size_t place = both; place < ones; place++) compress(&first, blockAt(&one, place));
    for (size_t place = both; place < others; place++) compress(&second, blockAt(&other, place));
    store(first, digests);
    store(second, digests + 32);
}

#else

int recount_sha256_is_there(void) { return 0; }

void recount_sha256(int prefix, const uint8_t *bytes, size_t count, uint8_t *digest) {
    (void)prefix, (void)bytes, (void)count, (void)digest;
    abort();
}

void recount_sha256_two(
    int prefix, const uint8_t *left, size_t leftCount, const uint8_t *right, size_t rightCount,
    uint8_t *digests) {
    (void)prefix, (void)left, (void)leftCount, (void)right, (void)rightCount, (void)digests;
    abort();
}

#endif
