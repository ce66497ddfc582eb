// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"
#include "bn254_lanes.h"

#include <stdlib.h>

#if defined(__x86_64__)
#include <cpuid.h>

const Constant recount_bn254_multiples[26] = {
    {0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL, 0x0ULL},
    {0x8c16d87cfd47ULL, 0x916871ca8d3c2ULL, 0x181585d97816aULL,
     0xa029b85045b68ULL, 0x30644e72e131ULL},
    {0x1182db0f9fa8eULL, 0x22d0e3951a784ULL, 0x302b0bb2f02d5ULL,
     0x405370a08b6d0ULL, 0x60c89ce5c263ULL},
    {0x1a4448976f7d5ULL, 0xb439555fa7b46ULL, 0x4840918c6843fULL,
     0xe07d28f0d1238ULL, 0x912ceb58a394ULL},
    {0x2305b61f3f51cULL, 0x45a1c72a34f08ULL, 0x60561765e05aaULL,
     0x80a6e14116da0ULL, 0xc19139cb84c6ULL},
    {0x2bc723a70f263ULL, 0xd70a38f4c22caULL, 0x786b9d3f58714ULL,
     0x20d099915c908ULL, 0xf1f5883e65f8ULL},
    {0x3488912edefaaULL, 0x6872aabf4f68cULL, 0x90812318d087fULL,
     0xc0fa51e1a2470ULL, 0x12259d6b14729ULL},
    {0x3d49feb6aecf1ULL, 0xf9db1c89dca4eULL, 0xa896a8f2489e9ULL,
     0x61240a31e7fd8ULL, 0x152be2524285bULL},
    {0x460b6c3e7ea38ULL, 0x8b438e5469e10ULL, 0xc0ac2ecbc0b54ULL,
     0x14dc2822db40ULL, 0x183227397098dULL},
    {0x4eccd9c64e77fULL, 0x1cac001ef71d2ULL, 0xd8c1b4a538cbfULL,
     0xa1777ad2736a8ULL, 0x1b386c209eabeULL},
    {0x578e474e1e4c6ULL, 0xae1471e984594ULL, 0xf0d73a7eb0e29ULL,
     0x41a13322b9210ULL, 0x1e3eb107ccbf0ULL},
    {0x604fb4d5ee20dULL, 0x3f7ce3b411956ULL, 0x8ecc05828f94ULL,
     0xe1caeb72fed79ULL, 0x2144f5eefad21ULL},
    {0x6911225dbdf54ULL, 0xd0e5557e9ed18ULL, 0x21024631a10feULL,
     0x81f4a3c3448e1ULL, 0x244b3ad628e53ULL},
    {0x71d28fe58dc9bULL, 0x624dc7492c0daULL, 0x3917cc0b19269ULL,
     0x221e5c138a449ULL, 0x27517fbd56f85ULL},
    {0x7a93fd6d5d9e2ULL, 0xf3b63913b949cULL, 0x512d51e4913d3ULL,
     0xc2481463cffb1ULL, 0x2a57c4a4850b6ULL},
    {0x83556af52d729ULL, 0x851eaade4685eULL, 0x6942d7be0953eULL,
     0x6271ccb415b19ULL, 0x2d5e098bb31e8ULL},
    {0x8c16d87cfd470ULL, 0x16871ca8d3c20ULL, 0x81585d97816a9ULL,
     0x29b85045b681ULL, 0x30644e72e131aULL},
    {0x94d84604cd1b7ULL, 0xa7ef8e7360fe2ULL, 0x996de370f9813ULL,
     0xa2c53d54a11e9ULL, 0x336a935a0f44bULL},
    {0x9d99b38c9cefeULL, 0x3958003dee3a4ULL, 0xb183694a7197eULL,
     0x42eef5a4e6d51ULL, 0x3670d8413d57dULL},
    {0xa65b21146cc45ULL, 0xcac072087b766ULL, 0xc998ef23e9ae8ULL,
     0xe318adf52c8b9ULL, 0x39771d286b6aeULL},
    {0xaf1c8e9c3c98cULL, 0x5c28e3d308b28ULL, 0xe1ae74fd61c53ULL,
     0x8342664572421ULL, 0x3c7d620f997e0ULL},
    {0xb7ddfc240c6d3ULL, 0xed91559d95eeaULL, 0xf9c3fad6d9dbdULL,
     0x236c1e95b7f89ULL, 0x3f83a6f6c7912ULL},
    {0xc09f69abdc41aULL, 0x7ef9c768232acULL, 0x11d980b051f28ULL,
     0xc395d6e5fdaf2ULL, 0x4289ebddf5a43ULL},
    {0xc960d733ac161ULL, 0x10623932b066eULL, 0x29ef0689ca093ULL,
     0x63bf8f364365aULL, 0x459030c523b75ULL},
    {0xd22244bb7bea8ULL, 0xa1caaafd3da30ULL, 0x42048c63421fdULL,
     0x3e94786891c2ULL, 0x489675ac51ca7ULL},
    {0xdae3b2434bbefULL, 0x33331cc7cadf2ULL, 0x5a1a123cba368ULL,
     0xa412ffd6ced2aULL, 0x4b9cba937fdd8ULL}};

const Constant recount_bn254_one = {
    0x20880f6fce4b4ULL, 0x49baa989a8455ULL, 0x18f014a498908ULL,
    0x724f85a9201d8ULL, 0x1f16424e1bb7ULL};

// The registers that the system keeps for a process (XCR0): bits 1, 2 and 5 to 7 for AVX-512.
static inline int keepsRegisters(void) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 0xe6) == 0xe6;
}

int recount_bn254_is_there(void) {
    unsigned a, b, c, d;
    if (getenv("RECOUNT_PORTABLE")) return 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !keepsRegisters()) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    unsigned needed = bit_AVX512F | bit_AVX512DQ | bit_AVX512IFMA | bit_AVX512VL;
    return (b & needed) == needed;
}

#else

int recount_bn254_is_there(void) { return 0; }

#endif
