# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""A new ledger, its ten validators and its bridge, and what is handed in to them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

from . import SAMPLES, withdrawals
from .failures import Failure
from .namespaces import Namespaces
from .processes import PATIENCE_SECONDS, Listener, Node

VALIDATORS = [f"validator-{number}" for number in range(1, 11)]
# The submitter may have so many undecided.
QUOTA = 20_000
# Files that one spool takes, less some.
SIGNED_AT_ONCE = 5_000
LOOK_SECONDS = 0.01


class Request:
    """A signed withdrawal: a file that only has to be moved into a spool."""

    def __init__(self, identity, path, is_true):
        self.identity, self.path, self.is_true = identity, path, is_true
        self.handed_in = 0.0
        self.node = None


def configuration(folder, setup, *, connections, checkpoint_seconds, submitters):
    """The sample with the circuit of `withdrawals`, room for many requests, and more submitters."""
    text = (SAMPLES / "recount.toml").read_text()
    text = text[: text.index("# The circuit of")]
    for pattern, value in (
            (r"quota = .*", f"quota = {QUOTA}"),
            (r"peer_discovery = .*", 'peer_discovery = "static"'),
            (r"max_connections = .*", f"max_connections = {connections}"),
            (r"(?m)^verification_timeout = .*", r"\g<0>\nunclosed_max = 100000")):
        text, count = re.subn(pattern, value, text)
        if count != 1:
            raise Failure(f"the sample configuration has {count} lines like {pattern}")
    key = folder / "verification_key.json"
    key.write_text(json.dumps(setup.verifying_key()))
    inputs = ", ".join(f'"{name}"' for name in withdrawals.PUBLIC_INPUTS)
    text += (
        f'[[circuits]]\nname = "{withdrawals.CIRCUIT}"\nverifying_key = "{key}"\n'
        f'public_inputs = [{inputs}]\nroots = ["{setup.root}"]\n'
        f"\n[checkpoints]\nseconds = {checkpoint_seconds}\n")
    for name, quota in submitters.items():
        text += f'\n[[submitters]]\nname = "{name}"\nquota = {quota}\n'
    path = folder / "recount.toml"
    path.write_text(text)
    return path


