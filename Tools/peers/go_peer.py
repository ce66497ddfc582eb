# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""A daemon of go-libp2p that does what it is told, with the commands of python_peer.py.

The daemon is asked over a socket, in messages of protocol buffers after their length. What is
needed of those is written here by hand, so that nothing has to be installed for it.
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

arguments = argparse.ArgumentParser()
arguments.add_argument("--daemon", required=True)
arguments.add_argument("--ip", default="127.0.0.1")
arguments.add_argument("--port", type=int, default=0)
arguments = arguments.parse_args()

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CONNECT, OPEN, LIST_PEERS, PUBSUB = 1, 2, 5, 8
GO_LIST_PEERS, GO_PUBLISH, GO_SUBSCRIBE = 1, 2, 3
output = threading.Lock()


def tell(**fact):
    with output:
        print(json.dumps(fact), flush=True)


def varint(number):
    data = b""
    while number > 127:
        data += bytes([number & 127 | 128])
        number >>= 7
    return data + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(data):
    """The fields of a message: a list of values for each number."""
    found, place = {}, 0

    def number():
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        key = number()
        value = number()
        if key & 7 == 2:
            value, place = data[place : place + value], place + value
        found.setdefault(key >> 3, []).append(value)
    return found


def peer_bytes(text):
    number = 0
    for letter in text:
        number = number * 58 + ALPHABET.index(letter)
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return b"\0" * (len(text) - len(text.lstrip("1"))) + body


def peer_text(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def address_bytes(text):
    _, family, host, _, port, *_ = text.split("/")
    if family != "ip4":
        raise ValueError("only addresses of version 4")
    return b"\x04" + socket.inet_aton(host) + b"\x06" + int(port).to_bytes(2, "big")


def address_text(data):
    if data[0] != 4 or data[5] != 6:
        return data.hex()
    return f"/ip4/{socket.inet_ntoa(data[1:5])}/tcp/{int.from_bytes(data[6:8], 'big')}"


class Daemon:
    def __init__(self, folder):
        self.path = os.path.join(folder, "control")
        self.process = subprocess.Popen(
            [
                arguments.daemon,
                "-listen",
                f"/unix{self.path}",
                "-hostAddrs",
                f"/ip4/{arguments.ip}/tcp/{arguments.port}",
                "-pubsub",
                "-pubsubRouter",
                "gossipsub",
                "-tls=false",
                "-relay=false",
                "-relayService=false",
                "-relayDiscovery=false",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in self.process.stdout:
            if os.path.exists(self.path) and "Peer ID" in line or line.startswith("Control"):
                break
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def ask(self, request):
        """A new connection on which the request was answered: the answer, and the connection."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        connection.connect(self.path)
        connection.sendall(varint(len(request)) + request)
        answer = fields(self.read(connection))
        if answer[1] != [0]:
            raise RuntimeError(fields(answer[2][0])[1][0].decode())
        return answer, connection

    @staticmethod
    def read(connection):
        """The next message."""
        length = shift = 0
        while True:
            byte = connection.recv(1)
            if not byte:
                raise EOFError
            length |= (byte[0] & 127) << shift
            shift += 7
            if byte[0] < 128:
                break
        data = b""
        while len(data) < length:
            part = connection.recv(length - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def up(self):
        answer, _ = self.ask(field(1, 0))
        mine = fields(answer[4][0])
        name = peer_text(mine[1][0])
        addresses = [f"{address_text(a)}/p2p/{name}" for a in mine.get(2, [])]
        tell(event="up", peer=name, addresses=addresses)

    def answer(self, command):
        try:
            tell(id=command["id"], **(getattr(self, command["do"])(**command) or {}))
        except Exception as error:
            tell(id=command["id"], error=f"{type(error).__name__}: {error}")

    def dial(self, address, **_):
        peer = peer_bytes(address.rsplit("/", 1)[1])
        request = field(1, peer) + field(2, address_bytes(address)) + field(3, 10)
        self.ask(field(1, CONNECT) + field(2, request))

    def stream(self, peer, protocol):
        request = field(1, peer_bytes(peer)) + field(2, protocol) + field(3, 10)
        return self.ask(field(1, OPEN) + field(3, request))[1]

    def ping(self, peer, **_):
        stream = self.stream(peer, "/ipfs/ping/1.0.0")
        for _ in range(2):
            sent = os.urandom(32)
            stream.sendall(sent)
            if stream.recv(32, socket.MSG_WAITALL) != sent:
                raise RuntimeError("other bytes came back")
        stream.close()

    def identify(self, peer, **_):
        message = fields(self.read(self.stream(peer, "/ipfs/id/1.0.0")))
        return {
            "agent": message[6][0].decode(),
            "protocols": [protocol.decode() for protocol in message.get(3, [])],
            "addresses": [address_text(address) for address in message.get(2, [])],
            "record": message.get(8, [b""])[0].hex(),
        }

    def open(self, peer, protocol, data="", times=1, **_):
        # The daemon ends both sides of a stream with one, so that as much is read as was sent.
        stream = self.stream(peer, protocol)
        content = bytes.fromhex(data) * int(times)
        threading.Thread(target=stream.sendall, args=[content], daemon=True).start()
        found = b""
        while len(found) < len(content) and (part := stream.recv(65536)):
            found += part
        stream.close()
        return {"size": len(found), "digest": hashlib.sha256(found).hexdigest()}

    def pubsub(self, kind, **values):
        request = field(1, kind) + field(2, values["topic"])
        if "data" in values:
            request += field(3, bytes.fromhex(values["data"]))
        return self.ask(field(1, PUBSUB) + field(8, request))

    def subscribe(self, topic, **_):
        _, connection = self.pubsub(GO_SUBSCRIBE, topic=topic)
        connection.settimeout(None)

        def receive():
            while True:
                message = fields(self.read(connection))
                tell(
                    event="message",
                    topic=topic,
                    size=len(message.get(2, [b""])[0]),
                    digest=hashlib.sha256(message.get(2, [b""])[0]).hexdigest(),
                    source=message.get(1, [b""])[0].hex(),
                    sequence=message.get(3, [b""])[0].hex(),
                )

        threading.Thread(target=receive, daemon=True).start()

    def publish(self, topic, data, times=1, **_):
        self.pubsub(GO_PUBLISH, topic=topic, data=data * int(times))

    def peers(self, topic="", **_):
        answer, _ = self.ask(field(1, LIST_PEERS))
        connected = [peer_text(fields(peer)[1][0]) for peer in answer.get(6, [])]
        answer, _ = self.pubsub(GO_LIST_PEERS, topic=topic)
        ours = fields(answer[7][0]).get(2, []) if 7 in answer else []
        return {"connected": sorted(connected), "mesh": sorted(map(peer_text, ours))}


with tempfile.TemporaryDirectory() as folder:
    daemon = Daemon(folder)
    try:
        daemon.up()
        for line in sys.stdin:
            threading.Thread(target=daemon.answer, args=[json.loads(line)], daemon=True).start()
    finally:
        daemon.process.kill()
        daemon.process.wait()
