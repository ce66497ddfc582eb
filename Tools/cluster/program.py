# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""The command line of `Tools/network`."""

import argparse
import functools
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import ROOT, figures, namespaces
from .api import API
from .checks import Checks
from .failures import Failure, Skipped
from .found import FOUND
from .hurt import BYZANTINE, CUT, KILLS, WIPED
from .network import Network
from .observers import IDLE, OBSERVERS
from .scenarios import LOAD, QUIET, SLOW
from .selftest import SELFTEST
from .soak import SOAK

ABOUT = """\
Runs ten validators and the bridge as processes of their own, hurts them, and audits what is left.

  Tools/network                           all scenarios that this machine can show
  Tools/network --quick                   the same in a minute or two, as CI does
  Tools/network quiet load --json         two of them; their figures, an object a line
  Tools/network --namespaces cut slow     over a switch that delays, loses and partitions (root)
  Tools/network soak --minutes 30 --namespaces

Scenarios, in this order unless some are named:

{scenarios}

Every scenario begins with a new network. Without --namespaces its nodes listen on ports of this
machine, and who is cut off stands still instead (SIGSTOP). With it each has a network namespace
and an address of its own, and a switch in user space between them.

At the end of a scenario all nodes are stopped, and it must hold:

{checks}

Requests are withdrawals with proofs that verify, made from a key whose secrets are known and kept
under .build/cluster; some scenarios hand in false ones too, which are rejected. A figure that is
not what is wanted is told; with --strict it is a failure.

Exits 0; or 1 with the folder of the network kept, and how to run it again. A scenario that needs
something which is not here is skipped, and says so. An interrupt leaves nothing behind.
"""

SCENARIOS = {scenario.name: scenario for scenario in (
    QUIET, LOAD, SLOW, FOUND, KILLS, CUT, WIPED, BYZANTINE, OBSERVERS, IDLE, API, SELFTEST,
    SOAK)}
# What only --minutes or its name asks for, and what --quick leaves out as too long.
LONG = {SOAK.name}
NOT_QUICK = {IDLE.name, API.name}


def description():
    from . import checks
    scenarios = "\n".join(f"  {one.name:<10}  {one.about}" for one in SCENARIOS.values())
    listed = checks.__doc__.split("\n\n", 1)[1].rstrip()
    return ABOUT.format(scenarios=scenarios, checks=listed)


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        prog="Tools/network", description=description(),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help="all but soak unless some are named")
    parser.add_argument("--quick", action="store_true", help="fewer requests, kills and liars")
    parser.add_argument("--minutes", type=float, help="how long to soak; 2 unless said")
    parser.add_argument("--seed", type=int, default=1, help="who is hurt, and when")
    parser.add_argument("--namespaces", action="store_true",
                        help="a network namespace for each node, behind a switch (root)")
    parser.add_argument("--json", action="store_true",
                        help="print an object for each scenario, with all its figures")
    parser.add_argument("--strict", action="store_true",
                        help="fail where a figure is not what is wanted")
    parser.add_argument("--port", type=int, default=24_100, help="the first port")
    parser.add_argument("--recount", default=str(ROOT / ".build/release/recount"),
                        help="the program to run")
    parser.add_argument("--keep", type=pathlib.Path,
                        help="keep the networks in this folder, which must not hold any")
    options = parser.parse_args(arguments)
    for name in options.scenarios:
        if name not in SCENARIOS:
            parser.error(f"there is no scenario called {name}; there are {', '.join(SCENARIOS)}")
    if not pathlib.Path(options.recount).is_file():
        parser.error(f"there is no program {options.recount}: swift build -c release makes it")
    if options.minutes is None:
        options.minutes = 2
    elif options.minutes <= 0:
        parser.error("--minutes must be above 0")
    elif not options.scenarios:
        options.scenarios = [SOAK.name]
    options.help_of = functools.cache(lambda command: subprocess.run(
        [options.recount, command, "--help"], capture_output=True, text=True).stdout)
    return options


