# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Clients of a node's HTTP API: connections that are kept, and subscribers."""

import asyncio
import collections
import dataclasses
import http.client
import json
import re
import threading
import time

from .failures import demand

ANSWER_SECONDS = 60
# Until all of many submissions are taken.
SUBMIT_SECONDS = 180
BINARY = "application/octet-stream"


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def word(self):
        """The status, and the reason that a refusal gives."""
        if self.status < 400:
            return str(self.status)
        try:
            return f"{self.status} {json.loads(self.body)['error']}"
        except (ValueError, KeyError, TypeError):
            return str(self.status)

    @property
    def is_honest(self):
        """Whether it says what the client can do: 2xx, 4xx, 429 with a time, 503 with a reason."""
        if self.status == 429:
            return "retry-after" in self.headers
        if self.status == 503:
            return "retry-after" in self.headers or " " in self.word
        return 200 <= self.status < 300 or 400 <= self.status < 500


def written(method, path, body=b"", kind=BINARY):
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: node\r\n"
    if body:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def read_answer(reader):
    """An answer of stated length; `IncompleteReadError` where the connection ends before."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(int(first.split(" ")[1]), headers, body)


class Connection:
    """A connection that is kept for one request after the other."""

    def __init__(self, address, source=None):
        self.address, self.source = address, source
        self.reader = self.writer = None

    async def open(self):
        local = (self.source, 0) if self.source else None
        self.reader, self.writer = await asyncio.open_connection(
            *self.address, local_addr=local, limit=1 << 20)

    async def send(self, data):
        """Sends what makes one request, and gives its answer."""
        if not self.writer:
            await self.open()
        self.writer.write(data)
        answer = await read_answer(self.reader)
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


def ask(address, path):
    """The answer to one question."""
    async def once():
        connection = Connection(address)
        try:
            return await asyncio.wait_for(
                connection.send(written("GET", path)), ANSWER_SECONDS)
        finally:
            connection.close()

    return asyncio.run(once())


def submit(network, requests, names, width):
    """Hands requests in to nodes over so many connections; the answers by status, and the rate.

    A node that has no room, or does not say whether it took one, is asked again when it says. What
    was taken, or is known, is noted as handed in.
    """
    bodies = iter([(request, written("POST", "/requests", request.path.read_bytes()))
                   for request in requests])
    answers = collections.Counter()

    async def one(name):
        connection = Connection(network.nodes[name].address)
        for request, data in bodies:
            while (answer := await connection.send(data)).status in (429, 503):
                answers[answer.word] += 1
                await asyncio.sleep(int(answer.headers["retry-after"]))
            answers[answer.word] += 1
            demand(answer.status in (200, 202), f"a request is answered {answer.body}")
            network.note(request, name)
        connection.close()

    async def everyone():
        await asyncio.wait_for(asyncio.gather(
            *(one(names[place % len(names)]) for place in range(width))), SUBMIT_SECONDS)

    begun = time.monotonic()
    asyncio.run(everyone())
    seconds = time.monotonic() - begun
    return {"connections": width, "answers": dict(sorted(answers.items())),
            "submissions_per_second": round(len(requests) / seconds, 1)}


class Subscriber:
    """Follows the ledger at a node, in a thread, and notes when each entry came."""

    def __init__(self, node):
        self.node, self.seen = node, {}
        self.connection = http.client.HTTPConnection(*node.address, timeout=ANSWER_SECONDS)
        self.connection.request("GET", "/events")
        self.answer = self.connection.getresponse()
        demand(self.answer.status == 200, f"/events of {node.name} answers {self.answer.status}")
        self.socket = self.connection.sock
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            for line in self.answer:
                if line.startswith(b"id: "):
                    self.seen[int(line[4:])] = time.monotonic()
        except (OSError, http.client.HTTPException, ValueError):
            demand(self.is_over, f"the events of {self.node.name} end by themselves")

    def delays(self, after):
        """From the node's own line on a batch to the last entry of it, in seconds."""
        return [self.seen[size - 1] - self.node.stamps[height]
                for height, size in list(self.node.sizes.items())
                if height > after and size - 1 in self.seen]

    def end(self):
        self.is_over = True
        self.socket.shutdown(2)
        self.thread.join()
        self.connection.close()


class Scraper:
    """Asks a node for its metrics each second, in a thread."""

    def __init__(self, node):
        self.node, self.answers = node, collections.Counter()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        connection = http.client.HTTPConnection(*self.node.address, timeout=ANSWER_SECONDS)
        while not self.is_over.wait(1 if self.answers else 0):
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            answer.read()
            self.answers[answer.status] += 1
        connection.close()

    def end(self):
        self.is_over.set()
        self.thread.join()
        demand(set(self.answers) == {200},
               f"scrapes of {self.node.name} are answered {dict(self.answers)}")


UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def of_wrk(text):
    """What wrk measured, from what it prints."""
    def latency(percent):
        # There is none where nothing was read in time.
        found = re.search(rf"(?m)^\s+{percent}%\s+([\d.]+)(us|ms|s)$", text)
        return round(float(found[1]) * UNITS[found[2]], 3) if found else None

    rate = re.search(r"(?m)^Requests/sec:\s+([\d.]+)", text)
    demand(rate, f"wrk says: {text[-2000:]}")
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: (.*)", text)
    return {"reads_per_second": float(rate[1]), "median_ms": latency(50), "p99_ms": latency(99),
            "refused": int(others[1]) if others else 0, "errors": errors[1] if errors else None}
