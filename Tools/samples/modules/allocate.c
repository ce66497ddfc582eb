// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Memory that is only ever given out: an instance serves one job and is thrown away.

#include "interface.h"

extern byte __heap_base;  // the linker's: the first byte behind the data and the stack

static u32 next;

byte *EXPORT(allocate)(u32 count) {
    if (next == 0) next = (u32)&__heap_base;
    u64 start = ((u64)next + 15) & ~15ull;
    u64 end = start + count;
    u64 size = (u64)__builtin_wasm_memory_size(0) << 16;
    if (end > size) {
        u64 pages = (end - size + 65535) >> 16;
        if (pages > 65536) __builtin_trap();
        if (__builtin_wasm_memory_grow(0, (u32)pages) == (u32)-1) __builtin_trap();
    }
    // 4 GiB, a full memory, would read as nothing given out yet.
    if (end > 0xffffffff) __builtin_trap();
    next = (u32)end;
    return (byte *)(u32)start;
}
