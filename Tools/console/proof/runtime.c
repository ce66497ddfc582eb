// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// What the compiled verifier calls. The module verifies one proof and is thrown away: no memory is
// given back.

#include <stddef.h>
#include <stdint.h>

#define PAGE 65536u

extern uint8_t __heap_base;
static uintptr_t next;

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (next == 0) next = (uintptr_t)&__heap_base;
    uintptr_t start = (next + alignment - 1) & ~(uintptr_t)(alignment - 1);
    uintptr_t end = start + size;
    uintptr_t held = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
    if (start < next || end < start) return 12;
    if (end > held && __builtin_wasm_memory_grow(0, (end - held + PAGE - 1) / PAGE) == (size_t)-1) {
        return 12;
    }
    next = end;
    *result = (void *)start;
    return 0;
}

void *malloc(size_t size) {
    void *result = NULL;
    return posix_memalign(&result, 16, size) == 0 ? result : NULL;
}

void free(void *pointer) { (void)pointer; }

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    uint8_t *out = to;
    const uint8_t *in = from;
    for (size_t i = 0; i < count; i++) out[i] = in[i];
    return to;
}

void *memmove(void *to, const void *from, size_t count) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out <= in) {
        for (size_t i = 0; i < count; i++) out[i] = in[i];
    } else {
        for (size_t i = count; i-- > 0;) out[i] = in[i];
    }
    return to;
}

void *memset(void *to, int value, size_t count) {
    uint8_t *out = to;
    for (size_t i = 0; i < count; i++) out[i] = (uint8_t)value;
    return to;
}

int memcmp(const void *left, const void *right, size_t count) {
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

// A product of 128 bits, which clang asks for by this name.
typedef union {
    __int128 whole;
    struct {
        uint64_t low, high;
    } parts;
} wide;

__int128 __multi3(__int128 left, __int128 right) {
    wide a = {.whole = left}, b = {.whole = right}, result;
    const uint64_t mask = 0xffffffffu;
    uint64_t a0 = a.parts.low & mask, a1 = a.parts.low >> 32;
    uint64_t b0 = b.parts.low & mask, b1 = b.parts.low >> 32;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32);
    uint64_t cross = a0 * b1 + (middle & mask);
    result.parts.low = (cross << 32) | (low & mask);
    result.parts.high = a1 * b1 + (middle >> 32) + (cross >> 32) + a.parts.low * b.parts.high +
                        a.parts.high * b.parts.low;
    return result.whole;
}

// The seed of tables, which hold the points of one key here: no attacker gains by filling them.
void arc4random_buf(void *bytes, size_t count) { memset(bytes, 0x5a, count); }
