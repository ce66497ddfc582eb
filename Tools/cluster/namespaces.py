# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""A network namespace and an address for each node, behind the switch."""

import json
import os
import pathlib
import re
import subprocess
import sys

from . import ROOT
from .failures import Failure, Skipped
from .processes import spawn

PREFIX = "recount-"
MTU = 1_500
QUEUE_PACKETS = 10_000


def ip(*words, lines=None):
    """Runs iproute2: some words, or many lines of them at once."""
    if lines is not None:
        words = (*words, "-batch", "-")
    done = subprocess.run(
        ["ip", *words], input="\n".join(lines or []), capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"ip {' '.join(words)}: {done.stderr.strip()}")


def need():
    """Says what is missing, where namespaces cannot be had."""
    if os.geteuid() != 0:
        raise Skipped("--namespaces wants root")
    if not pathlib.Path("/dev/net/tun").exists():
        raise Skipped("--namespaces wants /dev/net/tun")


def remove_left():
    """Removes the namespaces of runs that did not come to their end."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for name in re.findall(rf"^{PREFIX}\d+-\d+", listed, re.MULTILINE):
        owner = int(name.split("-")[1])
        if owner == os.getpid() or not pathlib.Path(f"/proc/{owner}").exists():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Namespaces:
    """One for each name, and the switch between them."""

    def __init__(self, names, seed):
        self.names = list(names)
        self.process = None
        remove_left()
        for name in self.names:
            ip("netns", "add", self.space(name))
        self.process = spawn(
            [sys.executable, "-m", "cluster.switch", str(seed), *map(self.space, self.names)],
            cwd=ROOT / "Tools", text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.counters = self.answer()
        for name in self.names:
            ip("-n", self.space(name), lines=[
                "link set lo up",
                f"addr add {self.address(name)}/24 dev eth0",
                f"link set eth0 mtu {MTU} txqueuelen {QUEUE_PACKETS} up",
            ])

    def space(self, name):
        return f"{PREFIX}{os.getpid()}-{self.names.index(name)}"

    def address(self, name):
        return f"10.83.0.{self.names.index(name) + 1}"

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure("the switch has ended; what it said is above")
        return json.loads(line)

    def tell(self, wanted):
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        self.counters = self.answer()
        return self.counters

    def change(self, delay=0.0, jitter=0.0, loss=0.0, rate=0, groups=()):
        """Makes the network another one; groups are lists of names."""
        places = [[self.names.index(name) for name in group] for group in groups]
        return self.tell(
            {"delay": delay, "jitter": jitter, "loss": loss, "rate": rate, "groups": places})

    def look(self):
        """The counters of the switch."""
        return self.tell(None)

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        remove_left()