class Network:
    """Ten validators and the bridge of one new ledger."""

    def __init__(self, options, folder, port, scenario):
        """Makes the homes of a scenario's nodes, and its requests, signed."""
        self.recount = options.recount
        self.folder = pathlib.Path(folder) / "net"
        self.parent = pathlib.Path(folder)
        self.namespaces = self.listener = None
        self.nodes, self.requests, self.figures = {}, {}, {}
        # Whether validators answer over HTTP.
        self.answers = scenario.answers
        self.parent.mkdir(parents=True)
        setup, lines = withdrawals.prepare(options.seed, scenario.count(options))
        false_each = scenario.false_each
        # Of this network alone: each `false_each`th, and not of the file that is kept.
        self.lines = [
            withdrawals.with_false_proof(line)
            if false_each and number % false_each == false_each - 1 else line
            for number, line in enumerate(lines)]
        self.configuration = configuration(
            self.parent, setup, connections=scenario.connections,
            checkpoint_seconds=scenario.checkpoint_seconds, submitters=scenario.submitters)
        self.run("init", str(self.folder), "--config", str(self.configuration), "--port", str(port))
        self.signed = self.sign(self.lines, false_each)
        for name in scenario.observers:
            self.run("init", str(self.folder), "--observer", name)
        names = [*VALIDATORS, "bridge", *scenario.observers]
        self.nodes = {name: Node(self, name) for name in names}
        self.listener = Listener()
        if options.namespaces:
            self.namespaces = Namespaces(self.nodes, options.seed)
            self.move_addresses()

    # Programs

    def run(self, *arguments, may_fail=False, program=None):
        """Runs a command of the program to its end."""
        done = subprocess.run(
            [program or self.recount, *arguments], capture_output=True, text=True)
        if done.returncode and not may_fail:
            raise Failure(f"recount {' '.join(arguments)}: {done.stderr.strip()}")
        return done

    def space(self, name):
        return self.namespaces.space(name) if self.namespaces else None

    def move_addresses(self):
        """Gives each home the address of its namespace instead of the machine's own."""
        paths = {name: self.folder / name / "recount.toml" for name in self.nodes}
        texts = {name: path.read_text() for name, path in paths.items()}
        hosts = {}
        for name, text in texts.items():
            # An observer need not listen.
            if found := re.search(r'listen = \["/ip4/127\.0\.0\.1/tcp/(\d+)"', text):
                hosts[found[1]] = self.namespaces.address(name)
        for name, text in texts.items():
            paths[name].write_text(re.sub(
                r"/ip4/127\.0\.0\.1/tcp/(\d+)",
                lambda match: f"/ip4/{hosts[match[1]]}/tcp/{match[1]}", text))

    # Requests

    def sign(self, lines, false_each=0, submitter="submitter"):
        """Signs lines into files beside the homes, as `recount submit` does."""
        desk, folder = self.parent / "desk", self.parent / "signed"
        folder.mkdir(exist_ok=True)
        shutil.copytree(self.folder / VALIDATORS[0], desk)
        signed = []
        for start in range(0, len(lines), SIGNED_AT_ONCE):
            part = lines[start : start + SIGNED_AT_ONCE]
            file = self.parent / "part.jsonl"
            file.write_text("".join(line + "\n" for line in part))
            done = self.run(
                "submit", str(desk), "--request", str(file), "--json", "--submitter",
                str(self.folder / "submitters" / submitter))
            for number, row in enumerate(done.stdout.splitlines(), start):
                identity = json.loads(row)["request_id"]
                path = folder / f"{identity}.message"
                (desk / "jobs" / path.name).rename(path)
                is_true = not false_each or number % false_each != false_each - 1
                signed.append(Request(identity, path, is_true))
        shutil.rmtree(desk)
        for name in VALIDATORS:
            (self.folder / name / "jobs").mkdir(exist_ok=True)
        return iter(signed)

    def draw(self):
        """The next request, which nobody has handed in."""
        request = next(self.signed, None)
        if request is None:
            raise Failure("there are fewer requests than the scenario wants")
        return request

    def note(self, request, name):
        """Notes that a request is handed in to a node now: it must be decided, or refused."""
        request.node = name
        self.requests[request.identity] = request
        request.handed_in = time.monotonic()

    def hand_in(self, name):
        """Hands the next request in to a node: from now on it may take it. Returns it."""
        request = self.draw()
        target = self.folder / name / "jobs" / request.path.name
        self.note(request, name)
        request.path.rename(target)
        return request

    # Nodes

    def start(self, names):
        for name in names:
            self.nodes[name].start()

    @property
    def validators(self):
        return [self.nodes[name] for name in VALIDATORS]

    @property
    def honest(self):
        return [node for node in self.validators if node.is_honest]

    def begin(self):
        """Starts all but observers, and waits until the honest reach one another."""
        self.start(VALIDATORS + ["bridge"])
        # Itself is not among the parties of a node, and the bridge is.
        wanted = len(self.honest)
        self.wait(
            "all nodes reach one another",
            lambda: all(len(node.parties) >= wanted for node in self.honest))

    def wait(self, what, holds, seconds=PATIENCE_SECONDS):
        """Waits until something holds; that all processes are there, it sees as well."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise Failure(f"not within {seconds:.0f} s: {what}")
            self.look()
            time.sleep(LOOK_SECONDS)

    def look(self):
        """Sees that no node has ended by itself, and none has told two things on one matter."""
        for node in self.nodes.values():
            if node.is_up and not node.is_running:
                raise Failure(
                    f"{node.name} ended by itself with {node.process.returncode}; see"
                    f" {node.name}.err")

    def wait_decided(self, requests, nodes, seconds=PATIENCE_SECONDS):
        """Waits until every request is decided, as each of these nodes tells."""
        left = {request.identity for request in requests}

        def is_done():
            done = [identity for identity in left
                    if all(identity in node.decided for node in nodes)]
            left.difference_update(done)
            return not left

        try:
            self.wait("", is_done, seconds)
        except Failure as failure:
            if not left:
                raise
            lacking = [node.name for node in nodes if any(i not in node.decided for i in left)]
            if "not within" not in str(failure):
                raise
            raise Failure(
                f"not within {seconds:.0f} s: {len(left)} of {len(requests)} requests are not"
                f" decided at {', '.join(lacking)}; one is {min(left)}") from None

    def spooled(self):
        """How many files wait in all spools."""
        return sum(len(os.listdir(self.folder / name / "jobs")) for name in VALIDATORS)

    def latencies(self, requests, nodes=None):
        """From handing in until the last node told the decision, in seconds."""
        nodes = nodes or self.validators
        return [
            max(node.decided[request.identity][1] for node in nodes) - request.handed_in
            for request in requests]

    # Its end

    def stop(self):
        """Ends all nodes in order."""
        running = [node for node in self.nodes.values() if node.process]
        for node in running:
            node.tell_end()
        for node in running:
            node.wait_end()

    def close(self):
        """Leaves no process and no namespace behind."""
        for node in self.nodes.values():
            if node.is_running:
                node.process.kill()
                node.process.wait()
        if self.namespaces:
            self.namespaces.end()
        if self.listener:
            self.listener.end()
