#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Leader rankings by the page Rules, written without sight of the Swift code.

Writes Tests/LedgerTests/Golden/leader.json: candidates, what is ranked for, and the ranking.
Standard library only; whole numbers of any size, so that nothing can overflow here.
"""

import hashlib
import json
import pathlib
import random
import struct

MEMBERS_MAX = 1000
REPUTATION_MAX = 100_000_000


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def seed(ledger: bytes, kind: int, tail: bytes) -> bytes:
    domain = b"recount/leader/v1"
    return sha(struct.pack("<I", len(domain)) + domain + ledger + bytes([kind]) + tail)


def rank(candidates, start, weights, raw):
    """Indices by H(seed || key) * weight, the largest first; a tie goes to the smaller key."""
    stake_weight, reputation_weight = weights
    stakes = sum(c["stake"] for c in candidates)
    reputations = sum(c["reputation"] for c in candidates)

    def score(c):
        if raw:
            weight = stake_weight * 1000 * c["stake"] + reputation_weight * c["reputation"]
        else:
            weight = (
                stake_weight * c["stake"] * reputations
                + reputation_weight * c["reputation"] * stakes
            )
        return int.from_bytes(sha(start + bytes.fromhex(c["key"])), "big") * weight

    ordered = sorted(candidates, key=lambda c: (-score(c), c["key"]))
    return [c["index"] for c in ordered]


def candidate(generator, index, stake, reputation):
    key = generator.randbytes(32).hex()
    return {"index": index, "key": key, "stake": stake, "reputation": reputation}


def crowd(stake):
    """A thousand members that the reader makes for itself from the same rule."""
    return [
        {
            "index": i,
            "key": sha(b"crowd" + struct.pack("<I", i)).hex(),
            "stake": stake(i),
            "reputation": REPUTATION_MAX - i,
        }
        for i in range(MEMBERS_MAX)
    ]


def case(generator, name, candidates, kind, weights=(700_000, 300_000), raw=False):
    ledger = generator.randbytes(32)
    number = generator.getrandbits(64)
    request = generator.randbytes(32)
    root = generator.randbytes(32)
    tail = [struct.pack("<Q", number), request, request + root][kind]
    ranking = rank(candidates, seed(ledger, kind, tail), weights, raw)
    return {
        "name": name,
        "ledger": ledger.hex(),
        "kind": kind,
        "height": str(number),
        "id": request.hex(),
        "root": root.hex(),
        "stakeWeight": weights[0],
        "reputationWeight": weights[1],
        "raw": raw,
        "candidates": [dict(c, stake=str(c["stake"])) for c in candidates]
        if len(candidates) < MEMBERS_MAX
        else [],
        "ranking": ranking,
    }


def main():
    generator = random.Random(2026)
    cases = []

    def some(count, stake, reputation):
        return [candidate(generator, i, stake(i), reputation(i)) for i in range(count)]

    for kind in range(3):
        for raw in (False, True):
            for count in (1, 2, 4, 10, 31):
                people = some(
                    count,
                    lambda _: generator.randrange(1, 10**9),
                    lambda _: generator.randrange(100_000, 10_000_001),
                )
                cases.append(case(generator, "random", people, kind, raw=raw))
    equal = some(10, lambda _: 100, lambda _: 1_000_000)
    cases.append(case(generator, "equal weights", equal, 0))
    nobody = some(5, lambda i: 0 if i else 1, lambda _: 1_000_000)
    cases.append(case(generator, "one has all stake", nobody, 1, weights=(1_000_000, 0)))
    cases.append(case(generator, "reputation alone", equal, 2, weights=(0, 1_000_000)))
    huge = some(4, lambda _: 2**62 - 1, lambda _: REPUTATION_MAX)
    for raw in (False, True):
        cases.append(case(generator, "largest stakes of four", huge, 0, raw=raw))
    even = crowd(lambda i: (2**64 - 1) // MEMBERS_MAX - i)
    for raw in (False, True):
        cases.append(case(generator, "largest crowd", even, 0, raw=raw))
    lopsided = crowd(lambda i: 0 if i else 2**64 - 1)
    cases.append(case(generator, "all stake with one of a crowd", lopsided, 0))

    folder = pathlib.Path(__file__).resolve().parents[2] / "Tests/LedgerTests/Golden"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "leader.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
