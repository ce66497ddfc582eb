#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Reads a Recount ledger and recounts it, written from the documents and without sight of the Swift code.

Checks every byte of every segment, the Merkle tree, the encoding of every event and every signature,
derives every derived event again, and compares the root of every component with what BatchSealed states.
Names the first difference. "LogFormat", "Events" and "State" are the articles of the DocC catalogue.

Exit codes: 0 all agrees, 1 a difference, 2 could not be read.
"""

import argparse
import bisect
import hashlib
import json
import re
import struct
import sys
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import lz4.block
import nacl.bindings
import nacl.exceptions

ENTRY_BYTES_MAX = 65_535
FRAME_BYTES_MAX = 1 << 30  # more than any writer makes; bounds what is allocated
TILE_LEAVES = 256
DAY_MILLISECONDS = 86_400_000
MINUTE_MILLISECONDS = 60_000


class Unreadable(Exception):
    """The files are damaged, or not a ledger: where, and what is wrong."""


class Difference(Exception):
    """The ledger does not say what the rules say: entry, field, expected and found."""

    def __init__(self, entry, field, expected, found):
        super().__init__(f"entry {entry}: {field}: expected {show(expected)}, found {show(found)}")
        self.entry, self.field, self.expected, self.found = entry, field, expected, found


def show(value):
    if isinstance(value, bytes):
        return value.hex() or "nothing"
    if isinstance(value, SimpleNamespace):
        return "(" + " ".join(f"{k}={show(v)}" for k, v in vars(value).items()) + ")"
    if isinstance(value, list):
        return "[" + " ".join(show(v) for v in value) + "]"
    return str(value)


def sha(data):
    return hashlib.sha256(data).digest()


# ---------------------------------------------------------------------------------------------------
# LogFormat, "The tree"


class Tree:
    """The Merkle tree of RFC 6962: the roots of the complete subtrees, the largest first."""

    def __init__(self):
        self.size = 0
        self.peaks = []
        self.tiles = []  # roots of complete tiles of 256 leaves

    def append(self, entry):
        node = sha(b"\x00" + entry)
        index = self.size
        self.size += 1
        width = 1
        while index & 1:
            node = sha(b"\x01" + self.peaks.pop() + node)
            index >>= 1
            width *= 2
            if width == TILE_LEAVES:
                self.tiles.append(node)
        self.peaks.append(node)

    def root(self):
        if not self.peaks:
            return sha(b"")
        node = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            node = sha(b"\x01" + left + node)
        return node


# ---------------------------------------------------------------------------------------------------
# LogFormat, "Segment header", "Frame", "Segment footer", "End mark"


def checksum(data, salt=b""):
    return sha(salt + data)[:8]


def require(holds, place, problem):
    if not holds:
        raise Unreadable(f"{place}: {problem}")


class Log:
    """The files of a ledger. `entries` yields every entry in order and keeps `tree` beside it."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.tree = Tree()
        self.notes = []
        self.frames = 0
        self.bytes = 0
        self.place = ""

    def entries(self):
        folder = self.directory / "segments"
        require(folder.is_dir(), folder, "no such folder, so this is no ledger")
        names = []
        for path in sorted(folder.iterdir()):
            if re.fullmatch(r"[0-9]{20}\.segment", path.name):
                names.append(path)
            else:
                self.notes.append(f"{path} is no segment, and is passed over")
        require(names, folder, "no segment")
        end = self.end_mark()
        for number, path in enumerate(names):
            is_last = number == len(names) - 1
            yield from self.segment(path, is_last, end)
        if end is not None:
            require(end.size == self.tree.size, self.directory / "END",
                    f"the log has {self.tree.size} entries, the end mark says {end.size}")
            require(end.root == self.tree.root(), self.directory / "END",
                    "the root of the log is not the end mark's")

    def end_mark(self):
        path = self.directory / "END"
        if not path.exists():
            self.notes.append("no end mark: the log was not closed, or is being written")
            return None
        data = path.read_bytes()
        require(len(data) == 72, path, f"{len(data)} bytes instead of 72")
        require(checksum(data[:64]) == data[64:], path, "offset 64: checksum of the end mark")
        magic, version, zero = struct.unpack_from("<4sHH", data)
        require(magic == b"RCEM", path, "offset 0: magic")
        require(version == 1, path, f"offset 4: version {version}")
        require(zero == 0, path, "offset 6: not zero")
        size, root, length, last = struct.unpack_from("<Q32sQ8s", data, 8)
        return SimpleNamespace(size=size, root=root, segment_bytes=length, last=last)

    def segment(self, path, is_last, end):
        data = path.read_bytes()
        self.bytes += len(data)
        require(len(data) >= 64, path, f"{len(data)} bytes are no segment header")
        magic, version, zero, first, root, salt, check = struct.unpack_from("<4sHHQ32s8s8s", data)
        require(checksum(data[:56]) == check, path, "offset 56: checksum of the segment header")
        require(magic == b"RCSG", path, "offset 0: magic")
        require(version == 1, path, f"offset 4: version {version}")
        require(zero == 0, path, "offset 6: not zero")
        require(path.name == f"{first:020}.segment", path, f"offset 8: the header says {first}")
        require(first == self.tree.size, path,
                f"offset 8: begins at entry {first}, the log before it has {self.tree.size}")
        require(root == self.tree.root(), path, "offset 16: root of the log before the segment")

        chain, offset, frames = check, 64, []
        tiles_before = len(self.tree.tiles)
        while offset < len(data):
            if data[offset:offset + 4] == b"RCFT":
                self.footer(path, data, offset, salt, chain, first, frames, tiles_before, is_last)
                return
            try:
                entries, chain_after, length = self.frame(path, data, offset, salt, chain)
            except Unreadable as problem:
                if is_last and end is None and not self.whole_frame_after(data, offset, salt):
                    self.notes.append(f"torn tail: {path}, offset {offset}, {len(data) - offset} bytes"
                                      f" are an unfinished commit ({problem})")
                    return
                raise
            frames.append((self.tree.size, offset))
            self.frames += 1
            for number, entry in enumerate(entries):
                self.place = f"{path}, frame at offset {offset}, entry {number} of {len(entries)}"
                self.tree.append(entry)
                yield entry
            chain, offset = chain_after, offset + length
        if is_last and end is not None:
            require(end.segment_bytes == len(data), path,
                    f"{len(data)} bytes, the end mark says {end.segment_bytes}")
            require(end.last == chain, path, "the checksum of the last frame is not the end mark's")
        if not is_last:
            self.notes.append(f"{path} is full and not sealed yet")

    def frame(self, path, data, offset, salt, chain):
        """The entries of the frame, its checksum, and its length in the file."""
        place = f"{path}, offset {offset}"
        require(len(data) - offset >= 52, place, "the header of a frame is cut short")
        (magic, version, form, first, count, plain, stored, before, payload_check, check
         ) = struct.unpack_from("<4sHHQIII8s8s8s", data, offset)
        require(checksum(data[offset:offset + 44], salt) == check, place,
                "+44: checksum of the frame's header")
        require(magic == b"RCFR", place, "+0: magic")
        require(version == 1, place, f"+4: version {version}")
        require(form in (0, 1), place, f"+6: unknown form {form}")
        require(first == self.tree.size, place, f"+8: entry {first} instead of {self.tree.size}")
        require(count > 0, place, "+16: a frame of no entries")
        require(2 * count <= plain <= FRAME_BYTES_MAX, place, f"+20: {plain} bytes for {count} entries")
        require(before == chain, place, "+28: checksum of the frame before it")
        payload = data[offset + 52:offset + 52 + stored]
        require(len(payload) == stored, place, f"+24: {stored} bytes are stored, {len(payload)} are there")
        require(checksum(payload) == payload_check, place, "+36: checksum of the payload")
        if form == 1:
            require(stored < plain, place, "+6: compressed, though that is no shorter")
            try:
                payload = lz4.block.decompress(payload, uncompressed_size=plain)
            except lz4.block.LZ4BlockError as problem:
                raise Unreadable(f"{place}: +52: {problem}") from None
        require(len(payload) == plain, place, f"+20: {len(payload)} bytes instead of {plain}")
        lengths = struct.unpack_from(f"<{count}H", payload)
        require(2 * count + sum(lengths) == plain, place, "+52: the lengths of the entries")
        entries, start = [], 2 * count
        for length in lengths:
            entries.append(payload[start:start + length])
            start += length
        return entries, check, 52 + stored

    def whole_frame_after(self, data, offset, salt):
        """Whether any whole frame stands behind `offset`: then what is before it was acknowledged."""
        while (offset := data.find(b"RCFR", offset + 1)) >= 0:
            header = data[offset:offset + 52]
            if len(header) == 52 and checksum(header[:44], salt) == header[44:]:
                stored = struct.unpack_from("<I", header, 24)[0]
                payload = data[offset + 52:offset + 52 + stored]
                if len(payload) == stored and checksum(payload) == header[36:44]:
                    return True
        return False

    def footer(self, path, data, offset, salt, chain, first, frames, tiles_before, is_last):
        place = f"{path}, footer at offset {offset}"
        footer = data[offset:]
        require(not is_last, place, "the last segment has a footer")
        require(len(footer) >= 96, place, "cut short")
        require(checksum(footer[:-8], salt) == footer[-8:], place, "checksum of the footer")
        (magic, version, zero, stated_first, size, root, last, frame_count, tile_count
         ) = struct.unpack_from("<4sHHQQ32s8sII", footer)
        require(version == 1 and zero == 0, place, "+4: version, zero")
        require(stated_first == first, place, "+8: first entry")
        require(size == self.tree.size, place, f"+16: size {size} instead of {self.tree.size}")
        require(root == self.tree.root(), place, "+24: root of the log after the segment")
        require(last == chain, place, "+56: checksum of the last frame")
        require(frame_count == len(frames), place, f"+64: {frame_count} frames, found {len(frames)}")
        tiles = self.tree.tiles[tiles_before:]
        require(tile_count == len(tiles), place, f"+68: {tile_count} tiles, found {len(tiles)}")
        expected = b"".join(struct.pack("<QQ", *frame) for frame in frames) + b"".join(tiles)
        require(footer[72:72 + len(expected)] == expected, place, "+72: frames and tiles")
        length, magic, zero = struct.unpack_from("<Q4sI", footer, 72 + len(expected)) \
            if len(footer) == 96 + len(expected) else (0, b"", 1)
        require(length == len(footer) and magic == b"RCFE" and zero == 0, place, "end of the footer")

    def blobs(self):
        """Checks that every blob is named by its SHA-256; returns how many there are."""
        folder, count = self.directory / "blobs", 0
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if not re.fullmatch(r"[0-9a-f]{64}", path.name):
                self.notes.append(f"{path} is no blob, and is passed over")
                continue
            require(sha(path.read_bytes()).hex() == path.name, path, "SHA-256 is not the name")
            count += 1
        return count


