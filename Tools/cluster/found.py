# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Nodes that know nobody."""

import re
import time

from .network import VALIDATORS
from .scenarios import Scenario, hand_in, need_namespaces


def found(network, options, rng, turn):
    for name in (*VALIDATORS, "bridge"):
        path = network.folder / name / "recount.toml"
        text = re.sub(r"(?m)^peers = \[[^\]]*\]", "peers = []", path.read_text())
        path.write_text(text.replace('peer_discovery = "static"', 'peer_discovery = "mdns"'))
    begun = time.monotonic()
    network.begin()
    network.figures["seconds_until_all_are_found"] = round(time.monotonic() - begun, 2)
    network.wait_decided(hand_in(network, rng, 0.1, 10), network.validators)


FOUND = Scenario(
    "found", "nodes that know nobody find one another by multicast DNS (--namespaces)", found,
    lambda options: 10, need=need_namespaces)
