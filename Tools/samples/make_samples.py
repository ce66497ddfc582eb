#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Makes, or with --check verifies again, the sample withdrawals beside this file.

Proofs are made and checked by groth16py (arkworks), which shares nothing with the code under test:

    python3 -m venv .venv && .venv/bin/pip install groth16py==0.2.0
    .venv/bin/python Tools/samples/make_samples.py --check

The setup is made by one party, who could keep its secret and forge proofs: these keys are for
trying things out and for tests, and UNSAFE for anything of value. Setup and proofs draw on the
system's randomness, so a new run with the same seed gives the same notes and other proofs.
"""

import argparse
import json
import pathlib
import random
import re
import sys

from bn254 import P, R, point_outside_subgroup, poseidon

FOLDER = pathlib.Path(__file__).resolve().parent
DEPTH = 20
START_MILLISECONDS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
VALID_COUNT = 64
PUBLIC_INPUTS = ("root", "nullifier", "recipient", "amount")
ROOT, NULLIFIER, RECIPIENT, AMOUNT = range(4)


class Note:
    """What a depositor knows: a secret and an amount, and who is to be paid."""

    def __init__(self, generator):
        self.secret = generator.randrange(R)
        self.amount = generator.randrange(1, 1_000_000)
        self.recipient = address(generator)
        self.commitment = poseidon(1, self.secret, self.amount)


def address(generator):
    """Returns 32 bytes that read little-endian are below R."""
    return generator.randrange(R).to_bytes(32, "little")


class Tree:
    """A Merkle tree of `DEPTH` levels over the commitments of `notes`; empty leaves are 0."""

    def __init__(self, notes):
        self.notes = notes
        self.empty = [0]
        self.levels = [[note.commitment for note in notes]]
        for level in range(DEPTH):
            nodes, empty = self.levels[-1], self.empty[-1]
            nodes = nodes + [empty] * (len(nodes) % 2)
            pairs = zip(nodes[::2], nodes[1::2])
            self.levels.append([poseidon(left, right) for left, right in pairs])
            self.empty.append(poseidon(empty, empty))
        self.root = self.levels[-1][0]

    def withdrawal(self, position, recipient=None):
        """Returns the input signals of the circuit for the note at `position`."""
        note = self.notes[position]
        siblings = []
        for level in range(DEPTH):
            nodes, sibling = self.levels[level], position >> level ^ 1
            siblings.append(nodes[sibling] if sibling < len(nodes) else self.empty[level])
        return {
            "root": self.root,
            "nullifier": poseidon(2, note.secret, position),
            "recipient": int.from_bytes(recipient or note.recipient, "little"),
            "amount": note.amount,
            "secret": note.secret,
            "bits": [position >> level & 1 for level in range(DEPTH)],
            "siblings": siblings,
        }


def snarkjs_proof(blob):
    """Returns the snarkjs form of a proof in the 256-byte Ethereum form (G2 as c1, c0)."""
    ax, ay, bx1, bx0, by1, by0, cx, cy = (
        str(int.from_bytes(blob[offset:offset + 32], "big")) for offset in range(0, 256, 32))
    return {
        "pi_a": [ax, ay, "1"],
        "pi_b": [[bx0, bx1], [by0, by1], ["1", "0"]],
        "pi_c": [cx, cy, "1"],
        "protocol": "groth16",
        "curve": "bn128",
    }


class Maker:
    """Proves and checks, and gathers the lines."""

    def __init__(self, seed):
        import groth16py
        self.groth16py = groth16py
        self.generator = random.Random(seed)
        self.proving_key, self.key = groth16py.setup_circom(
            str(FOLDER / "withdraw.circom"), [groth16py.circomlib_path(2)])
        self.lines = []

    def valid(self, tree, position, recipient=None):
        """Returns a request with a genuine proof, which groth16py has accepted."""
        recipient = recipient or tree.notes[position].recipient
        signals = tree.withdrawal(position, recipient)
        request = {
            "circuit": "withdraw",
            "proof": snarkjs_proof(self.groth16py.prove(self.proving_key, signals)),
            "public_inputs": [str(signals[name]) for name in PUBLIC_INPUTS],
            "amount": signals["amount"],
            "recipient": recipient.hex(),
        }
        if verdict(self.groth16py.Verifier(self.key), request) != "true":
            raise ArithmeticError("the proof just made does not verify")
        print(f"proof {position} made and verified", file=sys.stderr)
        return request

    def add(self, request, note, outcome, reason=None):
        """Adds a line; the timestamp follows from its place in the file."""
        line = dict(request)
        line["timestamp"] = START_MILLISECONDS + 1000 * len(self.lines)
        line["note"] = note
        line["expect"] = {"outcome": outcome} | ({"reason": reason} if reason else {})
        self.lines.append(line)

    def again(self, index, note):
        """Adds the same request once more, to the millisecond."""
        self.lines.append(dict(self.lines[index], note=note))


def verdict(verifier, request):
    """Returns what groth16py says of a proof: "true", "false" or "unreadable"."""
    import groth16py
    proof, inputs = json.dumps(request["proof"]), json.dumps(request["public_inputs"])
    try:
        return "true" if verifier.verify_snarkjs(proof, inputs) else "false"
    except (groth16py.EncodingError, groth16py.VerificationError):
        return "unreadable"


def expected_verdict(request):
    """Returns the verdict on the proof that goes with the expectation of a line."""
    if request["expect"].get("reason", "").startswith("malformed"):
        return "unreadable"
    # The other refusals rest on what the ledger knows and say nothing of the proof.
    return "false" if request["expect"]["outcome"] == "rejected" else "true"


def changed(request, proof=None, inputs=None, **fields):
    """Returns a copy with parts of the proof, some public inputs and some fields replaced."""
    copy = json.loads(json.dumps(request))
    copy["proof"].update(proof or {})
    for index, value in (inputs or {}).items():
        copy["public_inputs"][index] = str(value)
    copy.update(fields)
    return copy


def false_proofs(genuine, other, thief):
    """Yields requests that decode, and whose proof is false. Each needs a note of its own."""
    a = genuine[0]["proof"]["pi_a"]
    negated = [a[0], str(P - int(a[1])), "1"]
    yield changed(genuine[0], {"pi_a": negated}), "tampered: A negated"
    yield changed(genuine[1], {"pi_b": other["proof"]["pi_b"]}), "tampered: B of another proof"
    yield changed(genuine[2], {"pi_c": other["proof"]["pi_c"]}), "tampered: C of another proof"
    yield changed(genuine[3], {"pi_c": ["1", "2", "1"]}), "tampered: C is the generator"
    yield changed(genuine[4], other["proof"]), "tampered: the whole proof of another withdrawal"
    yield (
        changed(genuine[5], inputs={RECIPIENT: int.from_bytes(thief, "little")},
                recipient=thief.hex()),
        "stolen: another's proof, the recipient changed in the field and in the public input")
    raised = genuine[6]["amount"] + 1
    yield (
        changed(genuine[6], inputs={AMOUNT: raised}, amount=raised),
        "raised: the amount changed in the field and in the public input")
    yield (
        changed(genuine[7], inputs={NULLIFIER: poseidon(2, 1, 1)}),
        "forged: a nullifier that is not the note's")


def malformed_proofs(genuine):
    """Yields requests whose proof cannot be read, all from one note that is never spent."""
    proof = genuine["proof"]
    a, c = proof["pi_a"], proof["pi_c"]
    yield (
        changed(genuine, {"pi_a": [a[0], str((int(a[1]) + 1) % P), "1"]}),
        "malformed: A is not on the curve")
    x, y = point_outside_subgroup()
    outside = [[str(x[0]), str(x[1])], [str(y[0]), str(y[1])], ["1", "0"]]
    yield changed(genuine, {"pi_b": outside}), "malformed: B is on the curve, not in the subgroup"
    yield (
        changed(genuine, {"pi_c": [str(int(c[0]) + P), c[1], "1"]}),
        "malformed: a coordinate of C is not below the modulus")


def contradictions(genuine, thief):
    """Yields requests whose fields contradict the public inputs of a genuine proof."""
    yield changed(genuine, recipient=thief.hex()), "changed recipient: only the field says so"
    yield changed(genuine, amount=genuine["amount"] + 1), "changed amount: only the field says so"
    wrapped = int.from_bytes(bytes.fromhex(genuine["recipient"]), "little") + R
    yield (
        changed(genuine, recipient=wrapped.to_bytes(32, "little").hex()),
        "changed recipient: the same field element, other bytes")


def make(seed):
    """Makes all the lines, with the hostile ones spread among the valid ones."""
    maker = Maker(seed)
    generator = maker.generator
    tree = Tree([Note(generator) for _ in range(VALID_COUNT + 10)])
    elsewhere = Tree([Note(generator) for _ in range(3)])
    thief = address(generator)

    spare = [maker.valid(tree, VALID_COUNT + index) for index in range(10)]
    unspent = spare[9]
    hostile = []
    for request, note in false_proofs(spare, spare[8], thief):
        hostile.append((request, note, "rejected", "approvalOutOfReach"))
    for request, note in malformed_proofs(unspent):
        hostile.append((request, note, "refused", "malformedProof"))
    for request, note in contradictions(unspent, thief):
        hostile.append((request, note, "refused", "contradictsRequest"))
    for index, name in (NULLIFIER, "nullifier"), (ROOT, "root"):
        beyond = int(unspent["public_inputs"][index]) + R
        hostile.append((
            changed(unspent, inputs={index: beyond}),
            f"non-canonical: {name} + r is the same field element", "refused", "malformedInput"))
    hostile.append((
        changed(unspent, public_inputs=unspent["public_inputs"][:3]),
        "malformed: a public input is missing", "refused", "malformedInput"))
    hostile.append((
        maker.valid(elsewhere, 1), "unknown root: a true proof against another tree",
        "refused", "unknownRoot"))

    for position in range(VALID_COUNT):
        maker.add(maker.valid(tree, position), f"withdrawal {position}", "approved")
        if position % 3 == 2 and hostile:
            maker.add(*hostile.pop(0))
    if hostile:
        raise IndexError("more hostile requests than places for them")
    first = next(i for i, line in enumerate(maker.lines) if line["note"] == "withdrawal 1")
    replayed = {key: maker.lines[first][key] for key in unspent}
    maker.add(replayed, "replayed: withdrawal 1 with another timestamp",
              "notApproved", "spentNullifier")
    maker.add(maker.valid(tree, 2, thief), "double spend: a true proof for the note of withdrawal "
              "2, to another recipient", "notApproved", "spentNullifier")
    maker.again(0, "duplicate: withdrawal 0 again")
    maker.again(3, "duplicate: the rejected request above again")
    return maker, tree.root


def check(requests, key):
    """Returns the lines on which groth16py and the expectation differ, and how many are true."""
    import groth16py
    verifier = groth16py.Verifier(key)
    wrong, count = [], 0
    for number, request in enumerate(requests, 1):
        found, expected = verdict(verifier, request), expected_verdict(request)
        count += found == "true"
        if found != expected:
            wrong.append(f"line {number} ({request['note']}): {found} instead of {expected}")
    return wrong, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--check", action="store_true", help="verify the committed files again")
    options = parser.parse_args()
    key_file = FOLDER / "withdraw_verification_key.json"
    requests_file = FOLDER / "requests.jsonl"

    try:
        import groth16py
    except ImportError:
        sys.exit("groth16py is missing: pip install groth16py==0.2.0 (see the top of this file)")
    if not options.check:
        maker, root = make(options.seed)
        key_file.write_text(json.dumps(json.loads(maker.key.to_json()), indent=1) + "\n")
        requests_file.write_text(
            "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in maker.lines))
        configuration = FOLDER / "recount.toml"
        configuration.write_text(re.sub(
            r'roots = \["\d*"\]', f'roots = ["{root}"]', configuration.read_text()))

    key = groth16py.VerifyingKey.from_snarkjs_file(str(key_file))
    requests = [json.loads(line) for line in requests_file.read_text().splitlines()]
    wrong, count = check(requests, key)
    print(*wrong, f"{len(requests)} requests, {count} with a true proof, {len(wrong)} not as "
          "expected", sep="\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