# ---------------------------------------------------------------------------------------------------
# Events, "Encoding": a type is "u8".."i64", "text", "bytes", a number of bytes, [type] for a list,
# ("optional", type), or the name of a structure, of a plain enumeration or of one with fields.

INTEGERS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i32": "<i", "i64": "<q"}

ENUMERATIONS = {
    "Vote": "approve reject abstain",
    "VoteReason": "proofHolds proofFails wrongInputCount outOfTime localError keyUnavailable unspecified",
    "Outcome": "approved rejected timedOut",
    "OutcomeReason": "quorumApproved approvalOutOfReach deadlineWithQuorum deadlineWithoutQuorum"
                     " nullifierSpent",
    "ReputationCause": "correct bonus incorrect missed equivocation",
    "CloseCause": "complete deadline nullifierSpent",
    "JobStatusKind": "success trap fuelExhausted memoryLimit invalidModule abstained",
    "JobDecision": "agreed disagreed timedOut",
    "SettlementResult": "settled failed",
    "Ordering": "single replicated",
    "Normalisation": "share raw",
    "Refusal": " ".join(f"r{i}" for i in range(64)),
}
ENUMERATIONS = {name: values.split() for name, values in ENUMERATIONS.items()}

SLOT = "height:u64 round:u32"
UNIONS = {
    "InputBinding": {0: "root", 1: "nullifier", 2: "amount", 3: "negatedAmount", 4: "recipient",
                     5: "externalDataHash", 6: "constant value:32", 7: "free"},
    "Change": {0: "validatorJoined key:32 stake:u64", 1: "validatorLeft key:32",
               2: "stakeChanged key:32 stake:u64", 3: "parametersChanged parameters:Parameters",
               4: "circuitRegistered circuit:Circuit", 5: "rootPublished circuit:u16 root:32",
               6: "submitterListed key:32 quota:u32"},
    "Slot": {0: "vote request:u64", 1: f"proposal {SLOT}", 2: f"prevote {SLOT}", 3: f"precommit {SLOT}"},
    "EvidenceSlot": {0: "vote request:32", 1: "consensus slot:Slot"},
    "Statement": {0: "vote vote:Vote reason:VoteReason timestamp:u64 signature:64",
                  1: "consensus value:?32 validRound:i64 signature:64"},
    "Message": {0: "request message:RequestMessage", 1: "vote message:VoteMessage",
                2: "job message:JobMessage", 3: "result message:ResultMessage",
                4: "settlement message:SettlementMessage", 5: "governance message:GovernanceMessage",
                6: "evidence message:EvidenceMessage"},
}

