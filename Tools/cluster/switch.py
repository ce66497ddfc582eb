# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""A switch in user space: carries packets between namespaces, late, seldom or not at all.

    python3 -m cluster.switch SPACE...          (in Tools, as root)

Makes a TUN device in each namespace and passes on what comes out of one to the one whose address
ends with its number, from 1 on; multicast, to all others. A line of JSON on its input changes the
network and is answered with a line of counters, and the end of the input is its end:

    {"delay": 0.1, "jitter": 0.01, "loss": 0.01, "rate": 1000000, "groups": [[0, 1], [2]]}

Seconds one way, a share of packets, and bytes a second that each may send. Those of two groups do
not reach one another; those of none are a group together. What is not named is as in a perfect
network. Packets of one sender to one receiver stay in order.

While nothing is lost, segments of up to 64 KiB travel whole and unsummed, as over a real card that
cuts them up; with loss the kernel cuts them to the size of packets, so that each may be lost.
"""

import errno
import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

from .processes import enter

DEVICE = "eth0"
TUNSETIFF, TUNSETOFFLOAD = 0x4004_54CA, 0x4004_54D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4 = 0x01, 0x02
# The header that says what is still to be done to a packet (virtio_net_hdr).
HEADER_BYTES = 10
PACKET_BYTES_MAX = HEADER_BYTES + 65_535
# Packets under way: what is beyond is lost, as in the queue of a router.
UNDER_WAY_BYTES_MAX = 256 << 20
# How long a packet may wait until its sender's line is free.
QUEUE_SECONDS_MAX = 1.0
AT_ONCE = 64


def open_device(space):
    """A TUN device in a namespace; it goes when this process ends."""
    enter(space)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), flags))
    return device


class Switch:
    """The devices, and the packets that are under way."""

    def __init__(self, spaces, seed):
        self.devices = [open_device(space) for space in spaces]
        self.numbers = {device: number for number, device in enumerate(self.devices)}
        self.draw = random.Random(seed)
        self.under_way, self.order, self.bytes_under_way = [], 0, 0
        self.counters = dict.fromkeys(("packets", "bytes", "lost", "cut", "full", "late_us"), 0)
        self.change({})

    def change(self, wanted):
        """Makes the network another one."""
        self.delay, self.jitter = wanted.get("delay", 0.0), wanted.get("jitter", 0.0)
        self.loss, self.rate = wanted.get("loss", 0.0), wanted.get("rate", 0)
        self.group = [None] * len(self.devices)
        for number, group in enumerate(wanted.get("groups", [])):
            for member in group:
                self.group[member] = number
        self.is_direct = not (self.delay or self.jitter or self.rate)
        self.free_at = [0.0] * len(self.devices)
        self.last_due = {}
        offloads = 0 if self.loss else TUN_F_CSUM | TUN_F_TSO4
        for device in self.devices:
            fcntl.ioctl(device, TUNSETOFFLOAD, offloads)

    def take(self, device):
        """Takes in what has come out of a device."""
        source = self.numbers[device]
        for _ in range(AT_ONCE):
            try:
                packet = os.read(device, PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            if len(packet) < HEADER_BYTES + 20 or packet[HEADER_BYTES] >> 4 != 4:
                continue
            first, last = packet[HEADER_BYTES + 16], packet[HEADER_BYTES + 19]
            if first >= 224:
                for receiver in range(len(self.devices)):
                    if receiver != source:
                        self.forward(source, receiver, packet)
            elif 1 <= last <= len(self.devices):
                self.forward(source, last - 1, packet)

    def forward(self, source, receiver, packet):
        counters = self.counters
        if self.group[source] != self.group[receiver]:
            counters["cut"] += 1
        elif self.loss and self.draw.random() < self.loss:
            counters["lost"] += 1
        elif self.is_direct:
            self.send(receiver, packet)
        else:
            self.queue(source, receiver, packet)

    def queue(self, source, receiver, packet):
        now = time.monotonic()
        begun = max(now, self.free_at[source])
        if (begun - now > QUEUE_SECONDS_MAX
                or self.bytes_under_way + len(packet) > UNDER_WAY_BYTES_MAX):
            self.counters["full"] += 1
            return
        if self.rate:
            begun += len(packet) / self.rate
            self.free_at[source] = begun
        due = begun + self.delay
        if self.jitter:
            due += self.jitter * (2 * self.draw.random() - 1)
        # In order: a packet overtakes none of its own way.
        way = source, receiver
        due = self.last_due[way] = max(due, self.last_due.get(way, 0.0))
        self.order += 1
        self.bytes_under_way += len(packet)
        heapq.heappush(self.under_way, (due, self.order, source, receiver, packet))

    def send(self, receiver, packet):
        try:
            os.write(self.devices[receiver], packet)
        except OSError as error:
            # Its queue is full, or the device is not up yet.
            if error.errno not in (errno.EAGAIN, errno.EIO, errno.ENOBUFS, errno.EINVAL):
                raise
            self.counters["full"] += 1
            return
        self.counters["packets"] += 1
        self.counters["bytes"] += len(packet) - HEADER_BYTES

    def send_due(self):
        """Sends what is due, and returns when there is more."""
        now = time.monotonic()
        while self.under_way and self.under_way[0][0] <= now:
            due, _, source, receiver, packet = heapq.heappop(self.under_way)
            self.bytes_under_way -= len(packet)
            late = int(1e6 * (now - due))
            self.counters["late_us"] = max(self.counters["late_us"], late)
            # Who was cut off while it was under way does not get it.
            if self.group[source] == self.group[receiver]:
                self.send(receiver, packet)
            else:
                self.counters["cut"] += 1
        return self.under_way[0][0] - now if self.under_way else None

    def run(self):
        """Carries packets and obeys, until the input ends."""
        poll = select.epoll()
        commands = sys.stdin.fileno()
        for descriptor in [commands, *self.devices]:
            poll.register(descriptor, select.EPOLLIN)
        rest = b""
        self.answer()
        while True:
            wait = self.send_due()
            for descriptor, _ in poll.poll(wait):
                if descriptor != commands:
                    self.take(descriptor)
                    continue
                data = os.read(commands, 65_536)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    wanted = json.loads(line)
                    if wanted is not None:
                        self.change(wanted)
                    self.answer()

    def answer(self):
        seconds = time.process_time()
        print(json.dumps(dict(self.counters, processor_seconds=round(seconds, 3))), flush=True)
        self.counters["late_us"] = 0


def main():
    seed, *spaces = sys.argv[1:]
    os.nice(-10)  # Wires do not wait for a processor.
    Switch(spaces, int(seed)).run()


if __name__ == "__main__":
    main()
