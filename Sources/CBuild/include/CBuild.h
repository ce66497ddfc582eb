// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#ifndef RECOUNT_CBUILD_H
#define RECOUNT_CBUILD_H

/// The commit that the program was built from, in hexadecimal digits; empty where the build was
/// not told. The text lives as long as the process.
const char *recount_commit(void);

#endif