STRUCTURES = {
    "Parameters": "threshold:u32 verificationMilliseconds:u64 jobMilliseconds:u64"
                  " settlementMilliseconds:u64 reputationMin:u64 reputationMax:u64 stakeWeight:u32"
                  " reputationWeight:u32 normalisation:Normalisation unclosedMax:u32 refusalsPerMinute:u32",
    "GenesisValidator": "key:32 stake:u64",
    "GenesisSubmitter": "key:32 quota:u32",
    "Circuit": "name:text verifyingKey:bytes inputs:[InputBinding]",
    "GenesisCircuit": "circuit:Circuit roots:[32]",
    "IndexedSignature": "validator:u16 signature:64",
    "JobStatus": "kind:JobStatusKind code:u8",
    "Side": "validators:[u16]",
    # Messages
    "RequestMessage": "circuit:32 nullifiers:[32] amount:u64 recipient:32 proof:bytes publicInputs:[32]"
                      " timestamp:u64 submitter:32 signature:64",
    "VoteMessage": "request:32 validator:32 vote:Vote reason:VoteReason timestamp:u64 signature:64",
    "JobMessage": "module:32 input:32 fuel:u64 memoryBytes:u64 milliseconds:u64 engine:text"
                  " engineVersion:text timestamp:u64 submitter:32 signature:64",
    "ResultMessage": "job:32 validator:32 status:JobStatus output:32 fuel:u64 signature:64",
    "SettlementMessage": "request:32 bridge:32 reference:bytes result:SettlementResult signature:64",
    "Endorsement": "validator:32 signature:64",
    "GovernanceMessage": "number:u64 change:Change endorsements:[Endorsement]",
    "EvidenceMessage": "validator:32 slot:EvidenceSlot first:Statement second:Statement",
}

