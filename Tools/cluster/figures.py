# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""What is measured: latencies, and what processes take, as /proc tells it."""

import collections
import os
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def share(values, percent):
    """The value that so many of a hundred do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def latencies(seconds):
    """Median, 99 of 100 and the longest, in milliseconds."""
    return {
        "count": len(seconds),
        "median_ms": round(1000 * share(seconds, 50), 1),
        "p99_ms": round(1000 * share(seconds, 99), 1),
        "max_ms": round(1000 * max(seconds), 1),
    }


def processor_seconds(process):
    """Processor time of a process so far, of its own and for it."""
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kib(process, field="VmRSS"):
    """What a process holds in memory, or with VmHWM the most that it ever did."""
    with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    return 0


def descriptors(process):
    return len(os.listdir(f"/proc/{process}/fd"))


def all_processor_seconds():
    """Processor time of the machine so far: busy, and all of it."""
    with open("/proc/stat", encoding="ascii") as file:
        numbers = [int(text) for text in file.readline().split()[1:9]]
    return (sum(numbers) - numbers[3] - numbers[4]) / TICKS, sum(numbers) / TICKS


def traffic(events, decisions):
    """Bytes a decision by topic and protocol, over all nodes, and what gossip adds.

    A message must come to each node once: what is sent beside that is what gossip adds.
    """
    topics, protocols = {}, {}
    for event in events:
        for name, line in event["topics"].items():
            row = topics.setdefault(name.rsplit("/", 1)[-1], collections.Counter())
            row.update(line)
        for name, line in event["protocols"].items():
            protocols.setdefault(name, collections.Counter()).update(line)

    def of_one(value):
        return round(value / decisions)

    needed = sum(row["delivered_bytes"] for row in topics.values())
    sent = sum(row["sent_bytes"] for row in topics.values())
    control = sum(event["gossip_control"]["sent_bytes"] for event in events)
    return {
        "nodes": len(events),
        "bytes_a_decision": {
            "topics": {
                name: {"sent": of_one(row["sent_bytes"]), "needed": of_one(row["delivered_bytes"]),
                       "messages_sent": round(row["sent_messages"] / decisions, 1)}
                for name, row in sorted(topics.items())},
            "protocols": {name: of_one(row["sent_bytes"])
                          for name, row in sorted(protocols.items())},
            "talk_about_gossip": of_one(control),
            "sockets": of_one(sum(event["sockets"]["sent_bytes"] for event in events)),
        },
        "gossip_sends_of_needed": round((sent + control) / needed, 2) if needed else None,
    }


class Growth:
    """Memory and descriptors of processes over a long time, and whether they grow."""

    PERIOD_SECONDS = 10
    # A node that was started again begins with nothing: its first samples say little.
    WARM_SECONDS = 60
    # Samples without which nothing is said.
    SAMPLES_MIN = 12

    def __init__(self, nodes):
        self.nodes = nodes
        self.samples = {node.name: [] for node in nodes}
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_over.wait(self.PERIOD_SECONDS):
            for node in self.nodes:
                self.take(node)

    def take(self, node):
        process, started = node.process, node.started
        try:
            sample = (memory_kib(process.pid), descriptors(process.pid))
        except (OSError, AttributeError):
            return  # Killed just now.
        if sample[0]:
            self.samples[node.name].append((time.monotonic() - started, started, *sample))

    def end(self):
        """First, median, last and most of each, and who grows: a verdict over the whole time.

        A life of a process counts from its second minute on. Memory grows where the median of the
        last third is above that of the first by a half and by 32 MiB; descriptors, where it is by
        a half and by 32.
        """
        self.is_over.set()
        self.thread.join()
        result, growing = {}, []
        for name, samples in self.samples.items():
            warm = [sample for sample in samples if sample[0] >= self.WARM_SECONDS]
            row = {"samples": len(samples), "warm": len(warm)}
            for place, what, least in (2, "rss_kib", 32 << 10), (3, "descriptors", 32):
                values = [sample[place] for sample in warm or samples]
                if not values:
                    continue
                row[what] = {
                    "first": values[0], "median": share(values, 50), "last": values[-1],
                    "max": max(values)}
                third = len(values) // 3
                if len(warm) >= self.SAMPLES_MIN:
                    before, after = share(values[:third], 50), share(values[-third:], 50)
                    if after > 1.5 * before and after > before + least:
                        growing.append(f"{name}: {what} from {before} to {after}")
            result[name] = row
        return result, growing
