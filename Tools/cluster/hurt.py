# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Scenarios in which nodes are killed, cut off, wiped, or lie."""

import shutil
import time

from .failures import Skipped, demand
from .network import VALIDATORS
from .scenarios import Scenario, hand_in, say

# Ways to lie of `recount run --byzantine`, see `recount simulate`.
LIES = [
    "equivocating-proposer", "double-votes", "withholding", "false-derivation", "replay", "garbage",
    "false-batches", "amnesia", "hidden-locks", "stalling", "partial-decisions", "false-grounds",
    "withheld-prevotes", "far-rounds", "mixed",
]
FAULTY_MAX = 3
ROUND_SECONDS = 30


def kills(network, options, rng, turn):
    network.begin()
    requests = []
    rounds = 3 if options.quick else 12
    for number in range(rounds):
        victims = rng.sample(VALIDATORS, FAULTY_MAX)
        others = [name for name in VALIDATORS if name not in victims]
        requests += [network.hand_in(rng.choice(others)) for _ in range(2)]
        time.sleep(rng.random())
        for name in victims:
            network.nodes[name].kill()
        requests.append(network.hand_in(rng.choice(others)))
        network.wait_decided(requests[-3:], [network.nodes[name] for name in others])
        network.start(victims)
        say(f"round {number + 1} of {rounds}")
    network.wait("all come back", lambda: all(node.parties for node in network.validators))
    # What a node was told before it was killed, it does not tell again.
    requests.append(network.hand_in(rng.choice(VALIDATORS)))
    network.wait_decided(requests[-1:], network.validators)
    network.figures["kills"] = rounds * FAULTY_MAX


class Cuts:
    """Cuts groups of nodes off: by the switch, or by letting them stand still."""

    def __init__(self, network):
        self.network = network
        self.groups = []

    def cut(self, names):
        for name in names:
            self.network.nodes[name].is_hurt = True
        self.groups.append(names)
        if self.network.namespaces:
            self.network.namespaces.change(groups=self.groups)
        else:
            for name in names:
                self.network.nodes[name].freeze()

    def heal(self):
        if self.network.namespaces:
            self.network.namespaces.change()
        else:
            for name in sum(self.groups, []):
                self.network.nodes[name].thaw()
        self.groups = []


def cut(network, options, rng, turn):
    network.begin()
    cuts = Cuts(network)
    network.figures["by"] = "partition" if network.namespaces else "SIGSTOP"
    healed = network.figures["seconds_to_decide_when_healed"] = []
    rounds = 1 if options.quick else 3
    for number in range(rounds):
        names = rng.sample(VALIDATORS, 2 * FAULTY_MAX)
        others = [name for name in VALIDATORS if name not in names]
        cuts.cut(names[:FAULTY_MAX])
        first = network.hand_in(rng.choice(others))
        network.wait_decided([first], [network.nodes[name] for name in others + names[FAULTY_MAX:]])
        cuts.cut(names[FAULTY_MAX:])
        time.sleep(0.5)
        second = network.hand_in(rng.choice(others))
        time.sleep(5)
        demand(not any(second.identity in node.decided for node in network.validators),
               "a request was decided by four of ten")
        cuts.heal()
        begun = time.monotonic()
        network.wait_decided([first, second], network.validators, ROUND_SECONDS)
        healed.append(round(time.monotonic() - begun, 2))
        say(f"round {number + 1} of {rounds}")


LOOK_SECONDS = 0.5


def copy_of(network, other, hand_in):
    """Waits until a node has a checkpoint, and copies its ledger; returns both.

    A checkpoint is begun with a batch: `hand_in` is called until there is one.
    """
    notes = network.folder / other / "ledger" / "checkpoints"

    def has_checkpoint():
        if any(notes.glob("*.checkpoint")):
            return True
        hand_in()
        time.sleep(LOOK_SECONDS)
        return False

    network.wait(f"{other} makes a checkpoint", has_checkpoint)
    checkpoint = max(notes.glob("*.checkpoint"), key=lambda path: path.stat().st_mtime)
    number = len(list(network.parent.glob("copy-*")))
    copy = network.parent / f"copy-{number}"
    kept = network.parent / f"copy-{number}.checkpoint"
    shutil.copy(checkpoint, kept)
    network.run("backup", str(network.folder / other), str(copy))
    return copy, kept


