# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Many subscribers of one node, in a process of their own: how much they read, and when.

    python3 -m cluster.followers HOST PORT COUNT

Prints "ready" when all follow, reads on until its input ends, and prints an object.
"""

import json
import os
import resource
import selectors
import socket
import sys
import time

from .clients import ANSWER_SECONDS, written

# Those of one address; a node takes few more.
AN_ADDRESS = 500
# They look for news so often: a burst is read at once.
LOOK_SECONDS = 0.02


def raise_files():
    """As many files as this process may have at most."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def source(place, each=AN_ADDRESS):
    """An address of this machine: the same for so many."""
    return f"127.0.{place // each // 250 + 1}.{place // each % 250 + 1}"


def follow(address, place):
    """A stream; comes again while there is no place, as when others left a moment ago."""
    end = time.monotonic() + ANSWER_SECONDS
    while True:
        stream = socket.create_connection(
            address, timeout=ANSWER_SECONDS, source_address=(source(place), 0))
        stream.sendall(written("GET", "/events"))
        head = stream.recv(1 << 16)
        if head.startswith(b"HTTP/1.1 200"):
            stream.setblocking(False)
            return stream
        stream.close()
        if not head.startswith(b"HTTP/1.1 503") or time.monotonic() > end:
            sys.exit(f"subscriber {place + 1} is answered {head[:200]!r}")
        time.sleep(1)


def drain(streams):
    """Reads until the input ends; returns bytes, and how many streams ended by themselves."""
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    for stream in streams:
        selector.register(stream, selectors.EVENT_READ)
    count = ended = 0
    buffer = bytearray(1 << 18)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return count, ended
            try:
                got = key.fileobj.recv_into(buffer)
            except ConnectionError:
                got = 0
            count += got
            if not got:
                ended += 1
                selector.unregister(key.fileobj)
        time.sleep(LOOK_SECONDS)


def main():
    host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    raise_files()
    streams = [follow((host, port), place) for place in range(count)]
    print("ready", flush=True)
    taken, ended = drain(streams)
    print(json.dumps({"subscribers": count, "bytes": taken, "ended": ended,
                      "seconds_of_processor": round(sum(os.times()[:2]), 2)}))


if __name__ == "__main__":
    main()
