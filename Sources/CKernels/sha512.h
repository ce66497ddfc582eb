// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// SHA-512 of eight messages at once, one in each lane. For the kernels alone.

#ifndef RECOUNT_SHA512_H
#define RECOUNT_SHA512_H

#include "lanes.h"

#if defined(__x86_64__)

// The constants of FIPS 180-4, section 4.2.3.
static const uint64_t roundConstants[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

// The hash before the first block: section 5.3.5.
static const uint64_t initialHash[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

// x ^ y ^ z, (x & y) ^ (~x & z) and the majority of the three.
#define PARITY(x, y, z) _mm512_ternarylogic_epi64(x, y, z, 0x96)
#define CHOICE(x, y, z) _mm512_ternarylogic_epi64(x, y, z, 0xca)
#define MAJORITY(x, y, z) _mm512_ternarylogic_epi64(x, y, z, 0xe8)
#define RIGHT(x, bits) _mm512_ror_epi64(x, bits)

// Round `number` of the block, with its word; the words turn about by one place a round.
LANES void round512(Lanes state[8], Lanes word, int number, uint64_t constant) {
    Lanes *a = &state[-number & 7], *b = &state[(1 - number) & 7], *c = &state[(2 - number) & 7];
    Lanes *d = &state[(3 - number) & 7], *e = &state[(4 - number) & 7];
    Lanes *f = &state[(5 - number) & 7], *g = &state[(6 - number) & 7];
    Lanes *h = &state[(7 - number) & 7];
    Lanes first = sum(sum(*h, sum(word, every(constant))), CHOICE(*e, *f, *g));
    first = sum(first, PARITY(RIGHT(*e, 14), RIGHT(*e, 18), RIGHT(*e, 41)));
    Lanes second = sum(
        PARITY(RIGHT(*a, 28), RIGHT(*a, 34), RIGHT(*a, 39)), MAJORITY(*a, *b, *c));
    *d = sum(*d, first);
    *h = sum(first, second);
}

// The word sixteen rounds later, in the place of the word of round `number`.
LANES void nextWord(Lanes words[16], int number) {
    Lanes early = words[(number + 1) & 15], late = words[(number + 14) & 15];
    early = PARITY(RIGHT(early, 1), RIGHT(early, 8), _mm512_srli_epi64(early, 7));
    late = PARITY(RIGHT(late, 19), RIGHT(late, 61), _mm512_srli_epi64(late, 6));
    words[number] = sum(sum(words[number], early), sum(words[(number + 9) & 15], late));
}

// The bytes of each word in the opposite order.
LANES Lanes swapped(Lanes words) {
    return _mm512_shuffle_epi8(
        words, _mm512_broadcast_i32x4(_mm_set_epi64x(0x08090a0b0c0d0e0fLL, 0x0001020304050607LL)));
}

// Takes in a block of one hundred and twenty-eight bytes in each lane in which `isTaken` is one.
LANES_TARGET static void compress512(
    Lanes hash[8], const uint8_t *const blocks[8], __mmask8 isTaken) {
    Lanes words[16], state[8];
    for (int lane = 0; lane < 8; lane++) {
        words[lane] = _mm512_loadu_si512(blocks[lane]);
        words[8 + lane] = _mm512_loadu_si512(blocks[lane] + 64);
    }
    transpose(words);
    transpose(words + 8);
    UNROLLED for (int place = 0; place < 16; place++) words[place] = swapped(words[place]);
    UNROLLED for (int place = 0; place < 8; place++) state[place] = hash[place];
    for (int start = 0; start < 80; start += 16) {
        UNROLLED for (int number = 0; number < 16; number++) {
            round512(state, words[number], number, roundConstants[start + number]);
            nextWord(words, number);
        }
    }
    UNROLLED for (int place = 0; place < 8; place++)
        hash[place] = _mm512_mask_add_epi64(hash[place], isTaken, hash[place], state[place]);
}

#endif
#endif
