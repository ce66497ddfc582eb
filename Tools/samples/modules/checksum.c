// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Gives the SHA-256 of the input (FIPS 180-4) as 64 hexadecimal digits.

#include "interface.h"

// The first 32 bits of the fractions of the cube roots of the first 64 primes.
static const u32 constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static u32 rotated(u32 word, u32 places) { return word >> places | word << (32 - places); }

static void add_block(u32 state[8], const byte *block) {
    u32 words[64];
    for (u32 i = 0; i < 16; i++) {
        const byte *four = block + 4 * i;
        words[i] = (u32)four[0] << 24 | (u32)four[1] << 16 | (u32)four[2] << 8 | four[3];
    }
    for (u32 i = 16; i < 64; i++) {
        u32 early = words[i - 15], late = words[i - 2];
        words[i] = words[i - 16] + words[i - 7]
            + (rotated(early, 7) ^ rotated(early, 18) ^ early >> 3)
            + (rotated(late, 17) ^ rotated(late, 19) ^ late >> 10);
    }
    u32 a = state[0], b = state[1], c = state[2], d = state[3];
    u32 e = state[4], f = state[5], g = state[6], h = state[7];
    for (u32 i = 0; i < 64; i++) {
        u32 one = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g))
            + constants[i] + words[i];
        u32 two = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22))
            + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

u64 EXPORT(execute)(const byte *input, u32 count) {
    u32 state[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    u32 done = 0;
    for (; count - done >= 64; done += 64) add_block(state, input + done);

    // The rest, a bit that is set, zeros, and the length in bits: one block or two.
    byte tail[128] = {0};
    u32 rest = count - done;
    for (u32 i = 0; i < rest; i++) tail[i] = input[done + i];
    tail[rest] = 0x80;
    u32 size = rest < 56 ? 64 : 128;
    for (u32 i = 0; i < 8; i++) tail[size - 1 - i] = (byte)((u64)count * 8 >> 8 * i);
    for (u32 i = 0; i < size; i += 64) add_block(state, tail + i);

    byte *output = allocate(64);
    for (u32 i = 0; i < 64; i++) output[i] = "0123456789abcdef"[state[i / 8] >> (28 - i % 8 * 4) & 15];
    return output_at(output, 64);
}
