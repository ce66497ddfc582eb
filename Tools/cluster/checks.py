# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""What every scenario must leave, looked for in ten ledgers and journals after all have ended.

  agreement       the audit finds nothing wrong in any ledger, shows a quorum for the last batch of
                  each, and says that the ledgers are one; no two nodes told two batches of a height
  validity        what is approved has the approvals of a threshold and a true proof; what has a
                  false one is not; no nullifier is spent or paid twice
  progress        every request that was handed in has an outcome, or was refused with a reason
  accountability  evidence names only those that lie
  durability      what a node told is in its own ledger, with the same outcome; no honest validator
                  signed two things on one matter, and what it signed is in its journal
  fairness        no honest validator loses reputation for a vote, and for a missing one only where
                  something was done to it
"""

import collections
import json

from .failures import demand
from .journals import Journal, single_votes

APPROVED, REJECTED, TIMED_OUT = "approved", "rejected", "timedOut"
KINDS = (
    "batchOpened", "requestSubmitted", "roundOpened", "voteCast", "votesCast", "outcomeDecided",
    "nullifierSpent", "nullifierReleased", "settlementReported", "reputationChanged",
    "equivocationFound")


class Checks:
    """The checks of one network. Raises `Failure` at the first that does not hold."""

    def __init__(self, network):
        self.network = network
        self.sizes = {}

    def run(self):
        """Makes all checks, and returns what was counted on the way."""
        self.load(self.agreement())
        return self.judge()

    def load(self, longest):
        """Reads the longest ledger, which all others are beginnings of."""
        network = self.network
        folder = str(network.folder / longest)
        kinds = [word for kind in KINDS for word in ("--kind", kind)]
        lines = network.run("log", folder, "--json", *kinds).stdout.splitlines()
        self.entries = list(single_votes(json.loads(line) for line in lines))
        rows = [
            json.loads(line) for line in network.run(
                "requests", folder, "--json", "--limit", "0").stdout.splitlines()]
        self.rows = {row["request_id"]: row for row in rows}

    def judge(self):
        """Makes the checks of what was read."""
        self.validity()
        self.progress()
        convicted = self.accountability()
        self.durability()
        missed = self.fairness()
        outcomes = collections.Counter(row["outcome"] for row in self.rows.values())
        return {
            "entries": max(self.sizes.values()),
            "outcomes": dict(sorted(outcomes.items())),
            "refused": dict(sorted(self.refused.items())),
            "convicted": sorted(convicted),
            "votes_missed": missed,
        }

    def agreement(self):
        """Returns the name of the validator whose ledger is the longest."""
        done = self.network.run("audit", str(self.network.folder), "--json", may_fail=True)
        demand(done.returncode == 0, f"the audit says: {done.stdout[-4000:]}{done.stderr}")
        ledgers = json.loads(done.stdout)["ledgers"]
        names = {part["name"] for part in ledgers}
        lacking = {node.name for node in self.network.validators} - names
        demand(not lacking, f"the audit did not see the ledgers of {', '.join(sorted(lacking))}")
        self.sizes = {part["name"]: part["report"]["size"] for part in ledgers}
        self.compare_told()
        return max(self.sizes, key=self.sizes.get)

    def compare_told(self):
        batches = {}
        for node in self.network.nodes.values():
            demand(not node.contradictions, f"{node.name} told {node.contradictions[:1]}")
            if not node.is_honest:
                continue
            for height, root in node.batches.items():
                held = batches.setdefault(height, (root, node.name))
                demand(held[0] == root,
                       f"{held[1]} and {node.name} told two batches of height {height}")

    def of(self, kind):
        return ((entry["entry"], entry["fields"]) for entry in self.entries
                if entry["kind"] == kind)

    def validity(self):
        identities = {row["entry"]: identity for identity, row in self.rows.items()}
        nullifiers = {entry: fields["nullifiers"] for entry, fields in self.of("requestSubmitted")}
        thresholds = {fields["request"]: fields["threshold"]
                      for _, fields in self.of("roundOpened")}
        votes = collections.defaultdict(dict)
        for _, fields in self.of("voteCast"):
            votes[fields["request"]][fields["validator"]] = fields["vote"]
        for _, fields in self.of("outcomeDecided"):
            if fields["outcome"] != APPROVED:
                continue
            entry = fields["request"]
            demand(entry in nullifiers, f"entry {entry} is approved and was never submitted")
            approvals = list(votes[entry].values()).count("approve")
            demand(approvals >= thresholds[entry],
                   f"entry {entry} is approved by {approvals} of {thresholds[entry]}")
            request = self.network.requests.get(identities.get(entry))
            demand(request, f"entry {entry} is approved, and nobody handed it in")
            demand(request.is_true, f"entry {entry} is approved, and its proof is false")
        spent, paid = set(), set()
        for entry in self.entries:
            fields = entry["fields"]
            if entry["kind"] == "nullifierSpent":
                demand(fields["nullifier"] not in spent,
                       f"nullifier {fields['nullifier']} is spent twice")
                spent.add(fields["nullifier"])
            elif entry["kind"] == "nullifierReleased":
                spent.discard(fields["nullifier"])
            elif entry["kind"] == "settlementReported" and fields["result"] == "settled":
                for nullifier in nullifiers[fields["request"]]:
                    demand(nullifier not in paid, f"nullifier {nullifier} is paid twice")
                    paid.add(nullifier)

    def progress(self):
        self.refused = collections.Counter()
        for identity, request in self.network.requests.items():
            row = self.rows.get(identity)
            if row:
                demand(row["outcome"] in (APPROVED, REJECTED, TIMED_OUT),
                       f"{identity} is in the ledger and not decided")
                demand(request.is_true or row["outcome"] != APPROVED,
                       f"{identity} has a false proof and is approved")
                continue
            word = self.network.folder / request.node / "jobs" / f"{identity}.refused"
            demand(word.exists(),
                   f"{identity} was handed in to {request.node}, and is neither in the ledger nor"
                   " refused")
            self.refused[word.read_text()] += 1

    def accountability(self):
        nodes = self.network.validators
        convicted = {nodes[fields["validator"]].name
                     for _, fields in self.of("equivocationFound")}
        honest = {node.name for node in nodes if node.is_honest}
        demand(not convicted & honest, f"{convicted & honest} are honest and convicted")
        return convicted

    def durability(self):
        for node in self.network.nodes.values():
            for identity, (outcome, _) in node.decided.items():
                row = self.rows.get(identity)
                demand(row and row["outcome"] == outcome,
                       f"{node.name} told that {identity} is {outcome}, and the ledgers say"
                       f" {row and row['outcome']}")
            size = self.sizes.get(node.name)
            demand(size is None or not node.is_honest or size >= node.size,
                   f"{node.name} told of {node.size} entries and holds {size}")
        votes, precommits = collections.defaultdict(list), collections.defaultdict(list)
        identities = {row["entry"]: identity for identity, row in self.rows.items()}
        for entry, fields in self.of("voteCast"):
            votes[fields["validator"]].append(
                (entry, identities.get(fields["request"]), (fields["vote"], fields["timestamp"])))
        for _, fields in self.of("batchOpened"):
            batch = (fields["height"] - 1, fields["precommit_round"], fields["previous_root"])
            for precommit in fields["precommits"]:
                precommits[precommit["validator"]].append((precommit["signature"], batch))
        for place, node in enumerate(self.network.validators):
            if not node.is_honest:
                continue
            journal = Journal(*node.lost_journals, node.home / "journal")
            for entry, request, vote in votes[place]:
                demand(entry < journal.size or vote in journal.votes.get(request, ()),
                       f"a vote of {node.name} in the ledger is not in its journal")
            for signature, batch in precommits[place]:
                demand(batch[0] <= journal.height or journal.precommits.get(signature) == batch,
                       f"a precommit of {node.name} on batch {batch[0]} is not in its journal")

    def fairness(self):
        missed = collections.Counter()
        for _, fields in self.of("reputationChanged"):
            node = self.network.validators[fields["validator"]]
            if not node.is_honest or fields["cause"] in ("correct", "bonus"):
                continue
            demand(fields["cause"] == "missed" and node.is_hurt,
                   f"{node.name} is honest and loses reputation ({fields['cause']}) about entry"
                   f" {fields['about']}")
            missed[node.name] += 1
        return sum(missed.values())
