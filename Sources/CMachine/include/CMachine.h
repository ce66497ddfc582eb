// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#ifndef RECOUNT_CMACHINE_H
#define RECOUNT_CMACHINE_H

/// Whether something keeps the wall clock right, such as NTP: 1 or 0; -1 where the system does not
/// say. Changes nothing.
int recount_clock_is_steered(void);

#endif
