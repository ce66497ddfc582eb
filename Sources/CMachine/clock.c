// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CMachine.h"

#if defined(__linux__)

// In C, since the module that Swift has of the C library leaves this header out.
#include <sys/timex.h>

int recount_clock_is_steered(void) {
    struct timex reading = {.modes = 0};
    int state = adjtimex(&reading);
    if (state < 0) return -1;
    return state != TIME_ERROR && !(reading.status & STA_UNSYNC);
}

#else

int recount_clock_is_steered(void) { return -1; }

#endif
