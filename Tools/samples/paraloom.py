#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Prints requests for paraloom.toml, made from the Paraloom settlement proofs.

    python3 Tools/samples/paraloom.py [VECTORS] > requests-paraloom.jsonl

VECTORS is the folder with the third-party proofs; without it `RECOUNT_VECTORS/groth16/paraloom` or
`shared/vectors/groth16/paraloom` beside the checkout is read. Nothing of it is kept here.
"""

import hashlib
import json
import os
import pathlib
import sys

from bn254 import P, R

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
START_MILLISECONDS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
AMOUNT = 500
# Whom each settlement pays: 32 bytes. The proof binds SHA-256(recipient || -amount).
CASES = {"native": "03" * 32, "spl": "22" * 32}
EXTERNAL_DATA_HASH, NULLIFIERS = 2, (4, 5)


def external_data_hash(recipient, amount):
    """Returns SHA-256(recipient || i64 LE of -amount), read little-endian, mod R."""
    data = bytes.fromhex(recipient) + (-amount).to_bytes(8, "little", signed=True)
    return int.from_bytes(hashlib.sha256(data).digest(), "little") % R


def requests(folder):
    """Yields each settlement, after hostile copies of it."""
    for name, recipient in CASES.items():
        proof = json.loads((folder / f"transact_{name}.proof.json").read_text())
        inputs = json.loads((folder / f"transact_{name}.public.json").read_text())
        if int(inputs[EXTERNAL_DATA_HASH]) != external_data_hash(recipient, AMOUNT):
            sys.exit(f"{folder}: transact_{name} pays somebody else than expected")
        genuine = {
            "circuit": f"paraloom-{name}", "proof": proof, "public_inputs": inputs,
            "amount": AMOUNT, "recipient": recipient,
        }
        # Nullifiers of their own keep the false ones apart from the true one, which spends its.
        apart = list(inputs)
        for index in NULLIFIERS:
            apart[index] = str((int(inputs[index]) + 1) % R)
        thief = "04" * 32
        stolen = list(apart)
        stolen[EXTERNAL_DATA_HASH] = str(external_data_hash(thief, AMOUNT))
        a = proof["pi_a"]
        negated = dict(proof, pi_a=[a[0], str(P - int(a[1])), "1"])
        false = {"outcome": "rejected", "reason": "approvalOutOfReach"}
        contradiction = {"outcome": "refused", "reason": "contradictsRequest"}
        for note, expect, changes in (
            ("forged nullifiers", false, {"public_inputs": apart}),
            ("A negated", false, {"public_inputs": apart, "proof": negated}),
            ("stolen: another recipient", false, {"public_inputs": stolen, "recipient": thief}),
            ("changed recipient: only the field says so", contradiction, {"recipient": thief}),
            ("changed amount: only the field says so", contradiction, {"amount": AMOUNT + 1}),
            ("as published", {"outcome": "approved"}, {}),
        ):
            yield dict(genuine, **changes) | {"note": f"{name}: {note}", "expect": expect}


def main():
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1])
    else:
        vectors = os.environ.get("RECOUNT_VECTORS", REPOSITORY.parent / "shared" / "vectors")
        folder = pathlib.Path(vectors) / "groth16" / "paraloom"
    if not (folder / "transact_native.proof.json").exists():
        sys.exit(f"no settlement proofs at {folder}")
    for index, request in enumerate(requests(folder)):
        timed = dict(request, timestamp=START_MILLISECONDS + 1000 * index)
        print(json.dumps(timed, separators=(",", ":")))


if __name__ == "__main__":
    main()
