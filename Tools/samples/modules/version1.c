// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// A module of interface 1: the input lies at 0, and 65,536 bytes from what it returns are the
// output. It gives the input back with small letters made capital; zeros follow.

#include "interface.h"

byte *EXPORT(execute)(byte *input, u32 count) {
    for (u32 i = 0; i < count; i++) {
        if (input[i] >= 'a' && input[i] <= 'z') input[i] -= 'a' - 'A';
    }
    return input;
}
