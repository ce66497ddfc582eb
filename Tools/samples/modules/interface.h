// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Interface 2 of a module: what it exports besides its memory, and the one thing it may import.

#pragma once

typedef unsigned char byte;
typedef unsigned int u32;
typedef unsigned long long u64;

_Static_assert(sizeof(void *) == 4 && sizeof(u32) == 4 && sizeof(u64) == 8, "for wasm32");

/// Exports a function under its own name.
#define EXPORT(name) __attribute__((export_name(#name), used)) name

/// Gives a line to the log of the job. A validator keeps the first lines, and cuts long ones.
__attribute__((import_module("env"), import_name("log")))
void host_log(const byte *line, u32 count);

/// Returns memory that nobody else has. Traps where there is no more.
byte *allocate(u32 count);

/// Where an output lies, in the form that `execute` returns: the length above, the pointer below.
static inline u64 output_at(const byte *pointer, u32 count) {
    return (u64)count << 32 | (u32)pointer;
}
