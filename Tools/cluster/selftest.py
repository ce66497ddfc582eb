# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Whether the checks notice what they are for: facts of a small network are changed one by one."""

import collections
import copy
import random

from .checks import Checks
from .failures import Failure
from .network import VALIDATORS
from .scenarios import Scenario, hand_in


class Facts:
    """What the checks look at, of which a copy may be spoilt."""

    def __init__(self, checks):
        self.checks = copy.copy(checks)
        self.checks.entries = copy.deepcopy(checks.entries)
        self.checks.rows = copy.deepcopy(checks.rows)
        self.network = self.checks.network = copy.copy(checks.network)
        self.network.requests = {
            identity: copy.copy(one) for identity, one in checks.network.requests.items()}
        # A copy of a node shares its process, and has its own of what it told.
        self.network.nodes = nodes = {
            name: copy.copy(node) for name, node in checks.network.nodes.items()}
        for node in nodes.values():
            node.decided, node.batches = dict(node.decided), dict(node.batches)
        self.first = nodes[VALIDATORS[0]]
        self.approved = next(one for one in self.checks.rows.values()
                             if one["outcome"] == "approved")

    def kept(self, holds):
        self.checks.entries = [entry for entry in self.checks.entries if holds(entry)]

    def again(self, kind):
        """The same entry once more."""
        self.checks.entries.append(next(
            entry for entry in self.checks.entries if entry["kind"] == kind))

    def added(self, kind, **fields):
        self.checks.entries.append({"entry": 1 << 40, "kind": kind, "fields": fields})


def two_batches(facts):
    facts.first.batches[max(facts.first.batches)] = "00" * 32


def contradiction(facts):
    facts.first.contradictions = ["two outcomes of a request"]


def false_proof(facts):
    facts.network.requests[facts.approved["request_id"]].is_true = False


def few_votes(facts):
    """Of each request six votes are left, whoever of the ten was quick enough to give one."""
    left = collections.Counter()

    def holds(entry):
        if entry["kind"] != "voteCast":
            return True
        left[entry["fields"]["request"]] += 1
        return left[entry["fields"]["request"]] <= 6

    facts.kept(holds)


def spent_twice(facts):
    facts.again("nullifierSpent")


def paid_twice(facts):
    facts.again("settlementReported")


def forgotten(facts):
    requests = facts.network.requests
    requests["ff" * 32] = requests[facts.approved["request_id"]]


def open_request(facts):
    facts.approved["outcome"] = "open"


def convicted(facts):
    facts.added("equivocationFound", validator=0)


def other_outcome(facts):
    facts.first.decided[facts.approved["request_id"]] = ("rejected", 0.0)


def lost_tail(facts):
    facts.first.size += 1


def other_journal(facts):
    """Each vote is said to be the next validator's."""
    for entry in facts.checks.entries:
        if entry["kind"] == "voteCast":
            entry["fields"]["validator"] = (entry["fields"]["validator"] + 1) % 10


def other_precommit(facts):
    for entry in facts.checks.entries:
        if entry["kind"] == "batchOpened" and entry["fields"]["precommits"]:
            entry["fields"]["previous_root"] = "00" * 32


def wronged(facts):
    facts.added("reputationChanged", validator=0, cause="incorrect", about=1)


def missed(facts):
    facts.added("reputationChanged", validator=0, cause="missed", about=1)


# What is spoilt, and what is to be said of it.
SPOILT = {
    two_batches: "told two batches", contradiction: "told ['two outcomes",
    false_proof: "its proof is false", few_votes: "is approved by 6 of 7",
    spent_twice: "is spent twice", paid_twice: "is paid twice",
    forgotten: "neither in the ledger nor refused", open_request: "is in the ledger and not",
    convicted: "are honest and convicted", other_outcome: "and the ledgers say approved",
    lost_tail: "entries and holds", other_journal: "is not in its journal",
    other_precommit: "a precommit of", wronged: "loses reputation (incorrect)",
    missed: "loses reputation (missed)",
}


def selftest(network, options, rng, turn):
    network.begin()
    requests = hand_in(network, random.Random(1), 0.1, 10)
    network.wait_decided(requests, network.validators)
    network.wait("payments are reported", lambda: len(network.nodes[VALIDATORS[0]].settled) >= 8)
    network.stop()
    checks = Checks(network)
    checks.run()
    said = network.figures["noticed"] = {}
    for spoil, words in SPOILT.items():
        facts = Facts(checks)
        spoil(facts)
        try:
            facts.checks.compare_told()
            facts.checks.judge()
        except Failure as failure:
            if words not in str(failure):
                raise Failure(f"{spoil.__name__} is reported as: {failure}") from None
            said[spoil.__name__] = str(failure)
        else:
            raise Failure(f"{spoil.__name__} is not noticed")


SELFTEST = Scenario(
    "selftest", "the checks notice what they are for, where facts are changed on purpose",
    selftest, lambda options: 10, false_each=5)
