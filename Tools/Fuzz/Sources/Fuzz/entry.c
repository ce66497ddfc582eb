// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// What libFuzzer calls, handed on to Swift. See https://llvm.org/docs/LibFuzzer.html.

#include <stddef.h>
#include <stdint.h>

void recount_fuzz_begin(void);
void recount_fuzz(const uint8_t *bytes, ptrdiff_t count);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    recount_fuzz_begin();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    recount_fuzz(bytes, (ptrdiff_t)count);
    return 0;
}
