// Recount: the interface of libsodium, as the system installs it.
// SPDX-License-Identifier: Apache-2.0

#include <sodium.h>
