#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""A client of a node's HTTP API: signs requests, hands them in, follows them, fetches certificates.

    python3 -m venv venv && venv/bin/pip install pynacl
    venv/bin/python Tools/client/recount_client.py http://127.0.0.1:5100 \\
        --submitter net/submitters/submitter --key-file net.key \\
        --recount .build/release/recount --policy 7-of-10 Tools/samples/requests.jsonl

Prints a line for each request: its identity, its outcome, and whether its certificate was verified.
Where it verifies certificates it believes the node in nothing: `recount certificate verify`
recounts what one says, and it is to be of this request, of this outcome, and with --ledger-id of
your ledger.
Ends with 0 where all is as the line's "expect" says, else with 1.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from nacl.secret import SecretBox
from nacl.signing import SigningKey

FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
ANSWER_BYTES_MAX = 32 << 20


class Refused(Exception):
    """The node says no, for good."""


class Node:
    """A node by its address."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def open(self, path, body=None, seconds=90, headers=None):
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {})
        return urllib.request.urlopen(request, timeout=seconds)

    def ask(self, path, body=None, kind="application/json"):
        """The bytes of an answer; waits and asks again where the node has too much to do."""
        while True:
            try:
                headers = {"Content-Type": kind} if body is not None else {}
                with self.open(path, body, headers=headers) as answer:
                    return answer.read(ANSWER_BYTES_MAX)
            except urllib.error.HTTPError as error:
                text = error.read(1 << 16).decode(errors="replace")
                if error.code in (409, 429, 503):
                    time.sleep(int(error.headers.get("Retry-After") or 1))
                    continue
                if error.code in (403, 422):
                    raise Refused(json.loads(text)["error"]) from None
                raise SystemExit(f"{self.url}{path}: {error.code} {text!r}") from None

    def json(self, path, body=None):
        return json.loads(self.ask(path, None if body is None else json.dumps(body).encode()))

    def events(self, start):
        """Entries as they come, from one on: server-sent events."""
        with self.open(f"/events?from={start}", headers={"Accept": "text/event-stream"}) as lines:
            for line in lines:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])


def unsealed(home, key_file):
    """The key of a submitter's folder: a box under the 32 bytes of the key file."""
    sealed = next(pathlib.Path(home, "keys").glob("*.key")).read_bytes()
    if sealed[:9] != b"RCNTKEY1\x02":
        raise SystemExit(f"{home}: the key is not sealed by a key file")
    box = SecretBox(bytes.fromhex(pathlib.Path(key_file).read_text("ascii").strip()))
    return SigningKey(box.decrypt(sealed[65:], sealed[41:65]))


def number(value, size):
    return int(value).to_bytes(size, "little")


def count(items):
    return number(len(items), 4)


def listed(numbers):
    return count(numbers) + b"".join(number(value, 32) for value in numbers)


def point(x, y):
    """The compressed form: x, and in the last byte whether y is the larger of both."""
    larger = next((value > FIELD - value for value in reversed(y) if value), False)
    form = bytearray(b"".join(number(value, 32) for value in x))
    form[-1] |= 0x80 if larger else 0
    return bytes(form)


def compressed(proof):
    a, b, c = ([[int(v) for v in (p if isinstance(p, list) else [p])] for p in proof[name][:2]]
               for name in ("pi_a", "pi_b", "pi_c"))
    return point(*a) + point(*b) + point(*c)


def signed(line, ledger, circuit, key):
    """The line with its submitter, its signature, and its identity."""
    proof, inputs = compressed(line["proof"]), line["public_inputs"]
    nullifiers = [v for kind, v in zip(circuit["inputs"], inputs) if kind == "nullifier"]
    domain = b"recount/request/v1"
    covered = b"".join([
        count(domain), domain, ledger, bytes.fromhex(circuit["circuit_id"]),
        listed(line.get("nullifiers", nullifiers)), number(line["amount"], 8),
        bytes.fromhex(line["recipient"]), count(proof), proof, listed(inputs),
        number(line["timestamp"], 8), bytes(key.verify_key)])
    return dict(line, submitter=bytes(key.verify_key).hex(),
                signature=key.sign(covered).signature.hex(),
                request_id=hashlib.sha256(covered).hexdigest())


def certified(node, request, arguments, ledger):
    """The outcome that a valid certificate of the request shows; None where there is none."""
    with tempfile.NamedTemporaryFile(suffix=".rcct") as file:
        file.write(node.ask(f"/requests/{request}/certificate"))
        file.flush()
        done = subprocess.run(
            [arguments.recount, "certificate", "verify", file.name, "--policy", arguments.policy,
             "--ledger", ledger.hex(), "--json"], stdout=subprocess.PIPE, check=False)
    decision = (json.loads(done.stdout)["decision"] if done.returncode == 0 else None) or {}
    # A certificate may hold and be of another request.
    return decision["outcome"] if decision.get("request_id") == request else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("node", help="http://HOST:PORT")
    parser.add_argument("requests", help="requests, one a line")
    parser.add_argument("--submitter", required=True, help="the folder of the submitter")
    parser.add_argument("--key-file", required=True, help="what unlocks its key")
    parser.add_argument("--recount", help="the program that verifies certificates")
    parser.add_argument("--policy", help="how many of how many validators: 7-of-10")
    parser.add_argument("--ledger-id", help="the ledger that you mean: 64 hexadecimal digits")
    parser.add_argument("--first", type=int, default=None, help="only the first so many")
    arguments = parser.parse_args()
    node, key = Node(arguments.node), unsealed(arguments.submitter, arguments.key_file)
    ledger = hashlib.sha256(node.ask("/entries/0")).digest()
    if arguments.ledger_id not in (None, ledger.hex()):
        raise SystemExit(f"{arguments.node} is of the ledger {ledger.hex()}, which is not yours")
    circuits = {circuit["name"]: circuit for circuit in node.json("/circuits")["circuits"]}
    start = node.json("/status")["size"]
    with open(arguments.requests, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file][:arguments.first]
    asked = [signed(line, ledger, circuits[line["circuit"]], key) for line in lines]
    refused = {}
    for request in asked:
        try:
            node.json("/requests", {k: v for k, v in request.items() if k not in ("expect", "note")})
        except Refused as error:
            refused[request["request_id"]] = {"outcome": "refused", "reason": str(error)}
    # As a stream: the first decision that the ledger holds of ours.
    decided = next(e for e in node.events(start) if e["kind"] == "outcomeDecided")
    print(f"entry {decided['entry']}: {decided['fields']['outcome']}", flush=True)
    is_good = True
    for request in asked:
        name, row = request["request_id"], {"outcome": "open"}
        while row["outcome"] == "open":
            try:
                row = refused.get(name) or node.json(f"/requests/{name}?wait=30")
            except Refused as error:
                row = {"outcome": "refused", "reason": str(error)}
        is_expected = row["outcome"] == request.get("expect", row)["outcome"]
        is_checked = arguments.recount and row["outcome"] != "refused"
        is_valid = (not is_checked
                    or certified(node, name, arguments, ledger) == row["outcome"])
        words = ("not verified", "certificate verified")[bool(is_checked and is_valid)]
        print(f"{name}  {row['outcome']}  {words}", flush=True)
        is_good = is_good and is_expected and is_valid
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
