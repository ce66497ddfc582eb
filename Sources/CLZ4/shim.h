// Recount: the interface of LZ4 block compression, as the system installs it.
// SPDX-License-Identifier: Apache-2.0

#include <lz4.h>
#include <lz4hc.h>
