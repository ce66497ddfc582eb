# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""What a scenario is, and those in which nobody is hurt."""

import dataclasses
import itertools
import json
import sys
import time
import typing

from . import figures
from .failures import Skipped, demand
from .network import VALIDATORS


@dataclasses.dataclass
class Scenario:
    """A new network, and what becomes of it."""

    name: str
    # One line for --help.
    about: str
    # Does it, with the network, the options and a generator; what is measured goes to the figures.
    run: typing.Callable
    # How many requests it wants of the network, by the options.
    count: typing.Callable
    # One request in so many has a false proof; 0 for none.
    false_each: int = 0
    # Raises `Skipped` where something that it needs is not here.
    need: typing.Callable = lambda options: None
    # Connections that a node may have.
    connections: int = 50
    # Seconds from one checkpoint to the next.
    checkpoint_seconds: int = 10
    # Names of observers that it has homes for.
    observers: typing.Sequence = ()
    # Quotas of further submitters, by name.
    submitters: typing.Mapping = dataclasses.field(default_factory=dict)
    # Whether validators answer over HTTP, each at a port of its own.
    answers: bool = False
    # As many networks, one after the other, by the options; `run` is told which.
    turns: typing.Callable = lambda options: 1


def say(text):
    """Tells a person how far it is."""
    print(f"  {text}", file=sys.stderr, flush=True)


class Pace:
    """Lets something be done at even intervals, and says how far it got."""

    SHOW_SECONDS = 10

    def __init__(self, seconds, count, what):
        self.seconds, self.count, self.what = seconds, count, what

    def __iter__(self):
        begun = shown = time.monotonic()
        for number in range(self.count):
            now = time.monotonic()
            if now - shown > self.SHOW_SECONDS:
                shown = now
                say(f"{number} of {self.count} {self.what}")
            due = begun + number * self.seconds
            if due > now:
                time.sleep(due - now)
            yield number


class Use:
    """Processor time that nodes, the switch and the machine take while something is done."""

    def __init__(self, network):
        self.network = network
        self.begun, self.before = time.monotonic(), self.take()
        self.height = self.last_height()

    def last_height(self):
        return max(max(node.batches, default=0) for node in self.network.validators)

    def take(self):
        nodes = sum(
            figures.processor_seconds(node.process.pid) for node in self.network.nodes.values()
            if node.is_running)
        spaces = self.network.namespaces
        switch = figures.processor_seconds(spaces.process.pid) if spaces else 0.0
        return nodes, switch, time.process_time(), figures.all_processor_seconds()[0]

    def end(self):
        """Cores taken, and the batches made: from one to the next, as the first node told them."""
        seconds = time.monotonic() - self.begun
        first = {}
        for node in self.network.validators:
            for height, stamp in list(node.stamps.items()):
                if height > self.height:
                    first[height] = min(stamp, first.get(height, stamp))
        stamps = [first[height] for height in sorted(first)]
        gaps = [after - before for before, after in zip(stamps, stamps[1:])]
        nodes, switch, own, machine = (
            round((after - before) / seconds, 3)
            for before, after in zip(self.before, self.take()))
        return {"seconds": round(seconds, 2), "cores_of_nodes": nodes, "cores_of_switch": switch,
                "cores_of_script": own, "cores_busy": machine, "batches": len(stamps),
                "from_batch_to_batch": figures.latencies(gaps) if gaps else None}


def hold(network, what, value, bound, is_below=True):
    """Notes whether a figure is as it should be."""
    holds = value < bound if is_below else value >= bound
    network.figures.setdefault("wanted", {})[what] = {
        "is": value, "below" if is_below else "at_least": bound, "holds": holds}


def hand_in(network, rng, seconds, count, names=VALIDATORS):
    """Hands requests in to any of these nodes at even intervals."""
    return [network.hand_in(rng.choice(names)) for _ in Pace(seconds, count, "requests")]


def at_intervals(network, rng, seconds, count):
    """Hands requests in at even intervals, waits until all nodes decided them, and measures."""
    use = Use(network)
    requests = hand_in(network, rng, seconds, count)
    network.wait_decided(requests, network.validators)
    network.figures["use"] = use.end()
    network.figures["latency"] = figures.latencies(network.latencies(requests))
    # What a client does not wait for: from the first node that has it in its ledger.
    first = {}
    for request in requests:
        seen = [node.accepted[request.identity] for node in network.validators
                if request.identity in node.accepted]
        first[request.identity] = min(seen, default=request.handed_in)
    last = [
        max(node.decided[request.identity][1] for node in network.validators)
        - first[request.identity] for request in requests]
    network.figures["latency_from_entry"] = figures.latencies(last)


# By then a node has seen so many signatures of each key that it has made tables of them.
WARM_COUNT = 60