class Runner:
    """Runs scenarios, and prints what became of each."""

    def __init__(self, options, top):
        self.options, self.top = options, top
        self.is_well = True
        self.port = options.port

    def run(self, scenario):
        try:
            scenario.need(self.options)
        except Skipped as skipped:
            return self.tell({"scenario": scenario.name, "result": "skipped"}, str(skipped))
        turns = scenario.turns(self.options)
        for turn in range(turns):
            label = scenario.name if turns == 1 else f"{scenario.name}-{turn + 1}"
            self.run_turn(scenario, turn, label)

    def run_turn(self, scenario, turn, label):
        options, begun, network = self.options, time.monotonic(), None
        folder = self.top / label
        said = {"scenario": label, "seed": options.seed,
                "namespaces": options.namespaces, "quick": options.quick}
        try:
            network = Network(options, folder, self.port, scenario)
            said["seconds_to_prepare"] = round(time.monotonic() - begun, 1)
            rng = random.Random(f"{options.seed} {label}")
            scenario.run(network, options, rng, turn)
            network.stop()
            self.note_traffic(network)
            ended = time.monotonic()
            network.figures["checks"] = Checks(network).run()
            said["seconds_to_check"] = round(time.monotonic() - ended, 1)
        except Failure as failure:
            self.fail(said, str(failure), folder, network, scenario)
        except Exception:
            # A fault of this script: what there is is kept, and the trace says where.
            self.is_well, said["result"] = False, "failed"
            raise
        else:
            said["seconds"] = round(time.monotonic() - begun, 1)
            self.succeed(said, network)
        finally:
            if network:
                network.close()
            elif options.namespaces:
                namespaces.remove_left()
        # So that nothing that still closes its port is in the way.
        self.port += 20
        if said.get("result") in ("holds", "missed") and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)

    def note_traffic(self, network):
        """What was sent, where every node has told it."""
        events = [node.traffic for node in network.nodes.values() if node.process]
        if all(events) and not any(node.is_hurt for node in network.validators):
            network.figures["traffic"] = figures.traffic(events, len(network.requests))

    def fail(self, said, failure, folder, network, scenario):
        self.is_well = False
        options = self.options
        again = f"Tools/network {scenario.name} --seed {options.seed}"
        again += " --quick" if options.quick else ""
        again += " --namespaces" if options.namespaces else ""
        again += f" --minutes {options.minutes:g}" if scenario.name in LONG else ""
        said |= {"result": "failed", "failure": failure, "kept": str(folder), "again": again}
        said |= network.figures if network else {}
        self.tell(said, f"{failure}\n  kept: {folder}\n  again: {again}")

    def succeed(self, said, network):
        missed = [what for what, one in network.figures.get("wanted", {}).items()
                  if not one["holds"]]
        said["result"] = "holds"
        said |= network.figures
        words = [f"holds, {said['seconds']} s"]
        for what, one in network.figures.get("wanted", {}).items():
            bound = f"below {one['below']}" if "below" in one else f"at least {one['at_least']}"
            words.append(f"{what} {one['is']} (wanted {bound}{'' if one['holds'] else ': MISSED'})")
        if missed and self.options.strict:
            self.is_well = False
            said["result"] = "missed"
        self.tell(said, "; ".join(words))

    def tell(self, said, text):
        if self.options.json:
            if said["result"] == "skipped":
                said["why"] = text
            print(json.dumps(said), flush=True)
        else:
            skipped = "skipped, since " if said["result"] == "skipped" else ""
            print(f"{said['scenario']}: {skipped}{text}", flush=True)


def interrupt(number, frame):
    raise KeyboardInterrupt


def main():
    options = parse()
    if options.namespaces:
        try:
            namespaces.need()
        except Skipped as skipped:
            sys.exit(f"Tools/network: {skipped}")
    signal.signal(signal.SIGTERM, interrupt)
    top = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="recount-network-"))
    top.mkdir(parents=True, exist_ok=True)
    runner = Runner(options, top)
    left_out = set() if options.scenarios else LONG | (NOT_QUICK if options.quick else set())
    try:
        for name in options.scenarios or SCENARIOS:
            if name not in left_out:
                runner.run(SCENARIOS[name])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    finally:
        if not options.keep and runner.is_well:
            shutil.rmtree(top, ignore_errors=True)
    sys.exit(0 if runner.is_well else 1)
