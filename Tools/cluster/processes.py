# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Processes that end with this one, and what they tell, stamped when it comes."""

import ctypes
import json
import os
import selectors
import signal
import subprocess
import threading
import time

from .failures import Failure

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x4000_0000
PATIENCE_SECONDS = 60


def enter(space):
    """Moves this thread into a network namespace."""
    descriptor = os.open(f"/run/netns/{space}", os.O_RDONLY)
    try:
        if LIBC.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"the namespace {space} cannot be entered")
    finally:
        os.close(descriptor)


def spawn(command, space=None, **options):
    """Starts a process in a group of its own, which is killed when this process is."""
    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if space:
            enter(space)

    environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
    return subprocess.Popen(
        command, preexec_fn=prepare, process_group=0, env=environment, **options)


class Listener:
    """Reads what all nodes print, in one thread, and stamps each line when it is there."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.wakes, self.waker = os.pipe()
        self.selector.register(self.wakes, selectors.EVENT_READ)
        self.waiting = []
        self.lock = threading.Lock()
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def add(self, stream, take):
        """Gives the lines of a stream to `take(stamp, line)`, and at its end None."""
        os.set_blocking(stream.fileno(), False)
        with self.lock:
            self.waiting.append((stream, take))
        os.write(self.waker, b"\0")

    def end(self):
        self.is_over = True
        os.write(self.waker, b"\0")
        self.thread.join()
        self.selector.close()
        os.close(self.wakes)
        os.close(self.waker)

    def run(self):
        rests = {}
        while not self.is_over:
            for key, _ in self.selector.select():
                if key.fileobj == self.wakes:
                    os.read(self.wakes, 4096)
                    with self.lock:
                        for stream, take in self.waiting:
                            self.selector.register(stream, selectors.EVENT_READ, take)
                        self.waiting = []
                    continue
                try:
                    data = os.read(key.fd, 1 << 18)
                except BlockingIOError:
                    continue
                stamp = time.monotonic()
                if not data:
                    self.selector.unregister(key.fileobj)
                    rests.pop(key.fd, None)
                    key.fileobj.close()
                    key.data(stamp, None)
                    continue
                *lines, rests[key.fd] = (rests.get(key.fd, b"") + data).split(b"\n")
                for line in lines:
                    key.data(stamp, line)


class Node:
    """One process: a validator, the bridge or an observer."""

    # Kinds of lines that are read; votes are most of what is printed, and are not.
    KINDS = {b"decided", b"party", b"batch", b"refused", b"equivocation", b"warning", b"traffic",
             b"accepted", b"settled", b"listening"}
    MARK = b'"event":"'

    def __init__(self, network, name):
        self.network, self.name = network, name
        self.process = None
        self.started = 0.0
        self.decided = {}
        self.accepted = {}
        self.refused = {}
        self.settled = set()
        self.parties = set()
        self.warnings = []
        self.contradictions = []
        # Roots by height, and when they were told, and the entries of the ledger by then.
        self.batches, self.stamps, self.sizes = {}, {}, {}
        self.size = 0
        # Where it answers over HTTP: a host and a port.
        self.address = None
        self.traffic = None
        # The process whose output was read to its end.
        self.read_process = None
        # Whether it is meant to run, and whether it stands still.
        self.is_up = self.is_stopped = False
        # Whether something was done to it.
        self.is_hurt = False
        # Where the journals are that it lost.
        self.lost_journals = []
        # How it lies, where it does.
        self.lie = ()

    @property
    def home(self):
        return self.network.folder / self.name

    @property
    def is_honest(self):
        return not self.lie

    def start(self):
        # Ten lines of votes for each request in each node would be a part of what is measured.
        command = [self.network.recount, "node", str(self.home), "--json", "--log-level", "debug",
                   *self.lie]
        if self.network.answers and self.name != "bridge":
            command += ["--api", "127.0.0.1:0"]
        self.parties, self.address = set(), None
        with open(self.network.folder / f"{self.name}.err", "ab") as errors:
            self.process = spawn(
                command, self.network.space(self.name), stdout=subprocess.PIPE, stderr=errors)
        self.started = time.monotonic()
        self.is_up = True
        process = self.process
        self.network.listener.add(
            process.stdout, lambda stamp, line: self.take(process, stamp, line))

    def take(self, process, stamp, line):
        """Takes a line in. Runs in the thread of the listener."""
        if line is None:
            self.read_process = process
            return
        start = line.find(self.MARK) + len(self.MARK)
        kind = line[start : line.find(b'"', start)]
        if kind not in self.KINDS:
            return
        try:
            event = json.loads(line)
        except ValueError:
            return  # Cut off by a kill.
        match event["event"]:
            case "decided":
                result = event["result"]
                told = self.decided.setdefault(result["request_id"], (result["outcome"], stamp))
                if told[0] != result["outcome"]:
                    self.contradictions.append(f"two outcomes of {result['request_id']}")
            case "accepted":
                self.accepted.setdefault(event["request_id"], stamp)
            case "refused":
                self.refused[event.get("request_id")] = event["reason"]
            case "settled":
                self.settled.add(event["request_id"])
            case "party":
                if process is self.process:
                    self.parties.add(event["about"])
            case "batch":
                if self.batches.setdefault(event["height"], event["root"]) != event["root"]:
                    self.contradictions.append(f"two batches {event['height']}")
                self.stamps.setdefault(event["height"], stamp)
                self.sizes.setdefault(event["height"], event["size"])
                self.size = max(self.size, event["size"])
            case "listening":
                if process is self.process and event.get("api"):
                    host, port = event["api"].removeprefix("http://").rsplit(":", 1)
                    self.address = (host, int(port))
            case "warning":
                self.warnings.append(event["detail"])
            case "traffic":
                self.traffic = event

    def kill(self):
        """Ends it with SIGKILL."""
        self.is_hurt, self.is_up = True, False
        self.process.kill()
        self.process.wait()
        self.is_stopped = False

    def freeze(self):
        """Lets it stand still."""
        self.is_hurt = self.is_stopped = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """Lets it go on."""
        self.process.send_signal(signal.SIGCONT)
        self.is_stopped = False

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def tell_end(self):
        """Asks it to end in order."""
        self.is_up = False
        if self.is_stopped:
            self.thaw()
        self.process.send_signal(signal.SIGTERM)

    def wait_end(self):
        """Waits until it has ended as it was asked to."""
        try:
            status = self.process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} does not end when it is told to") from None
        if status != 0:
            raise Failure(f"{self.name} ended with {status}; see {self.name}.err")
        end = time.monotonic() + PATIENCE_SECONDS
        while self.read_process is not self.process and time.monotonic() < end:
            time.sleep(0.001)

    def stop(self):
        """Ends it in order."""
        self.tell_end()
        self.wait_end()
