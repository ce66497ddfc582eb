# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Logs and journals on a disk, read without the Swift code: see "Ledger format" in the articles."""

import hashlib
import struct

from .failures import demand

VOTES = ["approve", "reject", "abstain"]


def lz4_block(data, size):
    """Decompresses an LZ4 block of `size` bytes."""
    out = bytearray()
    place = 0
    while place < len(data):
        token = data[place]
        place += 1
        count = token >> 4
        if count == 15:
            while True:
                count += data[place]
                place += 1
                if data[place - 1] != 255:
                    break
        out += data[place : place + count]
        place += count
        if place >= len(data):
            break
        distance = data[place] | data[place + 1] << 8
        place += 2
        count = (token & 15) + 4
        if count == 19:
            while True:
                count += data[place]
                place += 1
                if data[place - 1] != 255:
                    break
        demand(0 < distance <= len(out), "an LZ4 block refers to what is not there")
        # A match may reach into what it writes: then what there is is repeated.
        piece = out[-distance:] * (count // distance + 1)
        out += piece[:count]
    demand(len(out) == size, "an LZ4 block has another length than its frame says")
    return bytes(out)


def number(data, place, size):
    return int.from_bytes(data[place : place + size], "little")


def in_rows(raw, count):
    """The entries of a payload: the length of each, then each."""
    start = 2 * count
    for length in struct.unpack_from(f"<{count}H", raw):
        yield raw[start : start + length]
        start += length


def in_columns(raw, count):
    """The entries of a payload whose bytes stand in columns, by the length of the entries."""
    lengths = [low | high << 8 for low, high in zip(raw, raw[count : 2 * count])]
    entries, start = [b""] * count, 2 * count
    for length in sorted(set(lengths)):
        group = [entry for entry in range(count) if lengths[entry] == length]
        width = min(length, 32)
        rest = start + len(group) * width
        for place, entry in enumerate(group):
            tail = rest + place * (length - width)
            entries[entry] = (
                raw[start + place : rest : len(group)] + raw[tail : tail + length - width]
            )
        start += len(group) * length
    demand(start == len(raw), "a frame has another length than its entries")
    return entries


def frame_entries(path):
    """The entries of a segment's whole frames; a torn tail is what a kill may leave."""
    data = path.read_bytes()
    demand(data[:4] == b"RCSG" and len(data) >= 64, f"{path} is no segment")
    salt = data[48:56]
    place = 64
    while len(data) >= place + 52 and data[place : place + 4] == b"RCFR":
        header = data[place : place + 52]
        if hashlib.sha256(salt + header[:44]).digest()[:8] != header[44:]:
            return
        stored = data[place + 52 : place + 52 + number(header, 24, 4)]
        if hashlib.sha256(stored).digest()[:8] != header[36:44]:
            return
        form, count = number(header, 6, 2), number(header, 16, 4)
        demand(form in (0, 1, 2), f"{path}, offset {place}: a frame of form {form}")
        raw = lz4_block(stored, number(header, 20, 4)) if form else stored
        yield from (in_columns if form == 2 else in_rows)(raw, count)
        place += 52 + len(stored)


def segments(folder):
    return sorted((folder / "segments").glob("*.segment"))


def log_entries(folder):
    return [entry for path in segments(folder) for entry in frame_entries(path)]


def single_votes(entries):
    """Entries as `recount log --json` gives them, and each vote of a list as one of its own."""
    for entry in entries:
        if entry["kind"] != "votesCast":
            yield entry
            continue
        fields = entry["fields"]
        for place in fields["votes"]:
            if "shown" in place:
                yield {**entry, "kind": "voteCast", "fields": {
                    **place["shown"], "validator": fields["validator"],
                    "timestamp": fields["timestamp"], "signature": fields["signature"]}}


class Journal:
    """What a validator has said: of requests by identity, with the times, of batches by slot, and
    precommits by signature. A contradiction is an error.

    One that was lost and begun anew is read behind the lost one, and one that was cut behind what is
    kept of it; it must not contradict them. Where it was cut twice it lacks what the ledger held at
    the first of these cuts: `height` and `size` of that are 0 where nothing is lacking.
    """

    def __init__(self, *folders):
        self.precommits, self.said, self.votes = {}, {}, {}
        self.height, self.size = 0, 0
        for folder in folders:
            may_begin = folder != folders[0]
            before = folder.with_name(folder.name + ".before")
            cuts = [(0, 0)]
            for part in [before, folder] if before.is_dir() else [folder]:
                entries = log_entries(part)
                cut = [entry for entry in entries if entry[0] == 9]
                cuts += [struct.unpack_from("<QQQ", entry, 1)[::2] for entry in cut]
                for place, entry in enumerate(entries):
                    self.take(f"{part}, entry {place},", entry, may_begin)
            # The last cut is in the last part, and what was before it in the part before that.
            lacking = cuts[:-1] if before.is_dir() else cuts
            self.height, self.size = max([(self.height, self.size), *lacking])

    def take(self, where, entry, may_begin):
        tag = entry[0]
        if tag == 0:
            demand(len(entry) == 139, f"{where} is a vote of {len(entry)} bytes")
            self.vote(where, entry[1:33].hex(), entry[65], number(entry, 67, 8))
        elif tag == 10:
            # Of a ledger's list it holds what the ledger shows: the rest are hashes.
            count, start = number(entry, 41, 4), 45
            for _ in range(count):
                is_shown = start < len(entry) and entry[start] < len(VOTES)
                if is_shown:
                    self.vote(where, entry[start + 2 : start + 34].hex(), entry[start],
                              number(entry, 33, 8))
                start += 34 if is_shown else 33
            demand(len(entry) == start + 64, f"{where} is no list of {count} votes")
        elif tag == 4:
            demand(len(entry) == 1 + 8 + 4 + 32 + 8 + 64, f"{where} is no proposal")
            height, turn = struct.unpack_from("<QI", entry, 1)
            self.say(where, ("proposal", height, turn), entry[13:53].hex())
        elif tag == 5:
            kind, height, turn, has = struct.unpack_from("<BQIB", entry, 1)
            demand(kind < 2 and has < 2, f"{where} is no vote on a batch")
            end = 15 + 32 * has
            demand(len(entry) == end + 8 + 2 + 64, f"{where} is no vote on a batch")
            slot = ("precommit" if kind else "prevote", height, turn)
            self.say(where, slot, entry[14 : end + 8].hex())
            if kind:
                self.precommits[entry[-64:].hex()] = (height, turn, entry[15:end].hex())
        else:
            begun = (2, 3) if may_begin else ()
            demand(tag in (1, 6, 7, 8, 9, *begun), f"{where} is of kind {tag}")

    def vote(self, where, request, vote, timestamp):
        self.say(where, request, VOTES[vote])
        self.votes.setdefault(request, set()).add((VOTES[vote], timestamp))

    def say(self, where, slot, what):
        held = self.said.setdefault(slot, what)
        demand(held == what, f"{where} says {what} on {slot}, and an earlier one {held}")
