// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Gives the input back in reverse. An empty input has an empty output.

#include "interface.h"

u64 EXPORT(execute)(const byte *input, u32 count) {
    byte *output = allocate(count);
    for (u32 i = 0; i < count; i++) output[i] = input[count - 1 - i];
    return output_at(output, count);
}