EVENTS = {
    0: "ledgerOpened name:text ordering:Ordering parameters:Parameters validators:[GenesisValidator]"
       " submitters:[GenesisSubmitter] bridge:32 circuits:[GenesisCircuit] time:u64",
    1: "batchOpened height:u64 time:u64 proposer:u16 round:u32 previousRoot:32 precommitRound:u32"
       " precommits:[IndexedSignature] signature:64",
    2: "requestSubmitted circuit:u16 nullifiers:[32] amount:u64 recipient:32 proof:bytes"
       " publicInputs:[32] timestamp:u64 submitter:u32 signature:64",
    3: "voteCast request:u64 validator:u16 vote:Vote reason:VoteReason timestamp:u64 signature:64",
    4: "jobSubmitted module:32 input:32 fuel:u64 memoryBytes:u64 milliseconds:u64 engine:text"
       " engineVersion:text timestamp:u64 submitter:u32 signature:64",
    5: "resultReported job:u64 validator:u16 status:JobStatus output:32 fuel:u64 signature:64",
    6: "settlementReported request:u64 reference:bytes result:SettlementResult signature:64",
    7: "governanceApproved number:u64 change:Change signatures:[IndexedSignature]",
    8: "evidenceSubmitted validator:u16 slot:Slot first:Statement second:Statement",
    9: "messageRefused message:Message refusal:Refusal",
    64: "roundOpened request:u64 leader:u16 pinnedSet:32 threshold:u32 deadline:u64",
    65: "outcomeDecided request:u64 outcome:Outcome reason:OutcomeReason approvals:u16 rejections:u16"
        " abstentions:u16 deciding:u64 margin:i32 time:u64",
    66: "nullifierSpent request:u64 nullifier:32",
    67: "nullifierReleased request:u64 nullifier:32",
    68: "settlementOrdered request:u64 recipient:32 amount:u64 leader:u16 nextTurn:u64",
    69: "reputationChanged validator:u16 cause:ReputationCause about:u64 before:u64 after:u64",
    70: "reputationDecayed day:u64",
    71: "equivocationFound validator:u16 slot:Slot",
    72: "disagreementRecorded about:u64 sides:[Side]",
    73: "roundClosed about:u64 cause:CloseCause",
    74: "jobAssigned job:u64 validators:[u16] deadline:u64",
    75: "jobDecided job:u64 decision:JobDecision status:JobStatus output:32 deciding:u64 time:u64",
    76: "batchSealed height:u64 size:u64 root:32 stateRoot:32 components:13*32",
}
UNIONS["Event"] = EVENTS


