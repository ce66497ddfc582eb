// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CBuild.h"

// In C, since a text can be defined there from outside, and in a target of its own: with another
// commit this file is compiled again, and of Swift the command line alone.
const char *recount_commit(void) { return RECOUNT_COMMIT; }
