// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// What the Miller loops of BN254 know of the twist, in the form of bn254_lanes.h.

#ifndef RECOUNT_BN254_TWIST_H
#define RECOUNT_BN254_TWIST_H

#include "bn254_lanes.h"

#if defined(__x86_64__)

// 3 b, where the twist is y^2 = x^3 + b and b = 3 / (9 + u).
static const Constant thriceTwist[2] = {
    {0x6f77000ece184ULL, 0xe7799f259eca2ULL, 0xfcf04d713e21aULL,
     0xe995732cf638ULL, 0x25ca2144fde5ULL},
    {0xbda5080f2e609ULL, 0xfa4e30b11d6f5ULL, 0xebec79585a03cULL,
     0xde6ea586e3bffULL, 0xbee883b1268ULL}};
// (9 + u) to the power of 2 (p - 1) / 6.
static const Constant once2[2] = {
    {0xf504d9252c8c8ULL, 0xff5717f0e1766ULL, 0x6d5d6268bedc7ULL,
     0x4d79dd84e4be3ULL, 0x124959ea0e94ULL},
    {0x360d7e4c8961cULL, 0x7ba33957816cULL, 0xbfc7f4787b6b8ULL,
     0x3a46caadf8519ULL, 0x21e14e5259dbULL}};
// (9 + u) to the power of 3 (p - 1) / 6.
static const Constant once3[2] = {
    {0x73fb06d8f833cULL, 0x5d2de62e1f7a3ULL, 0x435120898fe17ULL,
     0xbde76d9d6e18ULL, 0xea35e87c1bcULL},
    {0x25062911a28eULL, 0x23cc340a00d3bULL, 0x2daf19231ebfdULL,
     0x2a7ebd080280aULL, 0x22f5b5e00d39ULL}};
// (9 + u) to the power of 2 (p^2 - 1) / 6, which has no u.
static const Constant twice2 =
    {0x5f7cf18a4da6cULL, 0xfcd08fecf4638ULL, 0xf454044c2d458ULL,
     0xfc115c5806fd4ULL, 0x237ab40d91cdULL};
// (9 + u) to the power of 2 (p^3 - 1) / 6.
static const Constant thrice2[2] = {
    {0xcb68cf5f4d60aULL, 0xf695f441a841aULL, 0x57f0ba3460958ULL,
     0xb6806bc83d2d1ULL, 0x1e88d7016849ULL},
    {0xe1caf37242ebULL, 0x638121552317aULL, 0x2443d5accb918ULL,
     0xe4d97570b790cULL, 0x13334b7b9de7ULL}};
// (9 + u) to the power of 3 (p^3 - 1) / 6.
static const Constant thrice3[2] = {
    {0x94c666aed7a0bULL, 0x343a8b9c6dc1eULL, 0xd4c4654fe8353ULL,
     0x944b41766ed4fULL, 0x21c0efeb1f75ULL},
    {0x6710af6b5ab9ULL, 0x6d9c3dc08c687ULL, 0xea666cb65956dULL,
     0x75aafb484335dULL, 0xd6e9892d3f8ULL}};

// 6 u + 2 in non-adjacent form below its highest digit, the highest first.
static const int8_t digits[65] = {
    0, -1, 0, 1, 0, 0, 0, -1, 0, -1, 0, 0, 0, -1, 0, 1, 0, -1, 0, 0, -1, 0,
    0, 0, 0, 0, 1, 0, 0, -1, 0, 1, 0, 0, -1, 0, 0, 0, 0, -1, 0, 1, 0, 0,
    0, -1, 0, -1, 0, 0, 1, 0, 0, 0, -1, 0, 0, -1, 0, 1, 0, 1, 0, 0, 0};

#endif
#endif