def fields(text):
    return [tuple(part.split(":")) for part in text.split()]


STRUCTURES = {name: fields(text) for name, text in STRUCTURES.items()}
UNIONS = {name: {tag: (text.split()[0], fields(" ".join(text.split()[1:]))) for tag, text in cases.items()}
          for name, cases in UNIONS.items()}
TAGS = {name: {case: tag for tag, (case, _) in cases.items()} for name, cases in UNIONS.items()}


class Undecodable(Exception):
    """Bytes that are not the one encoding of a value."""


class Decoder:
    def __init__(self, data):
        self.data, self.offset = data, 0

    def take(self, count):
        if len(self.data) - self.offset < count:
            raise Undecodable(f"offset {self.offset}: {count} bytes wanted,"
                              f" {len(self.data) - self.offset} left")
        self.offset += count
        return self.data[self.offset - count:self.offset]

    def read(self, kind):
        if kind in INTEGERS:
            form = INTEGERS[kind]
            return struct.unpack(form, self.take(struct.calcsize(form)))[0]
        if kind.isdigit():
            return self.take(int(kind))
        if kind == "bytes":
            return self.take(self.read("u32"))
        if kind == "text":
            at = self.offset
            try:
                return self.take(self.read("u32")).decode("utf-8")
            except UnicodeDecodeError:
                raise Undecodable(f"offset {at}: not UTF-8") from None
        if kind[0] == "[":
            at, count = self.offset, self.read("u32")
            if count > len(self.data) - self.offset:
                raise Undecodable(f"offset {at}: {count} elements in the bytes left")
            return [self.read(kind[1:-1]) for _ in range(count)]
        if kind[0] == "?":
            at, flag = self.offset, self.read("u8")
            if flag > 1:
                raise Undecodable(f"offset {at}: {flag} is neither absent nor present")
            return self.read(kind[1:]) if flag else None
        if "*" in kind:
            count, element = kind.split("*")
            return [self.read(element) for _ in range(int(count))]
        if kind in STRUCTURES:
            return SimpleNamespace(**{name: self.read(of) for name, of in STRUCTURES[kind]})
        at, tag = self.offset, self.read("u8")
        if kind in ENUMERATIONS:
            if tag >= len(ENUMERATIONS[kind]):
                raise Undecodable(f"offset {at}: {tag} is no {kind}")
            return ENUMERATIONS[kind][tag]
        if tag not in UNIONS[kind]:
            raise Undecodable(f"offset {at}: unknown tag {tag} of {kind}")
        case, parts = UNIONS[kind][tag]
        return SimpleNamespace(kind=case, **{name: self.read(of) for name, of in parts})


def decode(kind, data):
    decoder = Decoder(data)
    value = decoder.read(kind)
    if decoder.offset != len(data):
        raise Undecodable(f"offset {decoder.offset}: {len(data) - decoder.offset} bytes too many")
    return value


def encode(kind, value):
    """Borsh of a value; also the bytes that are signed and hashed."""
    if kind in INTEGERS:
        return struct.pack(INTEGERS[kind], value)
    if kind.isdigit():
        return value
    if kind == "bytes":
        return struct.pack("<I", len(value)) + value
    if kind == "text":
        return encode("bytes", value.encode())
    if kind[0] == "[":
        return struct.pack("<I", len(value)) + b"".join(encode(kind[1:-1], v) for v in value)
    if kind[0] == "?":
        return b"\x00" if value is None else b"\x01" + encode(kind[1:], value)
    if "*" in kind:
        return b"".join(encode(kind.split("*")[1], v) for v in value)
    if kind in STRUCTURES:
        return b"".join(encode(of, getattr(value, name)) for name, of in STRUCTURES[kind])
    if kind in ENUMERATIONS:
        return bytes([ENUMERATIONS[kind].index(value)])
    tag = TAGS[kind][value.kind]
    return bytes([tag]) + b"".join(encode(of, getattr(value, name)) for name, of in UNIONS[kind][tag][1])


def event(kind, **values):
    return SimpleNamespace(kind=kind, **values)
