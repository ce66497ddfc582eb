// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"

#include <stdlib.h>

#if defined(__x86_64__)
#include <cpuid.h>

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
