# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Those who follow the ledger without a say in it."""

import json
import re
import time

from . import figures
from .failures import Skipped, demand
from .network import VALIDATORS
from .scenarios import Scenario, hand_in, hold, need_namespaces, say

EARLY, LATE = "watcher", "latecomer"
IDLE_COUNT = 100
IDLE_NAMES = [f"idle-{number}" for number in range(1, IDLE_COUNT + 1)]
IDLE_SECONDS = 30


def need_observers(options):
    if "--observer" not in options.help_of("init"):
        raise Skipped(f"{options.recount} init has no option --observer")


def observers(network, options, rng, turn):
    early, late = network.nodes[EARLY], network.nodes[LATE]
    early.start()
    network.begin()
    count = 60 if options.quick else 400
    requests = hand_in(network, rng, 0.05, count)
    begun = time.monotonic()
    late.start()
    requests += hand_in(network, rng, 0.05, count)
    network.wait_decided(requests, network.validators)
    size = max(node.size for node in network.validators)
    network.wait("the observers have what the validators have",
                 lambda: min(early.size, late.size) >= size)
    network.figures["seconds_until_the_latecomer_has_all"] = round(time.monotonic() - begun, 2)
    network.figures["latency_at_the_watcher"] = figures.latencies(
        network.latencies(requests, [early]))
    network.stop()
    # Those that the audit of the whole network does not look at are looked at here.
    validator = json.loads(network.run(
        "audit", str(network.folder / VALIDATORS[0]), "--json").stdout)
    for node in early, late:
        report = json.loads(network.run("audit", str(node.home), "--json").stdout)
        demand(report["size"] >= size, f"{node.name} holds {report['size']} of {size} entries")
        if report["size"] == validator["size"]:
            demand(report["root"] == validator["root"], f"{node.name} holds another ledger")


def need_namespaces_too(options):
    need_observers(options)
    # A node takes few connections from one address.
    need_namespaces(options)


def use_of(node, seconds):
    """Cores that a node takes while nothing is done."""
    before = figures.processor_seconds(node.process.pid)
    time.sleep(seconds)
    return (figures.processor_seconds(node.process.pid) - before) / seconds


def idle(network, options, rng, turn):
    asked = network.nodes[VALIDATORS[0]]
    mine = re.search(r'listen = \["[^"]*/tcp/(\d+)"', (asked.home / "recount.toml").read_text())[1]
    for name in IDLE_NAMES:
        path = network.folder / name / "recount.toml"
        text = path.read_text()
        peer = re.search(rf'"[^"]*/tcp/{mine}/p2p/[^"]*"', text)[0]
        path.write_text(re.sub(r"(?m)^peers = \[[^\]]*\]", f"peers = [{peer}]", text))
    network.begin()
    network.wait_decided([network.hand_in(VALIDATORS[1])], network.validators)
    before = use_of(asked, IDLE_SECONDS)
    # A few at a time: that a hundred begin at once is another question.
    for start in range(0, IDLE_COUNT, 10):
        network.start(IDLE_NAMES[start : start + 10])
        network.wait("observers are connected", lambda: all(
            network.nodes[name].size for name in IDLE_NAMES[: start + 10]))
        say(f"{start + 10} of {IDLE_COUNT} observers")
    time.sleep(5)
    after = use_of(asked, IDLE_SECONDS)
    network.figures["cores_of_the_validator"] = {
        "alone": round(before, 4), "with_observers": round(after, 4)}
    network.figures["memory_mib"] = figures.memory_kib(asked.process.pid) >> 10
    hold(network, "cores_for_observers", round(after - before, 4), 0.05)


OBSERVERS = Scenario(
    "observers", "one follows from the start and one from late on: their ledgers are the same",
    observers, lambda options: 120 if options.quick else 800, need=need_observers,
    observers=[EARLY, LATE])
IDLE = Scenario(
    "idle", "100 idle observers of one validator cost it below 5 % of a core (--namespaces)", idle,
    lambda options: 1, need=need_namespaces_too, connections=200, observers=IDLE_NAMES)
