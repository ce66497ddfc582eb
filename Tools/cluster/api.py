# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""How the HTTP API of a node does under load, and what of it the ledger feels."""

import dataclasses
import json
import math
import re
import shutil
import subprocess
import sys
import time

from . import ROOT, figures
from .clients import Scraper, Subscriber, ask, of_wrk, submit
from .failures import Skipped, demand
from .network import VALIDATORS
from .processes import PATIENCE_SECONDS, spawn
from .scenarios import WARM_COUNT, Scenario, hand_in, hold, say, warm

# One that may be asked without end, and one with the limits that a node has unless told.
ASKED, SATURATED = VALIDATORS[0], VALIDATORS[1]
# A submitter that may have one request undecided, and what it hands in.
SMALL, SMALL_QUOTA = "small", 1
WIDTH = 20
READERS = 8
PAGE_ROWS = 100
COMMIT_SUBSCRIBERS = 100
# At this pace a thousand subscribers do not take the machine from the nodes.
SLOW_PER_SECOND = 2


@dataclasses.dataclass
class Size:
    """How long and how much of each."""

    # The even pace at which requests are handed in beside what is measured. At twenty a second ten
    # nodes take all of two cores, and whatever is added waits for one.
    per_second: int
    submissions: int
    read_seconds: int
    follow_seconds: int
    subscribers: int
    rounds: int
    round_seconds: int
    calm_seconds: int
    flood_seconds: int
    idle: int
    beyond: int

    @property
    def count(self):
        """Requests that are handed in at most, without those beyond a quota."""
        seconds = (4 * self.read_seconds + self.follow_seconds
                   + 2 * self.rounds * self.round_seconds
                   + self.calm_seconds + self.flood_seconds)
        return (WARM_COUNT + 2 * self.submissions + self.per_second * seconds
                + SLOW_PER_SECOND * self.follow_seconds)


WHOLE = Size(10, 600, 10, 30, 1000, 8, 15, 20, 60, 10_000, 1200)
QUICK = Size(10, 40, 1, 1, 50, 1, 1, 1, 5, 2_500, 60)


def size_of(options):
    return QUICK if options.quick else WHOLE


def need(options):
    if not shutil.which("wrk"):
        raise Skipped("there is no wrk: apt-get install wrk")
    if options.namespaces:
        raise Skipped("its clients are of this machine: it wants no --namespaces")


# What nodes do meanwhile

def paced(network, rng, seconds, per_second):
    """Hands requests in at the even pace for so long, and waits until all nodes decided them."""
    requests = hand_in(network, rng, 1 / per_second, math.ceil(seconds * per_second))
    network.wait_decided(requests, network.validators)
    return requests


def pace(network, requests):
    """Decisions a second, and latencies, at the node that is last with each.

    From the first to the last of them; one batch may decide all, so it is at most the pace at which
    they were handed in.
    """
    latencies = network.latencies(requests)
    begun = [request.handed_in for request in requests]
    ended = [start + latency for start, latency in zip(begun, latencies)]
    seconds = max(max(stamps) - min(stamps) for stamps in (begun, ended))
    return {"decisions_per_second": round((len(requests) - 1) / seconds, 2),
            "latency": figures.latencies(latencies)}


def without_limit(network):
    """Lets nodes be asked without end, but the one whose limits are tried."""
    for name in VALIDATORS:
        if name != SATURATED:
            path = network.folder / name / "recount.toml"
            text, count = re.subn(
                r"(?m)^requests_per_second = .*", "requests_per_second = 0", path.read_text())
            demand(count == 1, f"{path} does not say requests_per_second once")
            path.write_text(text)


