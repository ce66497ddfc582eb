# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""All that hurts, at random, for a long time."""

import random
import threading
import time

from .failures import demand
from .figures import Growth, latencies
from .hurt import FAULTY_MAX, ROUND_SECONDS, copy_of, wipe
from .network import VALIDATORS
from .scenarios import Scenario, say

REQUESTS_PER_SECOND = 4
CALM_SECONDS = 12
# A validator whose journal was begun anew says nothing for two minutes of ledger time, and counts
# among those that may fail: of four at once, ledger time would never pass.
SILENT_SECONDS = 180
SHOW_SECONDS = 30


class Stream:
    """Hands requests in, evenly, in a thread of its own, to nodes that are up."""

    def __init__(self, network, rng, count):
        self.network, self.rng, self.count = network, rng, count
        self.requests = []
        self.failure = None
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while len(self.requests) < self.count and not self.is_over.wait(
                    1 / REQUESTS_PER_SECOND):
                up = [node.name for node in self.network.validators
                      if node.is_running and not node.is_stopped]
                self.requests.append(self.network.hand_in(self.rng.choice(up)))
        except Exception as failure:  # Told by `end`, in the thread that waits.
            self.failure = failure

    def end(self):
        self.is_over.set()
        self.thread.join()
        if self.failure:
            raise self.failure


class Hurting:
    """What may be done to a network; each leaves it whole again."""

    def __init__(self, network, rng, stream):
        self.network, self.rng, self.stream = network, rng, stream
        self.done = {}
        self.wiped_at = []
        self.acts = [self.kill, self.kill, self.freeze, self.delay, self.wipe]
        if network.namespaces:
            self.acts += [self.part, self.part, self.part_beyond, self.lose]
        else:
            self.acts += [self.freeze_beyond]

    def act(self):
        act = self.rng.choice(self.acts)
        if act == self.delay and not self.network.namespaces or act == self.wipe and self.silent():
            act = self.kill
        self.done[act.__name__] = self.done.get(act.__name__, 0) + 1
        act()

    def silent(self):
        """How many validators say nothing, since they have lost their journals."""
        now = time.monotonic()
        self.wiped_at = [at for at in self.wiped_at if now - at < SILENT_SECONDS]
        return len(self.wiped_at)

    def some(self, most=FAULTY_MAX):
        names = self.rng.sample(VALIDATORS, self.rng.randint(1, most - self.silent()))
        for name in names:
            self.network.nodes[name].is_hurt = True
        return names

    def pause(self, least, most):
        time.sleep(self.rng.uniform(least, most))

    def kill(self):
        names = self.some()
        for name in names:
            self.network.nodes[name].kill()
        self.pause(0, 5)
        self.network.start(names)

    def stand(self, names, seconds):
        for name in names:
            self.network.nodes[name].freeze()
        time.sleep(seconds)
        for name in names:
            self.network.nodes[name].thaw()

    def freeze(self):
        self.stand(self.some(), self.rng.uniform(1, 10))

    def freeze_beyond(self):
        self.stand(self.some(2 * FAULTY_MAX), self.rng.uniform(1, 5))

    def part(self):
        self.network.namespaces.change(groups=[self.some()])
        self.pause(2, 10)
        self.network.namespaces.change()

    def part_beyond(self):
        names = self.some(2 * FAULTY_MAX)
        middle = len(names) // 2
        self.network.namespaces.change(groups=[names[:middle], names[middle:]])
        self.pause(2, 6)
        self.network.namespaces.change()

    def delay(self):
        self.network.namespaces.change(
            delay=self.rng.uniform(0.005, 0.1), jitter=0.005, rate=self.rng.choice([0, 2_000_000]))
        self.pause(5, 15)
        self.network.namespaces.change()

    def lose(self):
        self.network.namespaces.change(delay=0.02, loss=self.rng.uniform(0.001, 0.02))
        self.pause(5, 15)
        self.network.namespaces.change()

    def wipe(self):
        name, other = self.rng.sample(VALIDATORS, 2)
        self.wiped_at.append(time.monotonic())
        wipe(self.network, name, *copy_of(self.network, other, lambda: None))


def is_decided(network, request):
    return any(request.identity in node.decided for node in network.validators)


def soak(network, options, rng, turn):
    network.begin()
    growth = Growth(network.validators + [network.nodes["bridge"]])
    stream = Stream(network, random.Random(rng.random()), count(options) - 1)
    hurting = Hurting(network, rng, stream)
    begun = shown = time.monotonic()
    while time.monotonic() - begun < 60 * options.minutes:
        time.sleep(rng.uniform(2, CALM_SECONDS))
        hurting.act()
        network.look()
        demand(stream.failure is None, f"requests are handed in no more: {stream.failure}")
        if time.monotonic() - shown > SHOW_SECONDS:
            shown = time.monotonic()
            decided = sum(is_decided(network, request) for request in stream.requests[:])
            say(f"{(shown - begun) / 60:.1f} of {options.minutes:g} minutes,"
                f" {decided} of {len(stream.requests)} requests decided, {hurting.done}")
    stream.end()
    requests = stream.requests
    network.wait("all requests are decided or refused", lambda: all(
        is_decided(network, request)
        or request.identity in network.nodes[request.node].refused for request in requests),
        4 * ROUND_SECONDS)
    # All are there again, and go on together.
    last = network.hand_in(rng.choice(VALIDATORS))
    network.wait_decided([last], network.validators, 4 * ROUND_SECONDS)
    rows, growing = growth.end()
    network.figures |= {
        "minutes": options.minutes, "done": hurting.done, "processes": rows, "growing": growing,
        "requests": len(requests),
        "latency_at_the_first_node": latencies([
            min(node.decided[request.identity][1] for node in network.validators
                if request.identity in node.decided) - request.handed_in
            for request in requests if is_decided(network, request)]),
    }
    demand(not growing, f"memory or descriptors grow: {'; '.join(growing)}")


def count(options):
    """Requests of a whole soak, and the last one."""
    return int(60 * options.minutes * REQUESTS_PER_SECOND) + 1


SOAK = Scenario(
    "soak", "all of these at random for --minutes: every property, and nothing grows", soak, count,
    false_each=11, checkpoint_seconds=2)