def warm(network):
    """Lets nodes do what they do once, before something is measured."""
    names = itertools.cycle(VALIDATORS)
    requests = [network.hand_in(next(names)) for _ in Pace(0.05, WARM_COUNT, "first requests")]
    network.wait_decided(requests, network.validators)


def quiet(network, options, rng, turn):
    network.begin()
    warm(network)
    at_intervals(network, rng, 0.1, 100 if options.quick else 600)
    latency = network.figures["latency"]
    hold(network, "median_ms", latency["median_ms"], 60)
    hold(network, "p99_ms", latency["p99_ms"], 150)


SLOW_SECONDS, SLOW_LOSS = 0.1, 0.01


def slow(network, options, rng, turn):
    network.begin()
    network.namespaces.change(delay=SLOW_SECONDS, loss=SLOW_LOSS)
    # The first round trips of the connections are over when this is.
    network.wait_decided([network.hand_in(VALIDATORS[0])], network.validators)
    at_intervals(network, rng, 0.5, 20 if options.quick else 200)
    network.figures["switch"] = network.namespaces.look()
    network.namespaces.change()
    hold(network, "p99_ms", network.figures["latency"]["p99_ms"], 1000)


def keep_under_way(network, width, count):
    """Keeps so many requests undecided until all have been handed in; returns what it took.

    A request is under way until the node that it was handed to tells its decision.
    """
    names = itertools.cycle(VALIDATORS)
    use, begun, shown = Use(network), time.monotonic(), time.monotonic()
    requests, waiting, spooled = [], [], [0]
    while len(requests) < count or waiting:
        waiting = [request for request in waiting
                   if request.identity not in network.nodes[request.node].decided]
        while len(requests) < count and len(waiting) < width:
            request = network.hand_in(next(names))
            requests.append(request)
            waiting.append(request)
        if time.monotonic() - shown > Pace.SHOW_SECONDS:
            shown = time.monotonic()
            say(f"{len(requests) - len(waiting)} of {count} decided, {width} under way")
            spooled.append(network.spooled())
        network.look()
        demand(time.monotonic() - begun < 600, f"{len(waiting)} requests are never decided")
        time.sleep(0.005)
    network.wait_decided(requests, network.validators)
    last = max(node.decided[request.identity][1]
               for node in network.validators for request in requests)
    return {
        "under_way": width, "count": count,
        "decisions_per_second": round(count / (last - begun), 1),
        "latency": figures.latencies(network.latencies(requests)),
        "use": use.end(), "most_files_in_spools": max(spooled),
        "most_memory_mib": {
            node.name: figures.memory_kib(node.process.pid, "VmHWM") >> 10
            for node in network.nodes.values()},
    }


LOADS = ((64, 600), (256, 1200), (1000, 2500))
ALONE_COUNT_MAX = 1200
LOADS_QUICK = ((64, 200),)


def in_one_process(network, count):
    """The same requests by ten hosts in one process; returns decisions a second."""
    folder = network.parent / "one"
    network.run("init", str(folder), "--config", str(network.configuration), "--port", "64000")
    file = network.parent / "one.jsonl"
    file.write_text("".join(line + "\n" for line in network.lines[:count]))
    done = network.run("run", str(folder), "--requests", str(file), "--json")
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    demand(summary["approved"] == count, f"one process approved {summary['approved']} of {count}")
    return round(summary["decisions_per_second"], 1)


def load(network, options, rng, turn):
    loads = LOADS_QUICK if options.quick else LOADS
    most = min(ALONE_COUNT_MAX, max(count for _, count in loads))
    network.begin()
    warm(network)
    rows = network.figures["loads"] = [keep_under_way(network, *one) for one in loads]
    network.figures["refused_by_nodes"] = sum(len(node.refused) for node in network.validators)
    network.stop()
    alone = network.figures["one_process_decisions_per_second"] = in_one_process(network, most)
    best = max(row["decisions_per_second"] for row in rows)
    network.figures["ratio"] = round(best / alone, 3)
    hold(network, "ratio", network.figures["ratio"], 0.6, is_below=False)


def need_namespaces(options):
    if not options.namespaces:
        raise Skipped("it wants --namespaces: addresses, delay and loss of its own")


QUIET = Scenario(
    "quiet", "a request each 100 ms to any node: all are decided at every node, soon", quiet,
    lambda options: WARM_COUNT + (100 if options.quick else 600))
LOAD = Scenario(
    "load", "64, 256, 1000 requests under way: decisions a second, beside one process", load,
    lambda options: WARM_COUNT + sum(
        count for _, count in (LOADS_QUICK if options.quick else LOADS)))
SLOW = Scenario(
    "slow", "100 ms one way and 1 % loss: decided within a second (--namespaces)", slow,
    lambda options: 21 if options.quick else 201, need=need_namespaces)