def start(module, *arguments, **streams):
    """Starts one of the programs beside this one."""
    return spawn([sys.executable, "-m", f"cluster.{module}", *map(str, arguments)],
                 cwd=ROOT / "Tools", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def end(child):
    """Closes the input of a program; the object that it prints."""
    text, _ = child.communicate(timeout=PATIENCE_SECONDS)
    demand(child.returncode == 0 and text, f"{child.args[2]} ended with {child.returncode}")
    return json.loads(text)


# 1. Submissions

def submissions(network, size):
    result = network.figures["submissions"] = {}
    for what, names in ("into_one", [ASKED]), ("into_ten", VALIDATORS):
        say(f"{size.submissions} submissions {what.replace('_', ' ')}")
        requests = [network.draw() for _ in range(size.submissions)]
        row = result[what] = submit(network, requests, names, WIDTH)
        network.wait_decided(requests, network.validators)
        row |= pace(network, requests)
    return requests[0].identity


# 2. Reads

def wait_certificate(network, identity):
    """Until a checkpoint covers the decision."""
    path = f"/requests/{identity}/certificate"
    network.wait("a certificate", lambda: ask(network.nodes[ASKED].address, path).status == 200)
    return path


def read(network, rng, path, size):
    """Reads by wrk, while requests are handed in at the pace."""
    host, port = network.nodes[ASKED].address
    reader = spawn(["wrk", "-t1", f"-c{READERS}", f"-d{size.read_seconds}s", "--latency",
                    f"http://{host}:{port}{path}"], stdout=subprocess.PIPE, text=True)
    requests = paced(network, rng, size.read_seconds, size.per_second)
    row = of_wrk(reader.communicate(timeout=PATIENCE_SECONDS)[0])
    demand(not row["refused"], f"{row['refused']} reads of {path} are refused")
    return row | {"decided_meanwhile": pace(network, requests)}


def reads(network, rng, size, identity):
    result = network.figures["reads"] = {"connections": READERS}
    certificate = wait_certificate(network, identity)
    requests = paced(network, rng, size.read_seconds, size.per_second)
    result["without_readers"] = {"decided_meanwhile": pace(network, requests)}
    for what, path in (("a_request", f"/requests/{identity}"),
                       (f"a_page_of_{PAGE_ROWS}", f"/requests?limit={PAGE_ROWS}"),
                       ("a_certificate", certificate)):
        say(f"reads of {what.replace('_', ' ')}")
        result[what] = read(network, rng, path, size)


# 3. Subscribers

def follow(network, node, count):
    """Starts so many subscribers, and waits until they follow."""
    followers = start("followers", *node.address, count)
    demand(followers.stdout.readline() == "ready\n", f"{count} subscribers are not taken")
    return followers


def delays(network, rng, node, seconds, per_second):
    """From the node's line on a batch to a subscriber that has it."""
    subscriber, height = Subscriber(node), max(node.batches)
    paced(network, rng, seconds, per_second)
    time.sleep(0.2)
    subscriber.end()
    return figures.latencies(subscriber.delays(height))


def memory(node):
    return figures.memory_kib(node.process.pid)


def subscribers(network, rng, size):
    node = network.nodes[ASKED]
    result = network.figures["subscribers"] = {}
    say("one subscriber")
    result["one"] = delays(network, rng, node, size.follow_seconds, size.per_second)
    result["memory_kib_with_one"] = memory(node)
    say(f"{size.subscribers} subscribers")
    followers = follow(network, node, size.subscribers)
    result["memory_kib_with_all_idle"] = memory(node)
    result["all"] = delays(network, rng, node, size.follow_seconds, SLOW_PER_SECOND)
    result["memory_kib_with_all_told"] = memory(node)
    result["followers"] = end(followers)
    demand(not result["followers"]["ended"], "streams of events end by themselves")
    hold(network, "p99_ms_to_a_subscriber", result["one"]["p99_ms"], 20)


# 4. The commit path

def one_side(network, rng, size, is_watched):
    """Latencies at the node that is watched, or not, and at all of them."""
    node = network.nodes[ASKED]
    watchers = (follow(network, node, COMMIT_SUBSCRIBERS), Scraper(node)) if is_watched else ()
    requests = paced(network, rng, size.round_seconds, size.per_second)
    if is_watched:
        watchers[1].end()
        demand(not end(watchers[0])["ended"], "streams of events end by themselves")
    return network.latencies(requests, [node]), network.latencies(requests)


def median_ms(seconds):
    return round(1000 * figures.share(seconds, 50), 2)


def commit_path(network, rng, size, options):
    """In turns, the order changed each time, since the machine changes too."""
    rows = {False: [], True: []}
    for number in range(size.rounds):
        say(f"commits with and without subscribers, {number + 1} of {size.rounds}")
        for is_watched in (False, True) if number % 2 else (True, False):
            rows[is_watched].append(one_side(network, rng, size, is_watched))
    result = network.figures["commit_path"] = {"subscribers": COMMIT_SUBSCRIBERS}
    ratios = []
    for place, what in enumerate(("at_the_node", "at_all_nodes")):
        medians = {is_watched: median_ms([one for row in side for one in row[place]])
                   for is_watched, side in rows.items()}
        ratios.append(round(medians[True] / medians[False], 3))
        result[what] = {
            "median_ms_without": medians[False], "median_ms_with": medians[True],
            "ratio": ratios[-1],
            "medians_ms_without": [median_ms(row[place]) for row in rows[False]],
            "medians_ms_with": [median_ms(row[place]) for row in rows[True]]}
    # A round or two say nothing of three in a hundred.
    if not options.quick:
        hold(network, "commit_with_subscribers_and_scrapes", ratios[0], 1.03)


# 5. Saturation

def forged(data):
    """A signed message with another last byte: its signature does not hold, or it is no message."""
    return data[:-1] + bytes([data[-1] ^ 1])


def spec_of(network, size, small):
    bodies = [request.path.read_bytes() for request in small]
    return {
        "address": network.nodes[SATURATED].address, "seconds": size.flood_seconds,
        "idle": size.idle, "beyond": [body.hex() for body in bodies],
        "forged": [forged(body).hex() for body in bodies],
        "unsigned": [line.encode().hex() for line in network.lines[-len(small):]]}


def flood(network, rng, size, small):
    """Floods one node; what the clients were answered, and the requests decided meanwhile."""
    child = start("floods")
    child.stdin.write(json.dumps(spec_of(network, size, small)))
    child.stdin.close()
    child.stdin = None
    requests = hand_in(
        network, rng, 1 / size.per_second, size.per_second * size.flood_seconds)
    said = end(child)
    network.wait_decided(requests, network.validators)
    # What it took of the flood must be decided, and what it turned away may come again.
    said["afterwards"] = submit(network, small, [SATURATED], 1)
    network.wait_decided(small, network.validators)
    return said, requests


def saturation(network, rng, size, small):
    node = network.nodes[SATURATED]
    say("calm before the floods")
    calm = pace(network, paced(network, rng, size.calm_seconds, size.per_second))
    before = memory(node)
    say(f"floods for {size.flood_seconds} s")
    said, requests = flood(network, rng, size, small)
    flooded = pace(network, requests)
    demand(not said["dishonest"], f"answers that are not honest: {said['dishonest']}")
    ratio = round(flooded["decisions_per_second"] / calm["decisions_per_second"], 3)
    most = figures.memory_kib(node.process.pid, "VmHWM")
    network.figures["saturation"] = said | {
        "calm": calm, "flooded": flooded, "ratio_of_paces": ratio, "memory_kib_before": before,
        "memory_kib_most": most, "memory_kib_after": memory(node),
        "descriptors_after": figures.descriptors(node.process.pid)}
    network.wait("the flooded node answers again", lambda: is_well(node))
    hold(network, "pace_of_decisions_under_floods", ratio, 0.95, is_below=False)
    hold(network, "memory_mib_for_floods", (most - before) >> 10, 256)


def is_well(node):
    try:
        return ask(node.address, "/health").status == 200
    except (OSError, EOFError, TimeoutError):
        return False


def api(network, options, rng, turn):
    size = size_of(options)
    small = list(network.sign(network.lines[-size.beyond:], submitter=SMALL))
    without_limit(network)
    network.begin()
    if not options.quick:
        warm(network)
    identity = submissions(network, size)
    reads(network, rng, size, identity)
    subscribers(network, rng, size)
    commit_path(network, rng, size, options)
    saturation(network, rng, size, small)


API = Scenario(
    "api", "the API under load: floods are borne, answers are honest, decisions go on (wrk)", api,
    lambda options: size_of(options).count + size_of(options).beyond, need=need,
    checkpoint_seconds=2, submitters={SMALL: SMALL_QUOTA}, answers=True)