def wipe(network, name, copy, checkpoint):
    """Takes ledger and journal from a node, and lets it recover from a copy of another's."""
    node, home = network.nodes[name], network.folder / name
    node.stop()
    node.is_hurt = True
    shutil.rmtree(home / "ledger")
    lost = network.parent / f"lost-{name}-{len(node.lost_journals)}"
    (home / "journal").rename(lost)
    node.lost_journals.append(lost)
    network.run("recover", str(home), "--from", str(copy), "--trust", str(checkpoint),
                "--new-journals")
    # It holds what the copy holds, and may have told more.
    node.size = 0
    network.start([name])


def wiped(network, options, rng, turn):
    network.begin()
    requests = [network.hand_in(rng.choice(VALIDATORS)) for _ in range(5)]
    network.wait_decided(requests, network.validators)
    name, other = rng.sample(VALIDATORS, 2)
    copied = copy_of(network, other, lambda: requests.append(network.hand_in(other)))
    # What it votes on now, the copy does not hold, nor will its new journal.
    requests += [network.hand_in(rng.choice(VALIDATORS)) for _ in range(3)]
    network.wait_decided(requests, network.validators)
    begun = time.monotonic()
    wipe(network, name, *copied)
    requests.append(network.hand_in(other))
    network.wait_decided(requests[-1:], network.validators)
    network.figures["seconds_until_it_decides_again"] = round(time.monotonic() - begun, 2)
    # From the ledger that it has by now, and the journal that was begun anew, it starts again.
    network.nodes[name].kill()
    network.start([name])
    requests.append(network.hand_in(other))
    network.wait_decided(requests[-1:], network.validators)


def need_liars(options):
    if "--byzantine" not in options.help_of("node"):
        raise Skipped(f"{options.recount} node has no option --byzantine")


def lies_of(options, rng, turn):
    """Which strategies a turn plays: all of them by turns of three; or three, as the seed says."""
    if options.quick:
        return rng.sample(LIES, FAULTY_MAX)
    chosen = LIES[FAULTY_MAX * turn : FAULTY_MAX * (turn + 1)]
    return chosen + rng.sample([lie for lie in LIES if lie not in chosen],
                               FAULTY_MAX - len(chosen))


def byzantine(network, options, rng, turn):
    lies = lies_of(options, rng, turn)
    liars = rng.sample(VALIDATORS, FAULTY_MAX)
    for name, lie in zip(liars, lies):
        fellows = [other for other in liars if other != name]
        network.nodes[name].lie = ["--byzantine", lie] + sum(
            (["--fellow", str(network.folder / fellow)] for fellow in fellows), [])
    network.figures["lies"] = dict(zip(liars, lies))
    network.begin()
    honest = [node.name for node in network.honest]
    requests = hand_in(network, rng, 0.1, 40 if options.quick else 200, honest)
    network.wait_decided(requests, network.honest, 2 * ROUND_SECONDS)


KILLS = Scenario(
    "kills", "three at a time are killed with SIGKILL and started again, while requests come",
    kills, lambda options: 60, false_each=7)
CUT = Scenario(
    "cut", "three are cut off, then three others: no decision without a quorum, then all", cut,
    lambda options: 10)
WIPED = Scenario(
    "wiped", "a node loses its ledger and its journal, and recovers from the others", wiped,
    lambda options: 80, checkpoint_seconds=2)
BYZANTINE = Scenario(
    "byzantine", "three lie in each way of the simulator, by turns of three", byzantine,
    lambda options: 40 if options.quick else 200, false_each=7, need=need_liars,
    turns=lambda options: 1 if options.quick else -(-len(LIES) // FAULTY_MAX))
