# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""All at once that a node's API must bear, in a process of its own.

    python3 -m cluster.floods < what.json

The object read has the address, the seconds, how many connections idle, and bodies in hexadecimal:
"unsigned" and "forged" ones of strangers, and those of a submitter "beyond" its quota. The object
printed counts the answers of each kind of client, and names those that are not honest.
"""

import asyncio
import collections
import errno
import itertools
import json
import os
import random
import socket
import sys
import time

from .clients import Connection, read_answer, written
from .followers import raise_files, source

# Connections of each flood of submissions, all of one address.
STRANGERS, BEYOND = 64, 16
# Those who read or write slowly, and those who lie, of each kind.
SLOW = 20
# A node gives up on each of them before that.
SLOW_SECONDS = 30
IDLE_AN_ADDRESS = 900
IDLE_AT_ONCE = 64
# Addresses of each kind of client, apart from one another.
FIRST = {"strangers": 0, "beyond": 100, "slow": 200, "liars": 300, "idle": 400}
DISHONEST_SHOWN = 10


class Tally:
    """Answers by kind of client and by status."""

    def __init__(self):
        self.kinds = collections.defaultdict(collections.Counter)
        self.dishonest, self.taken = [], set()

    def add(self, kind, answer):
        self.kinds[kind][answer.word] += 1
        if not answer.is_honest and len(self.dishonest) < DISHONEST_SHOWN:
            self.dishonest.append(f"{kind}: {answer.word}")

    def note(self, kind, word):
        self.kinds[kind][word] += 1


class Floods:
    def __init__(self, spec):
        self.address = tuple(spec["address"])
        self.end = time.monotonic() + spec["seconds"]
        self.middle = time.monotonic() + spec["seconds"] / 2
        self.seconds, self.idle = spec["seconds"], spec["idle"]
        self.bodies = {kind: [bytes.fromhex(text) for text in spec[kind]]
                       for kind in ("unsigned", "forged", "beyond")}
        self.tally = Tally()
        self.gate = asyncio.Semaphore(IDLE_AT_ONCE)
        self.open = self.most_open = 0

    @property
    def is_on(self):
        return time.monotonic() < self.end

    def source(self, kind, place, each=1):
        return source(FIRST[kind] + place // each, each=1)

    async def every(self, kind, act, place):
        """Does one thing again and again; whatever becomes of the connection."""
        while self.is_on:
            try:
                await act(kind, place)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.tally.note(kind, "closed")
            except TimeoutError:
                self.tally.note(kind, "not answered")
            except OSError as error:
                self.tally.note(kind, errno.errorcode.get(error.errno, "not connected"))
            # As fast as it goes, and not faster where nothing is listened to.
            await asyncio.sleep(0.01)

    # Submissions

    async def flood(self, kind, place, messages):
        connection = Connection(self.address, self.source(kind, 0))
        try:
            for number, body, form in messages:
                if not self.is_on:
                    break
                answer = await connection.send(written("POST", "/requests", body, form))
                self.tally.add(kind, answer)
                if kind == "beyond" and answer.status in (200, 202):
                    self.tally.taken.add(number)
        finally:
            connection.close()

    async def stranger(self, kind, place):
        unsigned = [(0, body, "application/json") for body in self.bodies["unsigned"]]
        forged = [(0, body, "application/octet-stream") for body in self.bodies["forged"]]
        await self.flood(kind, place, itertools.cycle(unsigned if place % 2 else forged))

    async def beyond(self, kind, place):
        bodies = [(number, body, "application/octet-stream")
                  for number, body in enumerate(self.bodies["beyond"])]
        await self.flood(kind, place, itertools.cycle(
            bodies[place::BEYOND] + bodies[:place]))

    # Slow ones

    async def connected(self, kind, place, each=1, room=None):
        """A connection, whose reader takes no more than it must."""
        plain = socket.socket()
        plain.setblocking(False)
        if room:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        try:
            plain.bind((self.source(kind.split()[0], place, each), 0))
            await asyncio.wait_for(
                asyncio.get_running_loop().sock_connect(plain, self.address), 20)
            return await asyncio.open_connection(sock=plain, limit=room or 1 << 16)
        except BaseException:
            plain.close()
            raise

    async def slow_writer(self, kind, place):
        """A head, or a body, that comes byte by byte and never whole."""
        reader, writer = await self.connected(kind, place)
        whole = written("POST", "/requests", b"{" * 60_000)
        at = 10 if place % 2 else whole.index(b"\r\n\r\n") + 5
        writer.write(whole[:at])
        begun = time.monotonic()
        try:
            while self.is_on and time.monotonic() - begun < SLOW_SECONDS:
                writer.write(whole[at : at + 1])
                at += 1
                if await self.is_ended(reader, kind):
                    return
            self.tally.note(kind, "borne" if self.is_on else "open at the end")
        finally:
            writer.close()

    async def is_ended(self, reader, kind):
        """Whether the node ends the connection within a second, and how."""
        try:
            async with asyncio.timeout(1):
                self.tally.add(kind, await read_answer(reader))
        except TimeoutError:
            return False
        return True

    async def slow_reader(self, kind, place):
        """Asks for much, and reads nothing of it for longer than a node waits."""
        path = "/log?limit=1000" if place % 2 else "/events?from=0"
        reader, writer = await self.connected(kind, place, room=4096)
        writer.transport.pause_reading()
        writer.write(written("GET", path) * 4)
        begun = time.monotonic()
        while self.is_on and time.monotonic() - begun < SLOW_SECONDS:
            await asyncio.sleep(0.5)
        try:
            if self.is_on:
                self.tally.note(kind, await self.rest(reader, writer))
            else:
                self.tally.note(kind, "open at the end")
        finally:
            writer.close()

    async def rest(self, reader, writer):
        """What is left of a connection that a node should have given up."""
        writer.transport.resume_reading()
        try:
            async with asyncio.timeout(5):
                while await reader.read(1 << 16):
                    pass
        except TimeoutError:
            return "borne"
        except ConnectionError:
            pass
        return "cut"

    # Liars

    LIES = {
        "shorter than it says": b"Content-Length: 100\r\n\r\n{}",
        "longer than it says": b"Content-Length: 2\r\n\r\n{}" + b"{" * 100,
        "says that it is huge": b"Content-Length: 1000000000000\r\n\r\n{}",
        "says that it is beyond numbers": b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        "says that it is less than nothing": b"Content-Length: -1\r\n\r\n{}",
        "says two lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "chunks without size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        "chunks without end": b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n%b\r\n" % (
            b"{" * 0x4000) * 5,
        "length and chunks": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a head without end": b"X: " + b"x" * 200_000,
        "no HTTP": None,
    }

    async def liar(self, kind, place):
        name, rest = list(self.LIES.items())[place % len(self.LIES)]
        reader, writer = await self.connected("liars", place)
        data = b"POST /requests HTTP/1.1\r\nHost: node\r\n" + rest if rest else os.urandom(4096)
        try:
            writer.write(data)
            writer.write_eof()
            async with asyncio.timeout(20):
                self.tally.add(f"liars: {name}", await read_answer(reader))
        except (ConnectionError, asyncio.IncompleteReadError):
            self.tally.note(f"liars: {name}", "closed")
        except asyncio.LimitOverrunError:
            self.tally.note(f"liars: {name}", "an answer without end")
        finally:
            writer.close()
        await asyncio.sleep(0.2)

    # Idle ones

    async def idler(self, kind, place):
        """Connects and says nothing, in the second half."""
        await asyncio.sleep(max(0, self.middle - time.monotonic()))
        async with self.gate:
            if not self.is_on:
                return
            reader, writer = await self.connected(kind, place, each=IDLE_AN_ADDRESS)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            async with asyncio.timeout(max(0.1, self.end - time.monotonic())):
                self.tally.add(kind, await read_answer(reader))
        except TimeoutError:
            self.tally.note(kind, "open at the end")
        finally:
            self.open -= 1
            writer.close()
        # Turned away, it comes again in a while.
        await asyncio.sleep(random.uniform(2, 6))

    async def run(self):
        groups = (("strangers", self.stranger, STRANGERS), ("beyond", self.beyond, BEYOND),
                  ("slow writers", self.slow_writer, SLOW),
                  ("slow readers", self.slow_reader, SLOW), ("liars", self.liar, SLOW),
                  ("idle", self.idler, self.idle))
        tasks = [asyncio.create_task(self.every(kind, act, place))
                 for kind, act, count in groups for place in range(count)]
        await asyncio.sleep(self.end - time.monotonic())
        done, left = await asyncio.wait(tasks, timeout=5)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for task in done:
            task.result()


def main():
    files = raise_files()
    spec = json.load(sys.stdin)
    spec["idle"] = min(spec["idle"], files - 500)
    floods = Floods(spec)
    asyncio.run(floods.run())
    tally = floods.tally
    print(json.dumps({
        "idle_connections": spec["idle"], "idle_open_at_once": floods.most_open,
        "answers": {kind: dict(sorted(words.items()))
                    for kind, words in sorted(tally.kinds.items())},
        "dishonest": tally.dishonest, "beyond_taken": len(tally.taken),
        "seconds_of_processor": round(sum(os.times()[:2]), 2)}))


if __name__ == "__main__":
    main()
