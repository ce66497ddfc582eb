#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Reads a Recount ledger and recounts it; written from the documents, without sight of Swift code.

Checks every byte of every segment, the Merkle tree, the encoding of every event and every
signature, derives every derived event again, and compares the root of every component with what
BatchSealed states. Names the first difference. The articles that comments cite are those of the
DocC catalogue: LogFormat, Events, State, Snapshots and Checkpoints.

Exit codes: 0 all agrees, 1 a difference, 2 could not be read, or nothing beside the log shows that
a quorum agreed to its last batch.

`recount_reader.py evidence FILE...` judges files of evidence by themselves, as the article "Why did
they disagree?" says: 0 all clear, 1 one convicts or accuses, 2 one has no effect or is unjudged.

`recount_reader.py --case FILE` says which side of a case the rules confirm, as the article "Cases"
says: 0 the quorum, 1 the node, or neither, 2 the case does not hold, or cannot be read.
"""

import argparse
import base64
import functools
import hashlib
import json
import re
import signal
import struct
import sys
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import lz4.block
import nacl.bindings
import nacl.exceptions

FRAME_BYTES_MAX = 64 << 20
FRAME_ENTRIES_MAX = 1 << 20
SEGMENT_HEADER_BYTES = 64
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
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "yes", False: "no"}[value]
    if isinstance(value, SimpleNamespace):
        return "(" + " ".join(f"{k}={show(v)}" for k, v in vars(value).items()) + ")"
    if isinstance(value, list):
        return "[" + " ".join(show(v) for v in value) + "]"
    return str(value)


def sha(data):
    return hashlib.sha256(data).digest()


# --------------------------------------------------------------------------------
# LogFormat, "The tree"


class Tree:
    """The Merkle tree of RFC 6962: the roots of the complete subtrees, the largest first."""

    def __init__(self, keeps=False):
        self.size = 0
        self.peaks = []
        self.records = []  # kept where `keeps` says so
        self.keeps = keeps
        self.tiles = []  # roots of complete tiles of 256 leaves

    def append(self, entry):
        if self.keeps:
            self.records.append(entry)
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


# --------------------------------------------------------------------------------
# LogFormat, "Segment header", "Frame", "Segment footer", "End mark"


def rows(columns, count, place):
    """A payload that lay in columns, as rows: the lengths, then each entry."""
    lengths = [low | high << 8 for low, high in zip(columns, columns[count : 2 * count])]
    require(2 * count + sum(lengths) == len(columns), place, "+52: lengths of the entries")
    entries, start = [b""] * count, 2 * count
    for length in sorted(set(lengths)):
        group = [entry for entry in range(count) if lengths[entry] == length]
        width = min(length, 32)
        rest = start + len(group) * width
        for number, entry in enumerate(group):
            first = columns[start + number : rest : len(group)]
            tail = rest + number * (length - width)
            entries[entry] = first + columns[tail : tail + length - width]
        start += len(group) * length
    return struct.pack(f"<{count}H", *lengths) + b"".join(entries)


def checksum(data, salt=b""):
    return sha(salt + data)[:8]


def require(holds, place, problem):
    if not holds:
        raise Unreadable(f"{place}: {problem}")


class Log:
    """The files of a ledger. Who iterates over `entries` appends each of them to `tree`."""

    def __init__(self, directory):
        self.directory = Path(directory)
        if not (self.directory / "segments").is_dir() and (self.directory / "ledger").is_dir():
            self.directory = self.directory / "ledger"
        self.tree = Tree()
        self.notes = []
        self.frames = 0
        self.bytes = 0

    def entries(self):
        folder = self.directory / "segments"
        require(folder.is_dir(), folder, "no such folder, so this is no ledger")
        names = []
        for path in sorted(folder.iterdir()):
            if re.fullmatch(r"[0-9]{20}\.segment", path.name):
                names.append(path)
            elif re.fullmatch(r"[0-9]{20}\.segment\.tmp", path.name):
                self.notes.append(f"{path} was never finished, and is passed over")
            else:
                raise Unreadable(f"{path} does not belong here")
        require(names, folder, "no segment")
        end = self.end_mark()
        for number, path in enumerate(names):
            is_last = number == len(names) - 1
            may_lack_footer = is_last or (
                end is None
                and number == len(names) - 2
                and names[-1].stat().st_size == SEGMENT_HEADER_BYTES
            )
            yield from self.segment(path, is_last, may_lack_footer, end)
        if end is not None:
            require(
                end.size == self.tree.size,
                self.directory / "END",
                f"the log has {self.tree.size} entries, the end mark says {end.size}",
            )
            require(
                end.root == self.tree.root(),
                self.directory / "END",
                "the root of the log is not the end mark's",
            )

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

    def segment(self, path, is_last, may_lack_footer, end):
        data = path.read_bytes()
        self.bytes += len(data)
        require(len(data) >= 64, path, f"{len(data)} bytes are no segment header")
        magic, version, zero, first, root, salt, check = struct.unpack_from("<4sHHQ32s8s8s", data)
        require(checksum(data[:56]) == check, path, "offset 56: checksum of the segment header")
        require(magic == b"RCSG", path, "offset 0: magic")
        require(version == 1, path, f"offset 4: version {version}")
        require(zero == 0, path, "offset 6: not zero")
        require(path.name == f"{first:020}.segment", path, f"offset 8: the header says {first}")
        require(
            first == self.tree.size,
            path,
            f"offset 8: begins at entry {first}, the log before it has {self.tree.size}",
        )
        require(root == self.tree.root(), path, "offset 16: root of the log before the segment")

        chain, offset, frames = check, 64, []
        tiles_before = len(self.tree.tiles)
        while offset < len(data):
            if data[offset : offset + 4] == b"RCFT":
                self.footer(path, data, offset, salt, chain, first, frames, tiles_before, is_last)
                return
            try:
                entries, chain_after, length = self.frame(path, data, offset, salt, chain)
            except Unreadable as problem:
                if is_last and end is None and not self.whole_frame_after(data, offset, salt):
                    self.notes.append(
                        f"torn tail: {path}, offset {offset}, {len(data) - offset} bytes"
                        f" are an unfinished commit ({problem})"
                    )
                    return
                raise
            frames.append((self.tree.size, offset))
            self.frames += 1
            yield from entries
            chain, offset = chain_after, offset + length
        if is_last and end is not None:
            require(
                end.segment_bytes == len(data),
                path,
                f"{len(data)} bytes, the end mark says {end.segment_bytes}",
            )
            require(end.last == chain, path, "the checksum of the last frame is not the end mark's")
        require(may_lack_footer, path, f"offset {offset}: the segment has no footer")

    def frame(self, path, data, offset, salt, chain):
        """The entries of the frame, its checksum, and its length in the file."""
        place = f"{path}, offset {offset}"
        require(len(data) - offset >= 52, place, "the header of a frame is cut short")
        magic, version, form, first, count, plain, stored, before, payload_check, check = (
            struct.unpack_from("<4sHHQIII8s8s8s", data, offset)
        )
        require(
            checksum(data[offset : offset + 44], salt) == check,
            place,
            "+44: checksum of the frame's header",
        )
        require(magic == b"RCFR", place, "+0: magic")
        require(version == 1, place, f"+4: version {version}")
        require(form in (0, 1, 2), place, f"+6: unknown form {form}")
        require(first == self.tree.size, place, f"+8: entry {first} instead of {self.tree.size}")
        require(0 < count <= FRAME_ENTRIES_MAX, place, f"+16: {count} entries in a frame")
        require(
            3 * count <= plain <= FRAME_BYTES_MAX, place, f"+20: {plain} bytes for {count} entries"
        )
        require(
            stored == plain if form == 0 else stored < plain, place, f"+24: {stored} bytes stored"
        )
        require(before == chain, place, "+28: checksum of the frame before it")
        payload = data[offset + 52 : offset + 52 + stored]
        require(
            len(payload) == stored,
            place,
            f"+24: {stored} bytes are stored, {len(payload)} are there",
        )
        require(checksum(payload) == payload_check, place, "+36: checksum of the payload")
        if form > 0:
            try:
                payload = lz4.block.decompress(payload, uncompressed_size=plain)
            except lz4.block.LZ4BlockError as problem:
                raise Unreadable(f"{place}: +52: {problem}") from None
        require(len(payload) == plain, place, f"+20: {len(payload)} bytes instead of {plain}")
        if form == 2:
            payload = rows(payload, count, place)
        lengths = struct.unpack_from(f"<{count}H", payload)
        require(
            min(lengths) > 0 and 2 * count + sum(lengths) == plain,
            place,
            "+52: lengths of the entries",
        )
        entries, start = [], 2 * count
        for length in lengths:
            entries.append(payload[start : start + length])
            start += length
        return entries, check, 52 + stored

    def whole_frame_after(self, data, offset, salt):
        """Whether a whole frame stands behind `offset`: what is before it was acknowledged then."""
        while (offset := data.find(b"RCFR", offset + 1)) >= 0:
            header = data[offset : offset + 52]
            if len(header) == 52 and checksum(header[:44], salt) == header[44:]:
                stored = struct.unpack_from("<I", header, 24)[0]
                payload = data[offset + 52 : offset + 52 + stored]
                if len(payload) == stored and checksum(payload) == header[36:44]:
                    return True
        return False

    def footer(self, path, data, offset, salt, chain, first, frames, tiles_before, is_last):
        place = f"{path}, footer at offset {offset}"
        footer = data[offset:]
        require(not is_last, place, "the last segment has a footer")
        require(len(footer) >= 96, place, "cut short")
        require(checksum(footer[:-8], salt) == footer[-8:], place, "checksum of the footer")
        magic, version, zero, stated_first, size, root, last, frame_count, tile_count = (
            struct.unpack_from("<4sHHQQ32s8sII", footer)
        )
        require(version == 1 and zero == 0, place, "+4: version, zero")
        require(stated_first == first, place, "+8: first entry")
        require(size == self.tree.size, place, f"+16: size {size} instead of {self.tree.size}")
        require(root == self.tree.root(), place, "+24: root of the log after the segment")
        require(last == chain, place, "+56: checksum of the last frame")
        require(
            frame_count == len(frames), place, f"+64: {frame_count} frames, found {len(frames)}"
        )
        tiles = self.tree.tiles[tiles_before:]
        require(tile_count == len(tiles), place, f"+68: {tile_count} tiles, found {len(tiles)}")
        expected = b"".join(struct.pack("<QQ", *frame) for frame in frames) + b"".join(tiles)
        require(footer[72 : 72 + len(expected)] == expected, place, "+72: frames and tiles")
        length, magic, zero = (
            struct.unpack_from("<Q4sI", footer, 72 + len(expected))
            if len(footer) == 96 + len(expected)
            else (0, b"", 1)
        )
        require(
            length == len(footer) and magic == b"RCFE" and zero == 0, place, "end of the footer"
        )

    def blobs(self):
        """Checks that every blob is named by its SHA-256; returns how many there are."""
        folder, count = self.directory / "blobs", 0
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if re.fullmatch(r"[0-9a-f]{64}\.tmp", path.name):
                self.notes.append(f"{path} was never finished, and is passed over")
                continue
            if not re.fullmatch(r"[0-9a-f]{64}", path.name):
                raise Unreadable(f"{path} does not belong here")
            require(sha(path.read_bytes()).hex() == path.name, path, "SHA-256 is not the name")
            count += 1
        return count


# --------------------------------------------------------------------------------
# Events, "Encoding": a type is "u8".."i64", a number of bytes, "text", "bytes" or [type] for a
# list, each with "<" and the most that it may count, ?type where it may be absent, or the name of a
# structure, of a plain enumeration or of one with fields.

INTEGERS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i32": "<i", "i64": "<q"}

ENUMERATIONS = {
    "Vote": "approve reject abstain",
    "VoteReason": "proofHolds proofFails wrongInputCount outOfTime localError keyUnavailable"
    " unspecified",
    "Outcome": "approved rejected timedOut",
    "OutcomeReason": "quorumApproved approvalOutOfReach deadlineWithQuorum deadlineWithoutQuorum"
    " nullifierSpent",
    "ReputationCause": "correct bonus incorrect missed equivocation",
    "CloseCause": "complete deadline nullifierSpent",
    "JobStatusKind": "success trap fuelExhausted memoryLimit invalidModule abstained",
    "JobDecision": "agreed disagreed timedOut",
    "SettlementResult": "settled failed",
    "Normalisation": "share raw",
    "Refusal": "known unknownSubmitter quotaExceeded tooManyUnclosed unknownCircuit "
    "malformedProof malformedInput contradictingInput repeatedNullifier unknownRoot "
    "spentNullifier tooFewValidators unknownRequest notPinned equivocation "
    "voteChanged roundClosed timestamp jobLimits unknownJob notDrawn resultChanged "
    "wrongBridge noSettlement settlementReported wrongNumber tooFewSignatures "
    "signatureOrder notMember invalidKey alreadyValidator notValidator "
    "tooManyValidators unsafeThreshold totalStake timeout reputationBounds weights "
    "bound circuitKnown unboundCircuit malformedKey tooManyCircuits rootKnown "
    "tooManySubmitters neverValidator noContradiction alreadyConvicted noSender "
    "notRefused refusalsFull noBatch batchOpen batchFull wrongHeight wrongTime "
    "timeTooFar wrongProposer wrongRoot wrongPrecommits deadlinesPassed wrongSize "
    "ledgerOpen ledgerNotOpen wrongGenesis tooLong gammaIsDelta gammaIsBeta "
    "deltaIsBeta deltaIsGenerator secretKnown constantInfinite constantIsAlpha "
    "inputInfinite inputIsConstant inputsAlike malformedName nameTaken nameChanged "
    "jobBounds thresholdTooLarge jobOverBounds jobDeadline batchClosing numberNotHigher "
    "malformedAnnouncement announcedOften malformedList",
}
ENUMERATIONS = {name: values.split() for name, values in ENUMERATIONS.items()}

SLOT = "height:u64 round:u32"
VOTES = ENUMERATIONS["Vote"]
UNIONS = {
    "InputBinding": {
        0: "root",
        1: "nullifier",
        2: "amount",
        3: "negatedAmount",
        4: "recipient",
        5: "externalDataHash",
        6: "constant value:32",
        7: "free",
    },
    "Change": {
        0: "validatorJoined key:32 name:text<32 stake:u64",
        1: "validatorLeft key:32",
        2: "stakeChanged key:32 stake:u64",
        3: "parametersChanged parameters:Parameters",
        4: "circuitRegistered circuit:Circuit",
        5: "rootPublished circuit:u16 root:32",
        6: "submitterListed key:32 name:text<32 quota:u32",
    },
    "Slot": {
        0: "vote request:u64",
        1: f"proposal {SLOT}",
        2: f"prevote {SLOT}",
        3: f"precommit {SLOT}",
        4: "result job:u64",
        5: "amnesia height:u64 precommit:u32 prevote:u32",
        6: "checkpoint size:u64",
        7: "settlement request:u64",
    },
    "EvidenceSlot": {
        0: "vote request:32",
        1: "consensus slot:Slot",
        2: "result job:32",
        3: "settlement request:32",
    },
    "Statement": {
        0: "vote vote:Vote reason:VoteReason timestamp:u64 signature:64",
        1: "consensus value:?32 validRound:i64 signature:64",
        2: "result status:JobStatus output:32 fuel:u64 signature:64",
        3: "checkpoint root:32 seconds:?u64 signature:64",
        4: "settlement result:SettlementResult reference:bytes<128 signature:64",
        5: "listedVote vote:Vote reason:VoteReason timestamp:u64 path:VotePath signature:64",
    },
    "Divergence": {
        0: "component height:u64 component:u8 decided:32 derived:32",
        1: "entry height:u64 entry:u64 decided:text<64 derived:text<64",
        2: "input height:u64 entry:u64 input:text<64 refusal:?u8",
        3: "history height:u64 decided:32 derived:32",
    },
    "Message": {
        0: "request message:RequestMessage",
        1: "vote message:VoteMessage",
        2: "job message:JobMessage",
        3: "result message:ResultMessage",
        4: "settlement message:SettlementMessage",
        5: "governance message:GovernanceMessage",
        6: "evidence message:EvidenceMessage",
        7: "announcement message:AnnouncementMessage",
        8: "votes message:VoteListMessage",
    },
    **{
        name: {
            **{tag: f"{vote} reason:VoteReason {request}" for tag, vote in enumerate(VOTES)},
            **{3 + height: f"hidden{height} root:32" for height in range(9)},
        }
        for name, request in (("VoteOfEntry", "request:u64"), ("VoteOfList", "request:32"))
    },
}

STRUCTURES = {
    "Parameters": "threshold:u32 verificationMilliseconds:u64 jobMilliseconds:u64"
    " settlementMilliseconds:u64 reputationMin:u64 reputationMax:u64 stakeWeight:u32"
    " reputationWeight:u32 normalisation:Normalisation unclosedMax:u32 refusalsPerMinute:u32"
    " jobFuelMax:u64 jobMemoryBytesMax:u64 jobInputBytesMax:u64 jobModuleBytesMax:u64"
    " jobMillisecondsMin:u64",
    "GenesisValidator": "key:32 name:text<32 stake:u64",
    "GenesisSubmitter": "key:32 name:text<32 quota:u32",
    "Circuit": "name:text<32 verifyingKey:bytes<8192 inputs:[InputBinding]<64",
    "GenesisCircuit": "circuit:Circuit roots:[32]<1024",
    "IndexedSignature": "validator:u16 signature:64",
    "JobStatus": "kind:JobStatusKind code:u8",
    "Precommits": "height:u64 round:u32 root:32 signatures:[IndexedSignature]<1000",
    "Side": "validators:[u16]<1000",
    # Messages
    "RequestMessage": "circuit:32 nullifiers:[32]<16 amount:u64 recipient:32 proof:bytes<512"
    " publicInputs:[32]<64"
    " timestamp:u64 submitter:32 signature:64",
    "VoteMessage": "request:32 validator:32 vote:Vote reason:VoteReason timestamp:u64 signature:64",
    "VoteListMessage": "validator:32 timestamp:u64 votes:[VoteOfList]<256 signature:64",
    "VotePath": "index:u32 count:u32 siblings:[32]<8",
    "JobMessage": "module:32 input:32 moduleBytes:u64 inputBytes:u64 fuel:u64 memoryBytes:u64 milliseconds:u64 engine:text<64"
    " engineVersion:text<64 timestamp:u64 submitter:32 signature:64",
    "ResultMessage": "job:32 validator:32 status:JobStatus output:32 fuel:u64 signature:64",
    "SettlementMessage": "request:32 bridge:32 reference:bytes<128 result:SettlementResult"
    " signature:64",
    "Endorsement": "validator:32 signature:64",
    "GovernanceMessage": "number:u64 change:Change endorsements:[Endorsement]<1000",
    "Announcement": "number:u64 program:text<64 engine:text<64 engineVersion:text<64"
    " isJournalNew:flag",
    "AnnouncementMessage": "validator:32 announcement:Announcement signature:64",
    "RecordedAnnouncement": "announcement:Announcement time:u64",
    "EvidenceMessage": "validator:32 slot:EvidenceSlot first:Statement second:Statement",
    # Cases, "The contents"
    "FixedTree": "size:u64 peaks:[32]<64",
    "Versions": "program:text<64 engine:text<64 engineVersion:text<64",
    "LastSeal": "before:FixedTree entry:bytes<65535",
}

EVENTS = {
    0: "ledgerOpened version:u32 name:text<64 parameters:Parameters "
    " validators:[GenesisValidator]<1000"
    " submitters:[GenesisSubmitter]<10000 bridge:32 circuits:[GenesisCircuit]<256 time:u64",
    1: "batchOpened height:u64 time:u64 proposer:u16 round:u32 previousRoot:32 precommitRound:u32"
    " precommits:[IndexedSignature]<1000 signature:64",
    2: "requestSubmitted circuit:u16 nullifiers:[32]<16 amount:u64 recipient:32 proof:bytes<512"
    " publicInputs:[32]<64 timestamp:u64 submitter:u32 signature:64",
    3: "voteCast request:u64 validator:u16 vote:Vote reason:VoteReason timestamp:u64 signature:64",
    4: "jobSubmitted module:32 input:32 moduleBytes:u64 inputBytes:u64 fuel:u64 memoryBytes:u64 milliseconds:u64 engine:text<64"
    " engineVersion:text<64 timestamp:u64 submitter:u32 signature:64",
    5: "resultReported job:u64 validator:u16 status:JobStatus output:32 fuel:u64 signature:64",
    6: "settlementReported request:u64 reference:bytes<128 result:SettlementResult signature:64",
    7: "governanceApproved number:u64 change:Change signatures:[IndexedSignature]<1000",
    8: "evidenceSubmitted validator:u16 slot:Slot first:Statement second:Statement",
    9: "messageRefused message:Message refusal:Refusal",
    10: "validatorAnnounced validator:u16 announcement:Announcement signature:64",
    11: "votesCast validator:u16 timestamp:u64 votes:[VoteOfEntry]<256 signature:64",
    64: "roundOpened request:u64 leader:u16 pinnedSet:32 threshold:u32 deadline:u64",
    65: "outcomeDecided request:u64 outcome:Outcome reason:OutcomeReason approvals:u16"
    " rejections:u16"
    " abstentions:u16 deciding:u64 margin:i32 time:u64",
    66: "nullifierSpent request:u64 nullifier:32",
    67: "nullifierReleased request:u64 nullifier:32",
    68: "settlementOrdered request:u64 recipient:32 amount:u64 leader:u16 nextTurn:u64",
    69: "reputationChanged validator:u16 cause:ReputationCause about:u64 before:u64 after:u64",
    70: "reputationDecayed day:u64",
    71: "equivocationFound validator:u16 slot:Slot",
    72: "disagreementRecorded about:u64 sides:[Side]<1000",
    73: "roundClosed about:u64 cause:CloseCause",
    74: "jobAssigned job:u64 validators:[u16]<3 deadline:u64",
    75: "jobDecided job:u64 decision:JobDecision status:JobStatus output:32 deciding:u64 time:u64",
    76: "batchSealed height:u64 size:u64 root:32 stateRoot:32 components:13*32",
}
UNIONS["Event"] = EVENTS


def fields(text):
    return [tuple(part.split(":")) for part in text.split()]


STRUCTURES = {name: fields(text) for name, text in STRUCTURES.items()}
UNIONS = {
    name: {
        tag: (text.split()[0], fields(" ".join(text.split()[1:]))) for tag, text in cases.items()
    }
    for name, cases in UNIONS.items()
}
TAGS = {name: {case: tag for tag, (case, _) in cases.items()} for name, cases in UNIONS.items()}


class Undecodable(Exception):
    """Bytes that are not the one encoding of a value."""


class Decoder:
    def __init__(self, data):
        self.data, self.offset = data, 0

    def take(self, count):
        if len(self.data) - self.offset < count:
            raise Undecodable(
                f"offset {self.offset}: {count} bytes wanted,"
                f" {len(self.data) - self.offset} left"
            )
        self.offset += count
        return self.data[self.offset - count : self.offset]

    def read(self, kind):
        if kind in INTEGERS:
            form = INTEGERS[kind]
            return struct.unpack(form, self.take(struct.calcsize(form)))[0]
        if kind == "flag":
            at, flag = self.offset, self.read("u8")
            if flag > 1:
                raise Undecodable(f"offset {at}: {flag} is neither no nor yes")
            return flag
        if kind.isdigit():
            return self.take(int(kind))
        if "<" in kind:
            kind, most = kind.split("<")
            at, count = self.offset, self.read("u32")
            if count > int(most):
                raise Undecodable(f"offset {at}: {count} of {kind}, above {most}")
            if kind[0] == "[":
                return [self.read(kind[1:-1]) for _ in range(count)]
            data = self.take(count)
            try:
                return data if kind == "bytes" else data.decode("utf-8")
            except UnicodeDecodeError:
                raise Undecodable(f"offset {at}: not UTF-8") from None
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
    kind = kind.split("<")[0]
    if kind in INTEGERS:
        return struct.pack(INTEGERS[kind], value)
    if kind == "flag":
        return bytes([value])
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
    return bytes([tag]) + b"".join(
        encode(of, getattr(value, name)) for name, of in UNIONS[kind][tag][1]
    )


def event(kind, **values):
    return SimpleNamespace(kind=kind, **values)


# --------------------------------------------------------------------------------
# Events, "What is signed" and "Other digests"


def domain(name):
    return encode("text", f"recount/{name}/v1")


def signed_bytes(name, ledger, kind, message):
    """What the signature of a message covers: domain, ledger id, every field but the signature."""
    parts = [
        encode(of, getattr(message, field))
        for field, of in STRUCTURES[kind]
        if field != "signature"
    ]
    return domain(name) + ledger + b"".join(parts)


def vote_leaf(request, vote, reason):
    """The hash of a vote as a leaf of the tree of its list; Events, "Lists of votes"."""
    return sha(
        b"\x00" + request + encode("Vote", vote) + encode("VoteReason", reason)
    )


def list_bytes(ledger, validator, timestamp, count, root):
    """What the signature of a list of votes covers."""
    return (
        domain("votes")
        + ledger
        + validator
        + encode("u64", timestamp)
        + encode("u32", count)
        + root
    )


def shown_votes(m):
    """The votes that a list shows."""
    return [v for v in m.votes if not v.kind.startswith("hidden")]


def height_of(vote):
    """The height of the subtree that a place of a list stands for."""
    return int(vote.kind[6:]) if vote.kind.startswith("hidden") else 0


def is_list(m):
    """Shows a vote, none on a request twice, and hides aligned subtrees as large as can be."""
    end, left = 0, None
    for vote in m.votes:
        size = 1 << height_of(vote)
        if vote.kind.startswith("hidden"):
            if end % size or left == size:
                return False
            left = size if end % (2 * size) == 0 else None
        else:
            left = None
        end += size
    requests = [v.request for v in shown_votes(m)]
    return 0 < len(requests) == len(set(requests)) and end <= VOTES_PER_LIST_MAX


def signed_list(ledger, m):
    """What a list of votes signs: the root is made of the leaves, and of what is hidden."""

    def root(nodes, count):
        if len(nodes) == 1 and 1 << nodes[0][0] == count:
            return nodes[0][1]
        half = 1
        while half * 2 < count:
            half *= 2
        left, size = 0, 0
        while size < half:
            size += 1 << nodes[left][0]
            left += 1
        return sha(b"\x01" + root(nodes[:left], half) + root(nodes[left:], count - half))

    nodes = [
        (
            height_of(v),
            v.root if v.kind.startswith("hidden") else vote_leaf(v.request, v.kind, v.reason),
        )
        for v in m.votes
    ]
    count = sum(1 << height for height, _ in nodes)
    return list_bytes(ledger, m.validator, m.timestamp, count, root(nodes, count))


def signed_along(ledger, m, path):
    """What the list signs in which a vote is; None where the way is of another length."""
    at, last, node = path.index, path.count - 1, vote_leaf(m.request, m.vote, m.reason)
    if path.index >= path.count:
        return None
    for sibling in path.siblings:  # RFC 9162, 2.1.3.2
        if last == 0:
            return None
        if at & 1 or at == last:
            node = sha(b"\x01" + sibling + node)
            while at & 1 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha(b"\x01" + node + sibling)
        at, last = at >> 1, last >> 1
    if last:
        return None
    return list_bytes(ledger, m.validator, m.timestamp, path.count, node)


EDWARDS_P = 2**255 - 19
EDWARDS_L = 2**252 + 27742317777372353535851937790883648493
EDWARDS_D = -121665 * pow(121666, -1, EDWARDS_P) % EDWARDS_P


def edwards_add(one, other):
    """The sum of two points of the curve -x^2 + y^2 = 1 + d x^2 y^2, as (X, Y, Z)."""
    (x1, y1, z1), (x2, y2, z2), p = one, other, EDWARDS_P
    a, c, d = z1 * z2, x1 * x2, y1 * y2
    b, e = a * a, EDWARDS_D * c * d
    f, g = b - e, b + e
    return (
        a * f * ((x1 + y1) * (x2 + y2) - c - d) % p,
        a * g * (d + c) % p,
        f * g % p,
    )


@functools.cache
def is_key(key):
    """Events, "What is signed": a valid point. libsodium is not asked: some versions err."""
    p = EDWARDS_P
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    if y >= p:
        return False
    u, v = (y * y - 1) % p, (EDWARDS_D * y * y + 1) % p
    square = u * pow(v, -1, p) % p
    x = pow(square, (p + 3) // 8, p)
    if x * x % p != square:
        x = x * pow(2, (p - 1) // 4, p) % p
    if x * x % p != square:
        return False
    if x & 1 != key[31] >> 7:
        x = -x % p
    if (x, y) == (0, 1):
        return False
    product = 0, 1, 1
    for bit in bin(EDWARDS_L)[2:]:
        product = edwards_add(product, product)
        if bit == "1":
            product = edwards_add(product, (x, y, 1))
    return product[0] == 0 and product[1] == product[2]


def is_signed(key, signature, message):
    """The verdict of crypto_sign_verify_detached, for a key that is a valid point."""
    if not is_key(key):
        return False
    try:
        nacl.bindings.crypto_sign_open(signature + message, key)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


def statement_bytes(ledger, key, slot, value, valid_round):
    """What a proposal, prevote or precommit signs."""
    return (
        domain(slot.kind)
        + ledger
        + encode("u64", slot.height)
        + encode("u32", slot.round)
        + encode("?32", value)
        + encode("i64", valid_round)
        + key
    )


def circuit_id(circuit):
    return sha(domain("circuit") + encode("Circuit", circuit))


def pinned_digest(pinned):
    each = [struct.pack("<H32sQQ", p.index, p.key, p.stake, p.reputation) for p in pinned]
    return sha(domain("pinned") + encode("u32", len(pinned)) + b"".join(each))


def result_value(report):
    if isinstance(report, Reported):
        return report.value
    return sha(domain("result-value") + encode("JobStatus", report.status) + report.output)


def leader_seed(ledger, kind, what):
    return sha(domain("leader") + ledger + bytes([kind]) + what)


def ranking(candidates, seed, parameters):
    """By H(seed || key) * weight, the largest first; a tie goes to the smaller key."""
    stakes = sum(c.stake for c in candidates)
    reputations = sum(c.reputation for c in candidates)

    def product(c):
        if parameters.normalisation == "raw":
            weight = (
                parameters.stakeWeight * 1000 * c.stake + parameters.reputationWeight * c.reputation
            )
        else:
            weight = (
                parameters.stakeWeight * c.stake * reputations
                + parameters.reputationWeight * c.reputation * stakes
            )
        return int.from_bytes(sha(seed + c.key), "big") * weight

    return sorted(candidates, key=lambda c: (-product(c), c.key))


# --------------------------------------------------------------------------------
# Events, "Proofs and verifying keys": whether the points are points. No pairing is computed here.

P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
U = 4965661367192848881  # the parameter of BN254


def multiply2(a, b):
    """In Fp2 = Fp[u] / (u^2 + 1)."""
    return (a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P


def inverse2(a):
    n = pow(a[0] * a[0] + a[1] * a[1], -1, P)
    return a[0] * n % P, -a[1] * n % P


TWIST_B = multiply2((3, 0), inverse2((9, 1)))


def cube_plus_b(x):
    cube = multiply2(x, multiply2(x, x))
    return (cube[0] + TWIST_B[0]) % P, (cube[1] + TWIST_B[1]) % P


def square_root(a):
    root = pow(a, (P + 1) // 4, P)
    return root if root * root % P == a % P else None


def square_root2(a):
    norm = square_root(a[0] * a[0] + a[1] * a[1])
    for sign in () if norm is None else (norm, -norm):
        x = square_root((a[0] + sign) * pow(2, -1, P))
        if x:
            root = x, a[1] * pow(2 * x, -1, P) % P
            if multiply2(root, root) == a:
                return root
    if a[1] == 0 and (y := square_root(-a[0])) is not None:
        return 0, y
    return None


def add2(a, b):
    """The sum of two points of the twist; None is infinity."""
    if a is None or b is None:
        return a or b
    (x1, y1), (x2, y2) = a, b
    if x1 == x2:
        if y1 != y2 or y1 == (0, 0):
            return None
        slope = multiply2(multiply2((3, 0), multiply2(x1, x1)), inverse2((2 * y1[0], 2 * y1[1])))
    else:
        slope = multiply2((y2[0] - y1[0], y2[1] - y1[1]), inverse2((x2[0] - x1[0], x2[1] - x1[1])))
    square = multiply2(slope, slope)
    x = (square[0] - x1[0] - x2[0]) % P, (square[1] - x1[1] - x2[1]) % P
    y = multiply2(slope, (x1[0] - x[0], x1[1] - x[1]))
    return x, ((y[0] - y1[0]) % P, (y[1] - y1[1]) % P)


def is_in_subgroup(point):
    """psi(Q) = [6u^2]Q, which holds in the subgroup of order r and nowhere else on the twist."""
    power = [multiply2((1, 0), (1, 0))]
    for exponent in ((P - 1) // 3, (P - 1) // 2):
        base, result = (9, 1), (1, 0)
        while exponent:
            if exponent & 1:
                result = multiply2(result, base)
            base, exponent = multiply2(base, base), exponent >> 1
        power.append(result)
    (x, y), product = point, None
    psi = multiply2((x[0], -x[1]), power[1]), multiply2((y[0], -y[1]), power[2])
    for bit in bin(6 * U * U)[2:]:
        product = add2(product, product)
        if bit == "1":
            product = add2(product, point)
    return product == psi


def is_proof(proof, with_subgroup):
    """Whether 128 bytes are three points: little-endian x, flags in the two top bits of each.

    0x80 says that y is the larger of the two, 0x40 alone with zeros that the point is infinity.
    """
    if len(proof) != 128:
        return False
    for point in proof[:32], proof[32:96], proof[96:]:
        flag = point[-1] >> 6
        x = point[:-1] + bytes([point[-1] & 0x3F])
        coordinates = [int.from_bytes(x[i : i + 32], "little") for i in range(0, len(x), 32)]
        if flag == 3 or max(coordinates) >= P:
            return False
        if flag == 1:
            if any(coordinates):
                return False
        elif len(coordinates) == 1:
            if square_root(coordinates[0] ** 3 + 3) is None:
                return False
        else:
            y = square_root2(cube_plus_b(coordinates))
            if y is None or with_subgroup and not is_in_subgroup((tuple(coordinates), y)):
                return False
    return True


def is_verifying_key(data, inputs):
    """Whether the bytes are the points of a verifying key for so many public inputs."""
    if len(data) != 452 + 64 * (inputs + 1) or data[448:452] != encode("u32", inputs + 1):
        return False
    numbers = [
        int.from_bytes(data[i : i + 32], "big")
        for i in (*range(0, 448, 32), *range(452, len(data), 32))
    ]
    if max(numbers) >= P:
        return False
    pairs = list(zip(numbers[::2], numbers[1::2]))
    ones = [pairs[0], *(pair for pair in pairs[7:] if pair != (0, 0))]  # only these may be infinity
    twos = [((x0, x1), (y0, y1)) for (x1, x0), (y1, y0) in zip(pairs[1:7:2], pairs[2:7:2])]
    return all((y * y - x**3 - 3) % P == 0 for x, y in ones) and all(
        multiply2(y, y) == cube_plus_b(x) and is_in_subgroup((x, y)) for x, y in twos
    )


G1 = 1, 2
G2 = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


def key_fault(data, kinds):
    """Why a verifying key proves nothing, or None; Events, "Proofs and verifying keys"."""
    numbers = [
        int.from_bytes(data[i : i + 32], "big")
        for i in (*range(0, 448, 32), *range(452, len(data), 32))
    ]
    pairs = list(zip(numbers[::2], numbers[1::2]))
    alpha, constant, inputs = pairs[0], pairs[7], pairs[8:]
    # Points are equal or opposite where x is equal; infinity is (0, 0), and no point has x = 0.
    beta, gamma, delta = ((x0, x1) for x1, x0 in pairs[1:7:2])
    finite = [x for x, y in inputs if (x, y) != (0, 0)]
    faults = {
        "gammaIsDelta": gamma == delta,
        "gammaIsBeta": gamma == beta,
        "deltaIsBeta": delta == beta,
        "deltaIsGenerator": delta == G2[0],
        "secretKnown": alpha[0] == G1[0] or beta == G2[0],
        "constantInfinite": constant == (0, 0),
        "constantIsAlpha": constant[0] == alpha[0],
        "inputInfinite": any(
            point == (0, 0) and kind != "free" for point, kind in zip(inputs, kinds)
        ),
        "inputIsConstant": constant[0] in finite,
        "inputsAlike": len(set(finite)) < len(finite),
    }
    return next((fault for fault, holds in faults.items() if holds), None)


# --------------------------------------------------------------------------------
# State: the fold. Every rule in the plainest way; histories are kept whole.

TERMS_MAX = 8
BRIDGE = 65_535
VOTE_LIFE_MILLISECONDS = 60_000
VOTES_PER_LIST_MAX = 256
DECISION_BYTES_MAX = 1 << 20  # that the decisions of a batch with lists are reckoned to write
POINT = 1000  # reputation is kept in thousandths
REPUTATION_START = 1000 * POINT
CHANGE = dict(
    correct=10 * POINT,
    bonus=5 * POINT,
    incorrect=-50 * POINT,
    missed=-30 * POINT,
    equivocation=-50 * POINT,
)
JOB_VALIDATORS = 3
JOB_AGREE = 2
COMMANDS_MAX = 1000
COMMAND_BYTES_MAX = 4 << 20
INPUTS = """requestSubmitted voteCast jobSubmitted resultReported settlementReported
    governanceApproved evidenceSubmitted messageRefused validatorAnnounced votesCast""".split()
FORMAT_VERSION = 1
NAME = re.compile(r"[a-z0-9.-]{1,32}")
JOB_MEMORY_MAX = 1 << 32
JOB_BLOB_MAX = 64 << 20
THRESHOLD_MAX = 991  # precommits that a BatchOpened has room for
CLOSE_BYTES_MAX = 6 << 20  # that the closes of one batch are reckoned to write
CONFLICT_BYTES_MAX = 20 << 20  # that the end of all conflicting requests is reckoned to write
CIRCUITS_MAX = 256
SUBMITTERS_MAX = 10_000
QUOTA_MAX = 100_000
DAYS_AHEAD_MAX = 3660  # that one batch may advance
NO_OUTPUT = bytes(32)
COMPONENTS = (
    "parameters validators submitters circuits roots rounds outcomes nullifiers leaders jobs"
    " evidence outbox time"
).split()


class Ledger:
    """The state, and what each input makes of it."""

    def __init__(self, log, with_signatures, with_proofs):
        self.log, self.with_signatures, self.with_proofs = log, with_signatures, with_proofs
        self.signatures = 0
        self.id = None
        self.index = 0  # of the entry being taken in
        self.expected = deque()  # derived events that must come next
        self.is_open = False  # a batch is
        self.is_sealing = False  # its deadlines have been derived
        self.counts = {}

    # -- entries

    def take(self, data):
        """Takes in the next entry, or raises the difference."""
        try:
            entry = decode("Event", data)
        except Undecodable as problem:
            raise Difference(self.index, "encoding", "one event in Borsh", str(problem)) from None
        self.counts[entry.kind] = self.counts.get(entry.kind, 0) + 1
        if self.id is None:
            self.check(entry.kind, "ledgerOpened", "event")
            self.open_ledger(entry, sha(data))
        elif not self.is_open:
            self.check(entry.kind, "batchOpened", "event")
            self.open_batch(entry)
        elif self.expected:
            self.compare(entry, self.expected.popleft())
        elif entry.kind in INPUTS and not self.is_sealing:
            self.commands += 1
            self.command_bytes += len(data)
            self.check(self.commands <= COMMANDS_MAX, True, "at most 1,000 commands a batch")
            self.check(self.close_bytes < CLOSE_BYTES_MAX, True, "a batch with room for closes")
            self.check(
                self.command_bytes <= COMMAND_BYTES_MAX, True, "at most 4 MiB of commands a batch"
            )
            getattr(self, entry.kind)(entry)
        else:
            if not self.is_sealing:
                self.is_sealing = True
                self.reach_deadlines()
            if self.expected:
                self.compare(entry, self.expected.popleft())
            else:
                self.seal(entry)
        self.index += 1

    def check(self, found, expected, field):
        if found != expected:
            raise Difference(self.index, field, expected, found)

    def compare(self, found, expected):
        """Compares an entry with the event that the rules derive in its place."""
        self.check(found.kind, expected.kind, "event")
        for field in vars(expected):
            self.check(getattr(found, field), getattr(expected, field), f"{found.kind}.{field}")

    def emit(self, derived):
        """Notes an event that the rules derive: it must come next, behind those noted before."""
        self.expected.append(derived)

    def verify(self, key, signature, message, field="signature"):
        self.signatures += 1
        if self.with_signatures and not is_signed(key, signature, message):
            raise Difference(self.index, field, f"a signature of {key.hex()}", signature)

    # -- Events, "LedgerOpened"

    def open_ledger(self, e, digest):
        self.check(e.version, FORMAT_VERSION, "ledgerOpened.version")
        self.id = digest
        self.name, self.bridge, self.parameters = e.name, e.bridge, e.parameters
        self.next_number = 0
        self.validators, self.submitters = [], []
        self.circuits, self.roots = [], []
        self.nullifiers = {}  # spent -> request
        self.requests = {}  # entry -> round, open or closed
        self.jobs = {}  # entry -> job, open or closed
        self.unclosed = {}  # entry -> round or job that is open, by entry
        self.entry_of = {}  # id of a request or job -> entry
        self.convictions = set()
        self.pending = {}  # settlements ordered and not reported: request -> order
        self.settlements = {}  # request -> report
        self.new_jobs = []
        self.histories = {name: Tree(keeps=True) for name in COMPONENTS}
        self.height, self.time, self.day = 0, e.time, e.time // DAY_MILLISECONDS
        self.minute, self.refusals = 0, {}
        self.previous_root, self.opened_at = bytes(32), 0
        for v in e.validators:
            self.check(self.validator_of(v.key), None, "a key that stands once")
            self.check(is_key(v.key), True, "validators.key is a valid point")
            self.check(self.name_fault(v.name, None, self.validators), None, "validators.name")
            self.join(v.key, v.name, v.stake)
        for s in e.submitters:
            self.check(self.submitter_of(s.key), None, "a key that stands once")
            self.check(is_key(s.key), True, "submitters.key is a valid point")
            self.check(s.quota <= QUOTA_MAX, True, "submitters.quota is at most 100,000")
            self.check(self.name_fault(s.name, None, self.submitters), None, "submitters.name")
            self.list_submitter(s)
        self.check(is_key(e.bridge), True, "bridge is a valid point")
        self.check(self.parameters_fault(e.parameters), None, "parameters")
        self.check(self.members_fault(e.parameters), None, "validators")
        for number, c in enumerate(e.circuits):
            self.check(self.circuit_fault(c.circuit), None, f"circuits[{number}]")
            self.register(c.circuit)
            for root in c.roots:
                self.check(int.from_bytes(root, "little") < R, True, "root below the group order")
                self.check((number, root) in self.roots, False, "a root that stands once")
                self.publish(number, root)
        self.sealed = [self.sealed_members()] * 2
        self.is_open = self.is_sealing = True
        self.commands = self.command_bytes = self.close_bytes = self.decision_bytes = 0

    def name_fault(self, name, own, others):
        """Events, "Names": one that is known keeps its own, all others must differ."""
        if not NAME.fullmatch(name):
            return "malformedName"
        if own is not None:
            return None if own == name else "nameChanged"
        return "nameTaken" if any(other.name == name for other in others) else None

    def list_submitter(self, s):
        self.submitters.append(
            SimpleNamespace(key=s.key, name=s.name, quota=s.quota, undecided=0)
        )

    def join(self, key, name, stake):
        v = self.validator_of(key)
        if v is None:
            v = SimpleNamespace(
                index=len(self.validators),
                key=key,
                name=name,
                reputation=REPUTATION_START,
                announced=None,
            )
            self.validators.append(v)
        v.stake, v.member = stake, True
        v.terms = (getattr(v, "terms", []) + [(self.height, None)])[-TERMS_MAX:]

    def register(self, circuit):
        self.circuits.append(
            SimpleNamespace(
                id=circuit_id(circuit), name=circuit.name, inputs=circuit.inputs, circuit=circuit
            )
        )
        self.history("circuits", self.circuits[-1].id)

    def publish(self, circuit, root):
        self.roots.append((circuit, root))
        self.history("roots", struct.pack("<H32s", circuit, root))

    def sealed_members(self):
        return SimpleNamespace(
            members=[(v.index, v.stake) for v in self.members()], parameters=self.parameters
        )

    def members(self):
        return [v for v in self.validators if v.member]

    def validator_of(self, key):
        return next((v for v in self.validators if v.key == key), None)

    def submitter_of(self, key):
        return next((s for s in self.submitters if s.key == key), None)

    # -- bounds of parameters, members and circuits; Events, "Refusals"

    def parameters_fault(self, p):
        timeouts = p.verificationMilliseconds, p.jobMilliseconds, p.settlementMilliseconds
        if not all(1 <= t <= DAY_MILLISECONDS for t in timeouts):
            return "a timeout must be from 1 ms to one day"
        if not p.reputationMin <= REPUTATION_START <= p.reputationMax <= 100_000 * POINT:
            return "the bounds must hold the starting reputation, and end at 100,000 points"
        if p.stakeWeight + p.reputationWeight != 1_000_000:
            return "the weights must add up to one million"
        if not (1 <= p.unclosedMax <= 100_000 and 1 <= p.refusalsPerMinute <= 100_000):
            return "a bound on unfinished work or refusals is zero or too large"
        if not (
            p.jobFuelMax
            and 1 <= p.jobMemoryBytesMax <= JOB_MEMORY_MAX
            and p.jobInputBytesMax <= JOB_BLOB_MAX
            and 1 <= p.jobModuleBytesMax <= JOB_BLOB_MAX
            and 1 <= p.jobMillisecondsMin <= p.jobMilliseconds
        ):
            return "a bound on jobs is zero or too large"
        if p.threshold > THRESHOLD_MAX:
            return "no entry can hold so many precommits"
        return None

    def members_fault(self, p):
        count, stake = len(self.members()), sum(v.stake for v in self.members())
        if count > 1000:
            return "there are as many validators as there may be"
        if not (3 * p.threshold > 2 * count and p.threshold <= count):
            return "3T > 2N and T <= N must hold"
        if p.unclosedMax * (2 * count + 84) > CONFLICT_BYTES_MAX:
            return "the end of all conflicting requests must fit a batch"
        if not 0 < stake < 1 << 64:
            return "total stake must be above zero and below 2^64"
        return None

    def circuit_fault(self, c):
        kinds = [binding.kind for binding in c.inputs]
        if fault := self.name_fault(c.name, None, self.circuits):
            return fault
        if len(self.circuits) >= CIRCUITS_MAX:
            return "there are as many circuits as there may be"
        if any(circuit_id(c) == known.id for known in self.circuits):
            return "the circuit is registered already"
        constants = [binding.value for binding in c.inputs if binding.kind == "constant"]
        if (
            not is_verifying_key(c.verifyingKey, len(c.inputs))
            or any(int.from_bytes(value, "little") >= R for value in constants)
        ):
            return "the verifying key cannot be read, or its inputs do not fit"
        amount = {"amount", "negatedAmount", "externalDataHash"} & set(kinds)
        recipient = {"recipient", "externalDataHash"} & set(kinds)
        if not ("root" in kinds and "nullifier" in kinds and amount and recipient):
            return "the circuit leaves root, a nullifier, amount or recipient unbound"
        return key_fault(c.verifyingKey, kinds)

    # -- Events, "BatchOpened"

    def open_batch(self, e):
        self.check(e.height, self.height + 1, "batchOpened.height")
        self.check(e.time > self.time, True, "batchOpened.time is later than the batch before")
        self.check(
            e.time // DAY_MILLISECONDS - self.day <= DAYS_AHEAD_MAX,
            True,
            "batchOpened.time is at most 3,660 days ahead",
        )
        self.check(e.previousRoot, self.log.tree.root(), "batchOpened.previousRoot")
        ranked = self.proposers(e.height)
        self.check(e.proposer, ranked[e.round % len(ranked)], "batchOpened.proposer")
        proposer = self.validators[e.proposer].key
        self.check_precommits(e)
        opening = (
            encode("u64", e.height)
            + encode("u64", e.time)
            + encode("u32", e.round)
            + e.previousRoot
        )
        self.verify(proposer, e.signature, domain("batch") + self.id + opening + proposer)
        self.sealed = [self.sealed[1], self.sealed_members()]
        self.height, self.time, self.previous_root = e.height, e.time, e.previousRoot
        self.opened_at = self.index
        if self.minute != e.time // MINUTE_MILLISECONDS:
            self.minute, self.refusals = e.time // MINUTE_MILLISECONDS, {}
        self.is_open, self.is_sealing = True, False
        self.commands = self.command_bytes = self.close_bytes = self.decision_bytes = 0
        self.history("leaders", struct.pack("<BQIH", 0, e.height, e.round, e.proposer))
        while self.day < e.time // DAY_MILLISECONDS:
            self.day += 1
            for v in self.members():
                v.reputation = self.clamped(v.reputation * 9990 // 10000)
            self.emit(event("reputationDecayed", day=self.day))
        for job in self.new_jobs:
            self.assign(job)
        self.new_jobs = []

    def proposers(self, height):
        """Batch h ranks members and stakes as batch h - 2 sealed them, with the reputations now."""
        sealed = self.sealed[1]  # to be moved on by this BatchOpened
        candidates = [
            SimpleNamespace(
                index=i,
                key=self.validators[i].key,
                stake=stake,
                reputation=self.validators[i].reputation,
            )
            for i, stake in sealed.members
        ]
        seed = leader_seed(self.id, 0, encode("u64", height))
        return [c.index for c in ranking(candidates, seed, sealed.parameters)]

    def check_precommits(self, e):
        if e.height < 2:
            self.check(e.precommits, [], "batchOpened.precommits")
            self.check(e.precommitRound, 0, "batchOpened.precommitRound")
            return
        sealed = self.sealed[0]
        self.check(
            len(e.precommits), sealed.parameters.threshold, "batchOpened.precommits, their number"
        )
        members = [index for index, _ in sealed.members]
        last = -1
        slot = event("precommit", height=e.height - 1, round=e.precommitRound)
        for p in e.precommits:
            self.check(
                p.validator > last and p.validator in members,
                True,
                "precommits of members, by index",
            )
            last = p.validator
            key = self.validators[p.validator].key
            self.verify(
                key,
                p.signature,
                statement_bytes(self.id, key, slot, e.previousRoot, -1),
                "batchOpened.precommits.signature",
            )

    # -- Events, "Refusals"; State, "Rounds"

    def requestSubmitted(self, e):
        self.check(e.circuit < len(self.circuits), True, "requestSubmitted.circuit is registered")
        self.check(e.submitter < len(self.submitters), True, "requestSubmitted.submitter is listed")
        values = {
            **vars(e),
            "circuit": self.circuits[e.circuit].id,
            "submitter": self.submitters[e.submitter].key,
        }
        message = SimpleNamespace(**values)
        signed = signed_bytes("request", self.id, "RequestMessage", message)
        self.verify(message.submitter, e.signature, signed)
        self.check(self.judge_request(message, self.with_proofs), None, "refusal of the request")
        self.open_round(e, sha(signed))

    def judge_request(self, m, with_subgroup=True):
        """Why a request is refused, or None; in the documented order."""
        if sha(signed_bytes("request", self.id, "RequestMessage", m)) in self.entry_of:
            return "known"
        refusal = self.judge_submitter(m.submitter)
        if refusal:
            return refusal
        number = next((i for i, c in enumerate(self.circuits) if c.id == m.circuit), None)
        if number is None:
            return "unknownCircuit"
        inputs = self.circuits[number].inputs
        if not is_proof(m.proof, with_subgroup):
            return "malformedProof"
        bound = [
            value for value, binding in zip(m.publicInputs, inputs) if binding.kind == "nullifier"
        ]
        if (
            len(m.publicInputs) != len(inputs)
            or len(bound) != len(m.nullifiers)
            or any(int.from_bytes(v, "little") >= R for v in m.publicInputs + m.nullifiers)
        ):
            return "malformedInput"
        if not self.is_bound(m, inputs):
            return "contradictingInput"
        if len(set(m.nullifiers)) < len(m.nullifiers):
            return "repeatedNullifier"
        for value, binding in zip(m.publicInputs, inputs):
            if binding.kind == "root" and (number, value) not in self.roots:
                return "unknownRoot"
        if any(nullifier in self.nullifiers for nullifier in m.nullifiers):
            return "spentNullifier"
        if len(self.members()) < self.parameters.threshold:
            return "tooFewValidators"
        return None

    def judge_submitter(self, key):
        submitter = self.submitter_of(key)
        if submitter is None or submitter.quota == 0:
            return "unknownSubmitter"
        if submitter.undecided >= submitter.quota:
            return "quotaExceeded"
        if len(self.unclosed) + len(self.pending) >= self.parameters.unclosedMax:
            return "tooManyUnclosed"
        return None

    def is_bound(self, m, inputs):
        """Whether every public input says what the fields of the request say."""
        nullifiers = iter(m.nullifiers)
        for value, binding in zip(m.publicInputs, inputs):
            number = int.from_bytes(value, "little")
            if binding.kind == "nullifier" and value != next(nullifiers):
                return False
            if binding.kind == "amount" and number != m.amount:
                return False
            if binding.kind == "negatedAmount" and number != -m.amount % R:
                return False
            if binding.kind == "recipient" and value != m.recipient:
                return False
            if binding.kind == "externalDataHash":
                if m.amount > (1 << 63) - 1:
                    return False
                digest = sha(m.recipient + encode("i64", -m.amount))
                if number != int.from_bytes(digest, "little") % R:
                    return False
            if binding.kind == "constant" and value != binding.value:
                return False
        return True

    def after(self, milliseconds):
        """A time after batch time; there is none beyond what 64 bits hold."""
        return min(self.time + milliseconds, (1 << 64) - 1)

    def open_round(self, e, request_id):
        p = self.parameters
        pinned = [
            SimpleNamespace(index=v.index, key=v.key, stake=v.stake, reputation=v.reputation)
            for v in self.members()
        ]
        leader = ranking(pinned, leader_seed(self.id, 1, request_id), p)[0].index
        opened = event(
            "roundOpened",
            request=self.index,
            leader=leader,
            pinnedSet=pinned_digest(pinned),
            threshold=p.threshold,
            deadline=self.after(p.verificationMilliseconds),
        )
        self.requests[self.index] = SimpleNamespace(
            entry=self.index,
            id=request_id,
            request=e,
            submitter=e.submitter,
            pinned=pinned,
            opened=opened,
            settlement=p.settlementMilliseconds,
            threshold=p.threshold,
            deadline=opened.deadline,
            votes={},
            outcome=None,
            closed=False,
        )
        self.unclosed[self.index] = self.requests[self.index]
        self.entry_of[request_id] = self.index
        self.submitters[e.submitter].undecided += 1
        self.history("leaders", struct.pack("<BQH", 1, self.index, leader))
        self.emit(opened)

    # -- Events, "VoteCast" and "Refusals"

    def voteCast(self, e):
        self.check(e.request in self.requests, True, "voteCast.request is a request")
        self.check(e.validator < len(self.validators), True, "voteCast.validator is a validator")
        round = self.requests[e.request]
        message = SimpleNamespace(
            **{**vars(e), "request": round.id, "validator": self.validators[e.validator].key}
        )
        self.verify(
            message.validator, e.signature, signed_bytes("vote", self.id, "VoteMessage", message)
        )
        self.check(self.judge_vote(message), None, "refusal of the vote")
        round.votes[e.validator] = SimpleNamespace(entry=self.index, cast=e)
        if round.outcome is None:
            self.decide(round, self.index)
        if len(round.votes) == len(round.pinned) and not round.closed:
            self.close(round, "complete")

    # -- Events, "Lists of votes"

    def votesCast(self, e):
        for vote in shown_votes(e):
            self.check(vote.request in self.requests, True, "votesCast.request is a request")
        self.check(e.validator < len(self.validators), True, "votesCast.validator is a validator")
        message = SimpleNamespace(**vars(e))
        message.validator = self.validators[e.validator].key
        message.votes = [
            SimpleNamespace(**{**vars(v), "request": self.requests[v.request].id})
            if hasattr(v, "request")
            else v
            for v in e.votes
        ]
        self.check(is_list(message), True, "votesCast is a list of votes")
        self.verify(message.validator, e.signature, signed_list(self.id, message))
        self.check(self.judge_votes(message), None, "refusal of the votes")
        rounds = [self.requests[v.request] for v in shown_votes(e)]
        for round, vote in zip(rounds, shown_votes(e)):
            cast = event(
                "voteCast",
                request=round.entry,
                validator=e.validator,
                vote=vote.kind,
                reason=vote.reason,
                timestamp=e.timestamp,
                signature=e.signature,
            )
            round.votes[e.validator] = SimpleNamespace(entry=self.index, cast=cast, listed=True)
        undecided = [round.outcome is None for round in rounds]
        for round, was_undecided in zip(rounds, undecided):
            if was_undecided and round.outcome is not None:
                continue  # an approval before it has ended it
            if round.outcome is None:
                self.decide(round, self.index)
            if round.outcome and len(round.votes) == len(round.pinned) and not round.closed:
                self.close(round, "complete")

    def judge_votes(self, m):
        if not is_list(m):
            return "malformedList"
        for vote in shown_votes(m):
            one = SimpleNamespace(
                request=vote.request, validator=m.validator, vote=vote.kind, timestamp=self.time
            )
            refusal = self.judge_vote(one)
            if refusal:
                return refusal
        if abs(m.timestamp - self.time) > VOTE_LIFE_MILLISECONDS:
            return "timestamp"
        rounds = [self.requests[self.entry_of[v.request]] for v in shown_votes(m)]
        closes = sum(66 * len(r.pinned) + 128 for r in rounds)
        decisions = sum(
            41 * len(r.request.nullifiers) + 96 for r in rounds if r.outcome is None
        )
        if (
            self.close_bytes + closes > CLOSE_BYTES_MAX
            or self.decision_bytes + decisions > DECISION_BYTES_MAX
        ):
            return "batchFull"
        return None

    def judge_vote(self, m):
        round = self.requests.get(self.entry_of.get(m.request))
        if round is None:
            return "unknownRequest"
        index = next((v.index for v in round.pinned if v.key == m.validator), None)
        if index is None:
            return "notPinned"
        if index in round.votes:
            first = round.votes[index].cast.vote
            if first == m.vote:
                return "known"
            return "equivocation" if {first, m.vote} == {"approve", "reject"} else "voteChanged"
        if round.closed:
            return "roundClosed"
        if abs(m.timestamp - self.time) > VOTE_LIFE_MILLISECONDS:
            return "timestamp"
        return None

    # -- State, "Rounds"

    def tally(self, round):
        votes = [v.cast.vote for v in round.votes.values()]
        return [votes.count(vote) for vote in ENUMERATIONS["Vote"]]

    def decide(self, round, deciding, at_deadline=False):
        approvals, rejections, abstentions = self.tally(round)
        if approvals >= round.threshold:
            self.approve(round, deciding)
        elif len(round.pinned) - (rejections + abstentions) < round.threshold:
            self.decided(round, "rejected", "approvalOutOfReach", deciding)
        elif at_deadline and len(round.votes) >= round.threshold:
            self.decided(round, "rejected", "deadlineWithQuorum", deciding)
        elif at_deadline:
            self.decided(round, "timedOut", "deadlineWithoutQuorum", deciding)

    def decided(self, round, outcome, reason, deciding):
        approvals, rejections, abstentions = self.tally(round)
        round.outcome = event(
            "outcomeDecided",
            request=round.entry,
            outcome=outcome,
            reason=reason,
            approvals=approvals,
            rejections=rejections,
            abstentions=abstentions,
            deciding=deciding,
            margin=approvals - round.threshold,
            time=self.time,
        )
        self.submitters[round.submitter].undecided -= 1
        self.decision_bytes += 41 * len(round.request.nullifiers) + 96
        self.outcome_leaf(round)
        self.emit(round.outcome)

    def approve(self, round, deciding):
        self.decided(round, "approved", "quorumApproved", deciding)
        for nullifier in round.request.nullifiers:
            self.nullifiers[nullifier] = round.entry
            self.nullifier_changed("nullifierSpent", round.entry, nullifier)
        order = event(
            "settlementOrdered",
            request=round.entry,
            recipient=round.request.recipient,
            amount=round.request.amount,
            leader=round.opened.leader,
            nextTurn=self.after(round.settlement),
        )
        self.pending[round.entry] = order
        self.entry_leaf("outbox", order)
        self.emit(order)
        for other in self.open_rounds():
            if other.outcome is None and set(other.request.nullifiers) & set(
                round.request.nullifiers
            ):
                self.decided(other, "rejected", "nullifierSpent", deciding)
                self.close(other, "nullifierSpent")

    def open_rounds(self):
        return [self.requests[entry] for entry in self.unclosed if entry in self.requests]

    def open_jobs(self):
        return [self.jobs[entry] for entry in self.unclosed if entry in self.jobs]

    def nullifier_changed(self, kind, request, nullifier):
        changed = event(kind, request=request, nullifier=nullifier)
        self.entry_leaf("nullifiers", changed)
        self.emit(changed)

    # -- State, "Closing a round"

    def clamped(self, reputation):
        return min(max(reputation, self.parameters.reputationMin), self.parameters.reputationMax)

    def change_reputation(self, index, cause, about):
        v = self.validators[index]
        before, v.reputation = v.reputation, self.clamped(v.reputation + CHANGE[cause])
        self.emit(
            event(
                "reputationChanged",
                validator=index,
                cause=cause,
                about=about,
                before=before,
                after=v.reputation,
            )
        )

    def close(self, round, cause):
        approvals, rejections, abstentions = self.tally(round)
        if len({v.cast.vote for v in round.votes.values()}) > 1:
            sides = [
                SimpleNamespace(
                    validators=[
                        p.index
                        for p in round.pinned
                        if p.index in round.votes and round.votes[p.index].cast.vote == vote
                    ]
                )
                for vote in ENUMERATIONS["Vote"]
            ]
            self.emit(event("disagreementRecorded", about=round.entry, sides=sides))
        count, outcome = len(round.pinned), round.outcome
        enough = max(count - round.threshold, (count - 1) // 3) + 1
        right = None
        if outcome.outcome == "approved":
            right = "approve"
        elif (
            outcome.outcome == "rejected"
            and outcome.reason != "nullifierSpent"
            and rejections >= enough
        ):
            right = "reject"
        for p in round.pinned:
            vote = round.votes.get(p.index)
            if vote is None:
                if cause == "deadline":
                    self.change_reputation(p.index, "missed", round.entry)
            elif right and vote.cast.vote == right:
                self.change_reputation(p.index, "correct", round.entry)
                if vote.entry <= outcome.deciding:
                    self.change_reputation(p.index, "bonus", round.entry)
            elif right and vote.cast.vote != "abstain":
                self.change_reputation(p.index, "incorrect", round.entry)
        round.closed = True
        del self.unclosed[round.entry]
        if cause != "nullifierSpent":
            self.close_bytes += 66 * count + 128
        closed = event("roundClosed", about=round.entry, cause=cause)
        self.close_leaf(round, closed)
        self.emit(closed)

    def reach_deadlines(self):
        """State, "Closing a round": what is due by batch time, in order of entries."""
        for about in list(self.unclosed):
            if self.close_bytes >= CLOSE_BYTES_MAX:
                break  # the rest in the next batch
            if about in self.requests:
                round = self.requests[about]
                if self.time >= round.deadline:
                    if round.outcome is None:
                        self.decide(round, self.opened_at, at_deadline=True)
                    self.close(round, "deadline")
            else:
                job = self.jobs[about]
                if job.assigned and self.time >= job.assigned.deadline:
                    if job.decision is None:
                        self.job_decided(job, "timedOut", None, self.opened_at)
                    self.close_job(job, "deadline")

    # -- State, "Jobs"

    def jobSubmitted(self, e):
        self.check(e.submitter < len(self.submitters), True, "jobSubmitted.submitter is listed")
        message = SimpleNamespace(**{**vars(e), "submitter": self.submitters[e.submitter].key})
        signed = signed_bytes("job", self.id, "JobMessage", message)
        self.verify(message.submitter, e.signature, signed)
        self.check(self.judge_job(message), None, "refusal of the job")
        job = SimpleNamespace(
            entry=self.index,
            id=sha(signed),
            job=e,
            submitter=e.submitter,
            assigned=None,
            results={},
            decision=None,
            closed=False,
        )
        self.jobs[self.index] = job
        self.unclosed[self.index] = job
        self.entry_of[job.id] = self.index
        self.submitters[e.submitter].undecided += 1
        self.new_jobs.append(job)

    def judge_job(self, m):
        if sha(signed_bytes("job", self.id, "JobMessage", m)) in self.entry_of:
            return "known"
        refusal = self.judge_submitter(m.submitter)
        if refusal:
            return refusal
        if not (
            m.fuel
            and m.memoryBytes
            and m.moduleBytes
            and m.engine
            and m.milliseconds <= DAY_MILLISECONDS
        ):
            return "jobLimits"
        p = self.parameters
        if (
            m.fuel > p.jobFuelMax
            or m.memoryBytes > p.jobMemoryBytesMax
            or m.inputBytes > p.jobInputBytesMax
            or m.moduleBytes > p.jobModuleBytesMax
        ):
            return "jobOverBounds"
        if 0 < m.milliseconds < p.jobMillisecondsMin:
            return "jobDeadline"
        if len(self.members()) < JOB_VALIDATORS:
            return "tooFewValidators"
        return None

    def assign(self, job):
        p = self.parameters
        ranked = ranking(self.members(), leader_seed(self.id, 2, job.id + self.previous_root), p)
        drawn = [v.index for v in ranked[:JOB_VALIDATORS]]
        asked = max(job.job.milliseconds, p.jobMillisecondsMin)
        allowed = min(asked, p.jobMilliseconds) if job.job.milliseconds else p.jobMilliseconds
        job.assigned = event(
            "jobAssigned", job=job.entry, validators=drawn, deadline=self.after(allowed)
        )
        for index in drawn:
            self.history("leaders", struct.pack("<BQH", 2, job.entry, index))
        self.emit(job.assigned)

    def resultReported(self, e):
        self.check(e.job in self.jobs, True, "resultReported.job is a job")
        self.check(
            e.validator < len(self.validators), True, "resultReported.validator is a validator"
        )
        job = self.jobs[e.job]
        message = SimpleNamespace(
            **{**vars(e), "job": job.id, "validator": self.validators[e.validator].key}
        )
        self.verify(
            message.validator,
            e.signature,
            signed_bytes("result", self.id, "ResultMessage", message),
        )
        self.check(self.judge_result(message), None, "refusal of the result")
        job.results[e.validator] = SimpleNamespace(entry=self.index, report=e)
        if job.decision is None:
            self.decide_job(job)
        if len(job.results) == len(job.assigned.validators):
            self.close_job(job, "complete")

    def judge_result(self, m):
        job = self.jobs.get(self.entry_of.get(m.job))
        if job is None:
            return "unknownJob"
        drawn = [self.validators[i].key for i in job.assigned.validators] if job.assigned else []
        if m.validator not in drawn:
            return "notDrawn"
        index = self.validator_of(m.validator).index
        if index in job.results:
            return (
                "known"
                if result_value(job.results[index].report) == result_value(m)
                else "resultChanged"
            )
        if job.closed:
            return "roundClosed"
        return None

    def groups(self, job):
        """Validators with equal results, by lowest index."""
        groups = {}
        for index in sorted(job.results):
            value = result_value(job.results[index].report)
            groups.setdefault(value, []).append(index)
        return list(groups.values())

    def decide_job(self, job):
        counted = [
            g for g in self.groups(job) if job.results[g[0]].report.status.kind != "abstained"
        ]
        best = max(counted, key=len, default=[])
        waiting = len(job.assigned.validators) - len(job.results)
        if len(best) >= JOB_AGREE:
            self.job_decided(job, "agreed", job.results[best[0]].report, self.index)
        elif len(best) + waiting < JOB_AGREE:
            self.job_decided(job, "disagreed", None, self.index)

    def job_decided(self, job, decision, result, deciding):
        status = result.status if result else SimpleNamespace(kind="abstained", code=0)
        job.decision = event(
            "jobDecided",
            job=job.entry,
            decision=decision,
            status=status,
            output=result.output if result else NO_OUTPUT,
            deciding=deciding,
            time=self.time,
        )
        self.submitters[job.submitter].undecided -= 1
        self.entry_leaf("jobs", job.decision)
        self.emit(job.decision)

    def close_job(self, job, cause):
        groups, decision = self.groups(job), job.decision
        if len(groups) > 1:
            self.emit(
                event(
                    "disagreementRecorded",
                    about=job.entry,
                    sides=[SimpleNamespace(validators=group) for group in groups],
                )
            )
        for index in sorted(job.assigned.validators):
            result = job.results.get(index)
            if result is None:
                self.change_reputation(index, "missed", job.entry)
            elif decision.decision == "agreed":
                if result_value(result.report) == result_value(decision):
                    self.change_reputation(index, "correct", job.entry)
                    if result.entry <= decision.deciding:
                        self.change_reputation(index, "bonus", job.entry)
                elif result.report.status.kind != "abstained":
                    self.change_reputation(index, "incorrect", job.entry)
        job.closed = True
        del self.unclosed[job.entry]
        self.close_bytes += 66 * len(job.assigned.validators) + 128
        closed = event("roundClosed", about=job.entry, cause=cause)
        self.close_job_leaf(job, closed)
        self.emit(closed)

    # -- State, "Settlements"

    def settlementReported(self, e):
        self.check(e.request in self.requests, True, "settlementReported.request is a request")
        message = SimpleNamespace(
            **{**vars(e), "request": self.requests[e.request].id, "bridge": self.bridge}
        )
        self.verify(
            self.bridge,
            e.signature,
            signed_bytes("settlement", self.id, "SettlementMessage", message),
        )
        self.check(self.judge_settlement(message), None, "refusal of the settlement report")
        self.settlements[e.request] = e
        del self.pending[e.request]
        self.entry_leaf("outbox", e)
        if e.result == "failed":
            for nullifier in self.requests[e.request].request.nullifiers:
                del self.nullifiers[nullifier]
                self.nullifier_changed("nullifierReleased", e.request, nullifier)

    def judge_settlement(self, m):
        if m.bridge != self.bridge:
            return "wrongBridge"
        entry = self.entry_of.get(m.request)
        if entry not in self.requests:
            return "unknownRequest"
        if entry in self.settlements:
            return "known" if self.settlements[entry].result == m.result else "settlementReported"
        if entry not in self.pending:
            return "noSettlement"
        return None

    # -- Events, "Batches and changes"

    def governanceApproved(self, e):
        self.check(e.number, self.next_number, "governanceApproved.number")
        signed = domain("change") + self.id + encode("u64", e.number) + encode("Change", e.change)
        last = -1
        for s in e.signatures:
            self.check(s.validator > last, True, "governanceApproved.signatures by index")
            last = s.validator
            self.check(
                last < len(self.validators) and self.validators[last].member,
                True,
                "governanceApproved.signatures of members",
            )
            self.verify(
                self.validators[last].key,
                s.signature,
                signed,
                "governanceApproved.signatures.signature",
            )
        self.check(
            len(e.signatures) >= self.parameters.threshold, True, "signatures of T validators"
        )
        self.next_number += 1
        getattr(self, e.change.kind)(e.change)

    def validatorJoined(self, c):
        self.check(is_key(c.key), True, "change.key is a valid point")
        v = self.validator_of(c.key)
        self.check(v is None or not v.member, True, "change.key is no validator yet")
        own = None if v is None else v.name
        self.check(self.name_fault(c.name, own, self.validators), None, "change.name")
        self.join(c.key, c.name, c.stake)
        self.check(self.members_fault(self.parameters), None, "change")

    def validatorLeft(self, c):
        v = self.validator_of(c.key)
        self.check(v is not None and v.member, True, "change.key is a validator")
        v.member = False
        v.terms[-1] = (v.terms[-1][0], self.height)
        self.check(self.members_fault(self.parameters), None, "change")

    def stakeChanged(self, c):
        v = self.validator_of(c.key)
        self.check(v is not None and v.member, True, "change.key is a validator")
        v.stake = c.stake
        self.check(self.members_fault(self.parameters), None, "change")

    def parametersChanged(self, c):
        self.check(self.parameters_fault(c.parameters), None, "change.parameters")
        self.check(self.members_fault(c.parameters), None, "change.parameters")
        self.parameters = c.parameters

    def circuitRegistered(self, c):
        self.check(self.circuit_fault(c.circuit), None, "change.circuit")
        self.register(c.circuit)

    def rootPublished(self, c):
        self.check(c.circuit < len(self.circuits), True, "change.circuit is registered")
        self.check((c.circuit, c.root) in self.roots, False, "change.root is published")
        self.check(int.from_bytes(c.root, "little") < R, True, "root below the group order")
        self.publish(c.circuit, c.root)

    def submitterListed(self, c):
        self.check(is_key(c.key), True, "change.key is a valid point")
        self.check(c.quota <= QUOTA_MAX, True, "change.quota is at most 100,000")
        submitter = self.submitter_of(c.key)
        own = None if submitter is None else submitter.name
        self.check(self.name_fault(c.name, own, self.submitters), None, "change.name")
        if submitter:
            submitter.quota = c.quota
        else:
            self.check(len(self.submitters) < SUBMITTERS_MAX, True, "at most 10,000 submitters")
            self.list_submitter(c)

    # -- Events, "EvidenceSubmitted"

    def evidenceSubmitted(self, e):
        slot, name = e.slot, "evidenceSubmitted"
        if slot.kind == "settlement":
            self.check(e.validator, BRIDGE, f"{name}.validator is the bridge")
            key = self.bridge
            ordered = slot.request in self.pending or slot.request in self.settlements
            self.check(ordered, True, f"{name}.slot is an ordered settlement")
        else:
            known = e.validator < len(self.validators)
            self.check(known, True, f"{name}.validator was a validator")
            key = self.validators[e.validator].key
        if slot.kind == "vote":
            self.check(slot.request in self.requests, True, f"{name}.slot is a request")
            pinned = [p.index for p in self.requests[slot.request].pinned]
            self.check(e.validator in pinned, True, f"{name}.validator is pinned")
        elif slot.kind == "result":
            self.check(slot.job in self.jobs, True, f"{name}.slot is a job")
            drawn = getattr(self.jobs[slot.job].assigned, "validators", [])
            self.check(e.validator in drawn, True, f"{name}.validator was drawn")
        elif hasattr(slot, "height"):
            self.check(self.orders(e.validator, slot.height), True, f"{name}.validator orders it")
        for which in "first", "second":
            statement = getattr(e, which)
            signed = self.evidence_bytes(key, slot, statement, which)
            self.check(signed is not None, True, f"{name}.{which} is about the slot")
            self.verify(key, statement.signature, signed, f"{name}.{which}.signature")
        self.check(
            self.contradicts(slot, e.first, e.second), True, f"{name} contradicts itself"
        )
        about = {"checkpoint": 0}.get(slot.kind)
        for field in "request", "job", "height":
            about = getattr(slot, field, about)
        found_already = (e.validator, slot.kind, about) in self.convictions
        self.check(found_already, False, f"{name} was found already")
        self.convictions.add((e.validator, slot.kind, about))
        found = event("equivocationFound", validator=e.validator, slot=slot)
        self.entry_leaf("evidence", found)
        self.emit(found)
        if e.validator != BRIDGE:
            self.change_reputation(e.validator, "equivocation", self.index)

    def orders(self, index, height):
        """Those who order a height are the members that the batch two before it sealed."""
        if not 1 <= height <= self.height:
            return False
        sealed = max(height - 2, 0)
        return any(
            joined <= sealed and (left is None or left > sealed)
            for joined, left in self.validators[index].terms
        )

    def evidence_bytes(self, key, slot, statement, which):
        """What a statement of an evidence signs; None where it is not about the slot."""
        kind = slot.kind if slot.kind in ("vote", "result", "checkpoint", "settlement") else None
        if statement.kind not in (kind or "consensus", "listedVote" if kind == "vote" else ""):
            return None
        message = SimpleNamespace(**vars(statement))
        if kind == "vote":
            message.request, message.validator = self.requests[slot.request].id, key
            if statement.kind == "listedVote":
                return signed_along(self.id, message, statement.path)
            return signed_bytes("vote", self.id, "VoteMessage", message)
        if kind == "result":
            message.job, message.validator = self.jobs[slot.job].id, key
            return signed_bytes("result", self.id, "ResultMessage", message)
        if kind == "settlement":
            message.request, message.bridge = self.requests[slot.request].id, key
            return signed_bytes("settlement", self.id, "SettlementMessage", message)
        if kind == "checkpoint":
            root = base64.b64encode(statement.root).decode()
            text = f"recount/{self.id.hex()}\n{slot.size}\n{root}\n"
            if statement.seconds is not None:
                text = f"cosignature/v1\ntime {statement.seconds}\n{text}"
            return text.encode()
        if slot.kind == "amnesia":
            phase = "precommit" if which == "first" else "prevote"
            slot = event(phase, height=slot.height, round=getattr(slot, phase))
        return statement_bytes(self.id, key, slot, statement.value, statement.validRound)

    def contradicts(self, slot, first, second):
        if slot.kind == "vote":
            return {first.vote, second.vote} == {"approve", "reject"}
        if slot.kind == "result":
            said = [(s.status.kind, s.status.code, s.output) for s in (first, second)]
            return said[0] != said[1] and "abstained" not in (said[0][0], said[1][0])
        if slot.kind == "checkpoint":
            return first.root != second.root
        if slot.kind == "settlement":
            return first.result != second.result
        if slot.kind == "amnesia":
            locked, prevoted = first.value, second.value
            return (
                slot.precommit < slot.prevote
                and None not in (locked, prevoted)
                and locked != prevoted
                and second.validRound < slot.precommit
            )
        if slot.kind == "proposal":
            return (first.value, first.validRound) != (second.value, second.validRound)
        return first.value != second.value

    # -- Events, "ValidatorAnnounced"

    def validatorAnnounced(self, e):
        self.check(
            e.validator < len(self.validators), True, "validatorAnnounced.validator is one"
        )
        message = SimpleNamespace(
            **{**vars(e), "validator": self.validators[e.validator].key}
        )
        self.verify(
            message.validator,
            e.signature,
            signed_bytes("announcement", self.id, "AnnouncementMessage", message),
        )
        self.check(self.judge_announcement(message), None, "refusal of the announcement")
        self.validators[e.validator].announced = SimpleNamespace(
            announcement=e.announcement, time=self.time
        )

    def judge_announcement(self, m):
        v, said = self.validator_of(m.validator), m.announcement
        if v is None or not v.member:
            return "notValidator"
        if v.announced:
            if v.announced.announcement == said:
                return "known"
            if said.number <= v.announced.announcement.number:
                return "numberNotHigher"
        if not said.program:
            return "malformedAnnouncement"
        if v.announced and v.announced.time // MINUTE_MILLISECONDS == self.minute:
            return "announcedOften"
        return None

    # -- Events, "MessageRefused"

    def messageRefused(self, e):
        m = e.message.message
        judges = {
            "request": ("submitter", self.judge_request),
            "vote": ("validator", self.judge_vote),
            "votes": ("validator", self.judge_votes),
            "job": ("submitter", self.judge_job),
            "result": ("validator", self.judge_result),
            "settlement": ("bridge", self.judge_settlement),
            "announcement": ("validator", self.judge_announcement),
        }
        self.check(e.message.kind in judges, True, "messageRefused.message has a sender")
        sender, judge = judges[e.message.kind]
        sender = getattr(m, sender)
        is_party = self.validator_of(sender) or self.submitter_of(sender) or sender == self.bridge
        self.check(bool(is_party), True, "messageRefused.message of a party of the ledger")
        name = e.message.kind
        if name == "votes":
            self.check(is_list(m), True, "messageRefused.message is signed")
            signed = signed_list(self.id, m)
        else:
            signed = signed_bytes(name, self.id, name.title() + "Message", m)
        self.verify(sender, m.signature, signed, "messageRefused.message.signature")
        refusal = judge(m)
        self.check(refusal in (None, "known"), False, "messageRefused.message is refused")
        self.check(e.refusal, refusal, "messageRefused.refusal")
        count = self.refusals.get(sender, 0) + 1
        self.check(
            count <= self.parameters.refusalsPerMinute, True, "refusals of one sender in a minute"
        )
        self.refusals[sender] = count

    # -- State, "Components"

    def history(self, component, record):
        self.histories[component].append(record)

    def outcome_leaf(self, round):
        self.history(
            "outcomes",
            encode("Event", round.outcome)
            + round.id
            + encode("[32]", round.request.nullifiers)
            + encode("[u16]", [p.index for p in round.pinned]),
        )

    def close_leaf(self, round, closed):
        votes = [round.votes.get(p.index) for p in round.pinned]
        self.history(
            "outcomes",
            encode("Event", closed)
            + encode("[?Vote]", [vote and vote.cast.vote for vote in votes]),
        )

    def close_job_leaf(self, job, closed):
        drawn = job.assigned.validators
        results = [job.results.get(index) for index in drawn]
        values = [result_value(r.report) if r else bytes(32) for r in results]
        self.history(
            "jobs",
            encode("Event", closed) + job.id + encode("[u16]", drawn) + encode("[32]", values),
        )

    def entry_leaf(self, component, entry):
        """The entry with its tag, as it stands in the log."""
        self.history(component, encode("Event", entry))

    def borsh(self, value):
        """Borsh of an event without its tag."""
        return encode("Event", value)[1:]

    def optional(self, value):
        return b"\x01" + self.borsh(value) if value else b"\x00"

    def cast(self, vote_or_result, of):
        """An optional vote or result with its entry."""
        if vote_or_result is None:
            return b"\x00"
        flag = b"\x02" if getattr(vote_or_result, "listed", False) else b"\x01"
        return (
            flag + encode("u64", vote_or_result.entry) + self.borsh(getattr(vote_or_result, of))
        )

    def history_fields(self, name):
        return encode("u64", self.histories[name].size) + self.histories[name].root()

    def parameters_fields(self):
        return (
            self.id
            + encode("text", self.name)
            + self.bridge
            + encode("Parameters", self.parameters)
            + encode("u64", self.next_number)
        )

    def validators_fields(self):
        out = encode("u32", len(self.validators))
        for v in self.validators:
            out += v.key + encode("text", v.name)
            out += struct.pack("<QQB", v.stake, v.reputation, v.member)
            out += encode("u32", len(v.terms))
            out += b"".join(encode("u64", a) + encode("?u64", b) for a, b in v.terms)
            out += encode("?RecordedAnnouncement", v.announced)
        out += encode("u64", self.day)
        for sealed in self.sealed:
            out += encode("u32", len(sealed.members))
            out += b"".join(struct.pack("<HQ", *member) for member in sealed.members)
            out += encode("Parameters", sealed.parameters)
        return out

    def submitters_fields(self):
        out = encode("u32", len(self.submitters))
        for s in self.submitters:
            out += s.key + encode("text", s.name) + struct.pack("<II", s.quota, s.undecided)
        out += encode("u64", self.minute) + encode("u32", len(self.refusals))
        return out + b"".join(
            key + encode("u32", count) for key, count in sorted(self.refusals.items())
        )

    def circuits_fields(self):
        return self.history_fields("circuits")

    def roots_fields(self):
        return self.history_fields("roots")

    def rounds_fields(self):
        rounds = self.open_rounds()
        out = encode("u32", len(rounds))
        for r in rounds:
            out += encode("u64", r.entry) + r.id + r.request.signature + self.borsh(r.opened)
            out += encode("u64", r.settlement) + encode("u32", len(r.pinned))
            out += b"".join(self.cast(r.votes.get(p.index), "cast") for p in r.pinned)
            out += self.optional(r.outcome)
        return out

    def outcomes_fields(self):
        return self.history_fields("outcomes")

    def nullifiers_fields(self):
        return self.history_fields("nullifiers")

    def leaders_fields(self):
        return self.history_fields("leaders")

    def jobs_fields(self):
        jobs = self.open_jobs()
        out = self.history_fields("jobs") + encode("u32", len(jobs))
        for j in jobs:
            drawn = j.assigned.validators if j.assigned else []
            out += encode("u64", j.entry) + j.id + j.job.signature + self.optional(j.assigned)
            out += encode("u32", len(drawn))
            out += b"".join(self.cast(j.results.get(index), "report") for index in drawn)
            out += self.optional(j.decision)
        return out

    def evidence_fields(self):
        return self.history_fields("evidence")

    def outbox_fields(self):
        out = self.history_fields("outbox") + encode("u32", len(self.pending))
        return out + b"".join(encode("u64", request) for request in sorted(self.pending))

    def time_fields(self):
        return (
            encode("u64", self.height)
            + encode("u64", self.time)
            + self.previous_root
            + encode("u64", self.opened_at)
            + encode("u64", self.log.tree.size)
        )

    def component_root(self, name):
        return sha(domain("component") + encode("text", name) + getattr(self, f"{name}_fields")())

    def seal(self, e):
        """Compares BatchSealed, component by component, with the state of the fold."""
        self.check(e.kind, "batchSealed", "event")
        self.check(e.height, self.height, "batchSealed.height")
        self.check(e.size, self.log.tree.size, "batchSealed.size")
        self.check(e.root, self.log.tree.root(), "batchSealed.root")
        roots = [self.component_root(name) for name in COMPONENTS]
        for name, root, stated in zip(COMPONENTS, roots, e.components):
            self.check(stated, root, f"batchSealed.components.{name}")
        combined = b"".join(encode("text", name) + root for name, root in zip(COMPONENTS, roots))
        self.check(e.stateRoot, sha(domain("state") + combined), "batchSealed.stateRoot")
        self.state_root, self.component_roots = e.stateRoot, roots
        self.is_open = False


# --------------------------------------------------------------------------------
# Snapshots, "The file" and "The fixed part": all of it follows from the state, so it is made again.

CHUNK_BYTES_MAX = 1 << 20
SNAPSHOT_HISTORIES = "roots outcomes nullifiers jobs evidence outbox".split()


def snapshot_parts(ledger):
    """The snapshot after the last batch: header, fixed part, and the chunks of each history."""
    fixed = fixed_part(ledger)
    tree = ledger.log.tree
    header = ledger.id + struct.pack("<QQ", ledger.height, tree.size) + tree.root()
    header += b"".join(ledger.component_roots) + encode("u64", len(fixed)) + b"".join(tree.peaks)
    body = []
    for name in SNAPSHOT_HISTORIES:
        records = ledger.histories[name].records
        chunks = [b""] if records else []
        for record in records:
            if len(chunks[-1]) + 2 + len(record) > CHUNK_BYTES_MAX:
                chunks.append(b"")
            chunks[-1] += encode("u16", len(record)) + record
        header += struct.pack("<QI", len(records), len(chunks))
        header += b"".join(encode("u32", len(chunk)) for chunk in chunks)
        body.append((f"history of {name}", b"".join(chunks)))
    header = struct.pack("<4sHHQ", b"RCSN", 1, 0, 16 + len(header) + 8) + header
    return [("header", header + checksum(header)), ("fixed part", fixed), *body]


def fixed_part(ledger):
    out = ledger.parameters_fields() + ledger.validators_fields() + ledger.submitters_fields()
    out += encode("[Circuit]", [c.circuit for c in ledger.circuits])
    rounds = ledger.open_rounds()
    out += encode("u32", len(rounds))
    for r in rounds:
        out += encode("u64", r.entry) + ledger.borsh(r.request) + encode("u32", len(r.pinned))
        out += b"".join(
            struct.pack("<H32sQQ", p.index, p.key, p.stake, p.reputation) for p in r.pinned
        )
        out += ledger.borsh(r.opened) + encode("u64", r.settlement) + encode("u32", len(r.pinned))
        out += b"".join(ledger.cast(r.votes.get(p.index), "cast") for p in r.pinned)
        out += ledger.optional(r.outcome)
    leaders = ledger.histories["leaders"]
    out += encode("u64", leaders.size) + encode("[32]", leaders.peaks)
    jobs = ledger.open_jobs()
    out += encode("u32", len(jobs))
    for j in jobs:
        drawn = j.assigned.validators if j.assigned else []
        out += encode("u64", j.entry) + ledger.borsh(j.job) + ledger.optional(j.assigned)
        out += encode("u32", len(drawn))
        out += b"".join(ledger.cast(j.results.get(index), "report") for index in drawn)
        out += ledger.optional(j.decision)
    out += encode("[u64]", sorted(ledger.pending))
    return (
        out
        + struct.pack("<QQ", ledger.height, ledger.time)
        + ledger.previous_root
        + struct.pack("<QQ", ledger.opened_at, ledger.log.tree.size)
    )


def check_snapshot(path, ledger):
    """Compares a snapshot, part by part, with what the state after its batch makes."""
    data = path.read_bytes()
    require(len(data) >= 24, path, "no header")
    magic, version, zero, length = struct.unpack_from("<4sHHQ", data)
    require(magic == b"RCSN" and version == 1 and zero == 0, path, "offset 0: magic, version, zero")
    require(24 <= length <= len(data), path, f"offset 8: {length} bytes of header")
    require(
        checksum(data[: length - 8]) == data[length - 8 : length], path, "checksum of the header"
    )
    offset = 0
    for name, expected in snapshot_parts(ledger):
        found = data[offset : offset + len(expected)]
        if found != expected:
            at = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), len(found))
            raise Difference(
                ledger.index - 1,
                f"{path}, offset {offset + at}, in the {name}",
                expected[at : at + 16],
                found[at : at + 16],
            )
        offset += len(expected)
    require(offset == len(data), path, f"{len(data) - offset} bytes too many")


# --------------------------------------------------------------------------------
# Checkpoints, "The note"

NOTE_BYTES_MAX = 294_912
NOTE_SIGNATURES_MAX = 1100


def key_hash(name, kind, key):
    return sha(name.encode() + b"\n" + bytes([kind]) + key)[:4]


def check_checkpoint(path, ledger):
    """Checks a note's text against the log, and each of its signatures; returns who cosigned."""
    data = path.read_bytes()
    require(len(data) <= NOTE_BYTES_MAX, path, f"{len(data)} bytes are too many for a note")
    try:
        text, separator, lines = data.decode("utf-8").rpartition("\n\n")
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: not UTF-8") from None
    require(
        separator and lines.endswith("\n"), path, "a note is a text, an empty line and signatures"
    )
    text += "\n"
    origin = f"recount/{ledger.id.hex()}"
    tree = ledger.log.tree
    expected = f"{origin}\n{tree.size}\n{base64.b64encode(tree.root()).decode()}\n"
    if text != expected:
        raise Difference(ledger.index - 1, f"{path}, text", repr(expected), repr(text))
    lines = lines[:-1].split("\n")
    require(len(lines) <= NOTE_SIGNATURES_MAX, path, f"{len(lines)} signatures are too many")
    makers, cosigners = [], []
    for number, line in enumerate(lines):
        place = f"{path}, signature {number + 1}"
        match = re.fullmatch(r"\u2014 (\S+) (\S+)", line)
        require(match, place, "a signature is a dash, a name and base64")
        name, encoded = match.groups()
        try:
            blob = base64.b64decode(encoded, validate=True)
        except ValueError:
            raise Unreadable(f"{place}: not base64") from None
        require(base64.b64encode(blob).decode() == encoded, place, "not canonical base64")
        keys = [v.key for v in ledger.validators]
        if name == origin:
            require(len(blob) == 68, place, f"{len(blob)} bytes instead of 68")
            signer = next((key for key in keys if key_hash(name, 1, key) == blob[:4]), None)
            require(signer is not None, place, "a signature of a validator")
            require(signer not in makers, place, "a second signature of one key as the log")
            ledger.verify(signer, blob[4:], text.encode(), place)
            makers.append(signer)
        else:
            if not re.fullmatch(re.escape(origin) + "/[0-9a-f]{64}", name):
                ledger.log.notes.append(f"{place}: {name} is unknown here, and says nothing")
                continue
            signer = bytes.fromhex(name[-64:])
            if signer not in keys:
                ledger.log.notes.append(f"{place}: {name} is no validator")
            require(len(blob) == 76, place, f"{len(blob)} bytes instead of 76")
            require(key_hash(name, 4, signer) == blob[:4], place, "the hash of the key")
            require(signer not in cosigners, place, "a second cosignature of one key")
            seconds = int.from_bytes(blob[4:12], "big")
            ledger.verify(
                signer, blob[12:], f"cosignature/v1\ntime {seconds}\n{text}".encode(), place
            )
            cosigners.append(signer)
    require(makers, path, "no signature of the one who made it")


# --------------------------------------------------------------------------------
# Checkpoints, "Precommits": those of the last batch stand in no batch of the log yet.

PRECOMMITS_BYTES_MAX = 128 << 10


def precommit_files(folder):
    """What the files of precommits hold, by path; a node that runs may remove one meanwhile."""
    contents = {}
    for path in numbered(folder, "precommits").values():
        try:
            with open(path, "rb") as file:
                contents[path] = file.read(PRECOMMITS_BYTES_MAX + 1)
        except FileNotFoundError:
            pass
    return contents


def read_precommits(path, data):
    require(48 <= len(data) <= PRECOMMITS_BYTES_MAX, path, f"{len(data)} bytes")
    magic, version, zero, length = struct.unpack_from("<4sHHQ", data)
    require(magic == b"RCPC" and version == 1 and zero == 0, path, "offset 0: magic, version, zero")
    require(length == len(data), path, f"offset 8: {length} bytes of {len(data)}")
    require(sha(data[:-32]) == data[-32:], path, "the hash at the end")
    try:
        found = decode("Precommits", data[16:-32])
    except Undecodable as problem:
        raise Unreadable(f"{path}: {problem}") from None
    require(found.height == int(path.name[:20]), path, f"height {found.height}")
    return found


def are_signed(found, sealed, ledger):
    """Whether T of these members gave all these precommits, by index."""
    signers = [s.validator for s in found.signatures]
    if signers != sorted(set(signers)) or len(signers) < sealed.parameters.threshold:
        return False
    if not set(signers) <= {index for index, _ in sealed.members}:
        return False
    slot = event("precommit", height=found.height, round=found.round)
    keys = [ledger.validators[s.validator].key for s in found.signatures]
    ledger.signatures += len(keys)
    return all(
        is_signed(key, s.signature, statement_bytes(ledger.id, key, slot, found.root, -1))
        for key, s in zip(keys, found.signatures)
    )


def check_quorum(before, after, ledger):
    """Whether T who ordered the last batch precommitted to it; raises where T did to another.

    `before` and `after` are the files as they stood before and after the log was read: those that
    a running node wrote in between may only show something.
    """
    tree, notes = ledger.log.tree, ledger.log.notes
    shown = ledger.height == 0  # its hash is the ledger's name
    for path, data in before.items():
        try:
            found = read_precommits(path, data)
        except Unreadable as problem:
            notes.append(f"precommits were not looked at: {problem}")
            continue
        if found.height == ledger.height:
            if not are_signed(found, ledger.sealed[0], ledger):
                notes.append(f"{path} says nothing: no T precommits of those who ordered the batch")
            elif found.root == tree.root():
                shown = True
            else:
                raise Difference(
                    ledger.index - 1, f"{path}: the root after the batch", found.root, tree.root()
                )
        elif found.height > ledger.height:
            # Those of a batch are kept before the batch itself: one more is no contradiction.
            if found.height > ledger.height + 1 and are_signed(found, ledger.sealed[1], ledger):
                raise Difference(
                    ledger.index, f"{path}: the last batch", found.height, ledger.height
                )
            notes.append(f"{path} is of a batch that the log lacks: interrupted, or cut")
    for path, data in after.items():
        try:
            found = read_precommits(path, data)
        except Unreadable:
            continue
        if found.height == ledger.height and found.root == tree.root():
            shown = shown or are_signed(found, ledger.sealed[0], ledger)
    return shown


# --------------------------------------------------------------------------------
# Cases: what a node kept when it derived something else than T validators agreed on. The state
# before the batch is made from the case, and both sides are recounted on it.

CASE_BYTES_MAX = 192 << 20
RECORD_BYTES_MAX = 65_535
CASE_ENTRIES_MAX = 1 << 20


def blobs_of(decoder, most):
    at, count = decoder.offset, decoder.read("u32")
    if count > most:
        raise Undecodable(f"offset {at}: {count}, above {most}")
    return [decoder.read(f"bytes<{RECORD_BYTES_MAX}") for _ in range(count)]


class Case:
    """Cases, "The file" and "The contents", as far as a recount needs them."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read(CASE_BYTES_MAX + 1)
        require(48 <= len(data) <= CASE_BYTES_MAX, path, f"{len(data)} bytes")
        magic, version, zero, length = struct.unpack_from("<4sHHQ", data)
        is_case = magic == b"RCDC" and version == 1 and zero == 0
        require(is_case, path, "offset 0: magic, version, zero")
        require(length == len(data), path, f"offset 8: {length} bytes of {len(data)}")
        require(sha(data[:-32]) == data[-32:], path, "the hash at the end")
        try:
            self.read(Decoder(data[16:-32]))
        except Undecodable as problem:
            raise Unreadable(f"{path}: {problem}") from None

    def read(self, decoder):
        self.ledger = decoder.read("32")
        decoder.read("32"), decoder.read("text<32"), decoder.read("u64")
        decoder.read("Versions")
        self.divergence = decoder.read("Divergence")
        self.tree = decoder.read("FixedTree")
        self.seal = decoder.read("?LastSeal")
        self.components = decoder.read("[32]<13")
        decoder.read("[32]<13")  # as the node held them
        self.excerpt = decoder.read("StateExcerpt")
        self.precommits = decoder.read("Precommits")
        self.batch = blobs_of(decoder, CASE_ENTRIES_MAX)
        self.own = blobs_of(decoder, CASE_ENTRIES_MAX)
        self.stopped = decoder.read("text<1024")

    def state(self):
        """The ledger before the batch; raises where it has not the roots that were sealed."""
        tree = Tree()
        tree.size, tree.peaks = self.tree.size, list(self.tree.peaks)
        ledger = Ledger(SimpleNamespace(tree=tree, notes=[]), True, True)
        try:
            restore(ledger, self.excerpt, self.ledger)
        except (Undecodable, KeyError, IndexError, AttributeError, struct.error) as problem:
            raise Unreadable(f"the state in the case: {problem!r}") from None
        if ledger.id != self.ledger or ledger.index != tree.size:
            raise Unreadable("the state in the case is of another log")
        # The seal names the place before itself.
        tree.size -= 1
        roots = [ledger.component_root(name) for name in COMPONENTS]
        tree.size += 1
        for name, root, sealed in zip(COMPONENTS, roots, self.components):
            if root != sealed:
                raise Unreadable(f"the state in the case: {name} has not the root that was sealed")
        return ledger


def recount(case, entries, is_whole):
    """Takes a side's entries in; returns the difference at which a rule is broken, or None."""
    ledger = case.state()
    try:
        for entry in entries:
            ledger.take(entry)
            ledger.log.tree.append(entry)
        if is_whole:
            ledger.check(ledger.is_open, False, "the end of the batch")
    except Difference as difference:
        return difference
    return None


def judge_case(arguments):
    """Says which side of a case the rules confirm."""
    case = Case(Path(arguments.ledger))
    ledger = case.state()
    if not are_signed(case.precommits, ledger.sealed[1], ledger):
        raise Unreadable(f"{arguments.ledger}: the batch is not signed by T of those in office")
    decided = recount(case, case.batch, True)
    derived = recount(case, case.own, not case.stopped)
    confirms = "neither"
    if decided is None:
        confirms = "quorum"
        grown = ledger.log.tree
        for entry in case.batch:
            grown.append(entry)
        if grown.root() != case.precommits.root:
            raise Unreadable(f"{arguments.ledger}: the entries give another root than was signed")
    elif derived is None:
        confirms = "node"
    told = derived if confirms == "quorum" else decided
    if arguments.json:
        print(json.dumps({"confirms": confirms, "difference": told and str(told)}))
    else:
        print(f"The rules confirm: {confirms}." + (f" The other side: {told}" if told else ""))
    return confirms == "quorum"


def numbered(folder, suffix):
    """The files of a folder by the twenty digits of their names."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = re.fullmatch(rf"([0-9]{{20}})\.{suffix}", path.name)
        if match:
            found[int(match[1])] = path
    return found


# --------------------------------------------------------------------------------
# Why did they disagree, "Files of evidence": each is judged by itself, without a ledger.

EVIDENCE_BYTES_MAX = 256 << 20
STRUCTURES.update(
    (name, fields(text))
    for name, text in {
        "SealedEnd": "subtrees:[32]<64 seal:bytes<65535",
        "FalseVote": "request:RequestMessage circuit:Circuit vote:VoteMessage",
        "FalseListedVote": "charge:FalseVote path:VotePath",
        "FalseResult": "job:JobMessage module:bytes<67108864 input:bytes<67108864"
        " result:ResultMessage",
        "EntryBytes": "bytes:bytes<65535",
        "KeptRecords": "tree:FixedTree records:[EntryBytes]<1048576",
        "StateExcerpt": "fixed:bytes<67108864 kept:6*KeptRecords",
        "RefutedBatch": "excerpt:StateExcerpt before:SealedEnd"
        " precommits:Precommits entries:[EntryBytes]<1048576",
        "ProposedValue": "height:u64 round:u32 value:32 validRound:i64 signature:64",
        "ForeignProposal": "proposer:32 fixed:bytes<268435456 before:SealedEnd"
        " entries:[EntryBytes]<1048576 proposed:?ProposedValue",
        "TwoHistories": "validator:32 older:SignedHead newer:SignedHead root:32 proof:[32]<128",
        "Member": "index:u16 key:32",
        "UnfoundedClaim": "validator:32 slot:Slot value:32 validRound:i64 signature:64"
        " members:[Member]<1000 threshold:u32",
        "ConsensusVote": "kind:ConsensusKind height:u64 round:u32 value:?32 ground:i64"
        " validator:u16 signature:64",
        "ClaimAnswer": "claim:UnfoundedClaim prevotes:[ConsensusVote]<1000",
    }.items()
)
ENUMERATIONS["ConsensusKind"] = ["prevote", "precommit"]
UNIONS["SignedHead"] = {
    0: ("checkpoint", fields("size:u64 root:32 seconds:?u64 signature:64")),
    1: (
        "precommit",
        fields("round:u32 signature:64 end:SealedEnd opening:bytes<65535 place:u64 proof:[32]<128"),
    ),
}
CHARGES = [
    ("contradiction", "EvidenceMessage"),
    ("falseVote", "FalseVote"),
    ("falseResult", "FalseResult"),
    ("refutedBatch", "RefutedBatch"),
    ("foreignProposal", "ForeignProposal"),
    ("twoHistories", "TwoHistories"),
    ("claim", "UnfoundedClaim"),
    ("answer", "ClaimAnswer"),
    ("falseVote", "FalseListedVote"),
]
EFFECTS = {"claim": "accuses", "answer": "clears"}


class Void(Exception):
    """The file convicts nobody: why."""


class Unjudged(Exception):
    """Nobody can say here: why."""


def must(holds, why):
    if not holds:
        raise Void(why)


def event_of(data, field):
    try:
        return decode("Event", data)
    except Undecodable as problem:
        raise Void(f"{field}: {problem}") from None


def sealed_end(end, field):
    """The seal, and the tree of the log after it: the seal states its own place."""
    seal = event_of(end.seal, field)
    must(seal.kind == "batchSealed", f"{field} is no seal")
    must(max(seal.size, seal.height) < 1 << 62, f"{field}: absurd numbers")
    tree = Tree()
    must(len(end.subtrees) == bin(seal.size).count("1"), f"{field}: subtrees of another size")
    tree.size, tree.peaks = seal.size, list(end.subtrees)
    tree.append(end.seal)
    return seal, tree


def judge_contradiction(ledger, c):
    # A ledger of which only the identity is known: slots name requests and jobs by hash.
    view = Ledger(None, True, False)
    view.id = ledger
    slot, inner = c.slot, c.slot
    if slot.kind == "consensus":
        inner = slot.slot
        must(inner.kind not in ("vote", "result", "settlement"), "the slot names an entry")
    elif slot.kind == "result":
        view.jobs = {0: SimpleNamespace(id=slot.job)}
        inner = event("result", job=0)
    else:
        view.requests = {0: SimpleNamespace(id=slot.request)}
        inner = event(slot.kind, request=0)
    for which in "first", "second":
        statement = getattr(c, which)
        signed = view.evidence_bytes(c.validator, inner, statement, which)
        must(
            signed is not None and is_signed(c.validator, statement.signature, signed),
            f"{which} is not signed by the accused for this ledger",
        )
    must(view.contradicts(inner, c.first, c.second), "the two do not contradict each other")
    return [c.validator]


def judge_false_vote(ledger, c):
    path = getattr(c, "path", None)
    c = c.charge if path else c
    vote, request = c.vote, c.request
    if path:
        signed = signed_along(ledger, vote, path)
        must(signed is not None, "the way to the root of the list is of another length")
    else:
        signed = signed_bytes("vote", ledger, "VoteMessage", vote)
    must(is_signed(vote.validator, vote.signature, signed), "the vote is not signed")
    identity = sha(signed_bytes("request", ledger, "RequestMessage", request))
    must(identity == vote.request, "the vote is on another request")
    must(circuit_id(c.circuit) == request.circuit, "the request is of another circuit")
    must(vote.vote != "abstain", "an abstention is no word on a proof")
    holds = proof_holds(c.circuit, request)
    must(holds is not None, "nobody can verify the proof")
    must(holds == (vote.vote == "reject"), "the vote says what the proof says")
    return [vote.validator]


def judge_false_result(ledger, c):
    result = c.result
    signed = signed_bytes("result", ledger, "ResultMessage", result)
    must(is_signed(result.validator, result.signature, signed), "the result is not signed")
    identity = sha(signed_bytes("job", ledger, "JobMessage", c.job))
    must(identity == result.job, "the result is of another job")
    must(sha(c.module) == c.job.module, "another module")
    must(sha(c.input) == c.job.input, "another input")
    must(result.status.kind != "abstained", "an abstention is no result")
    raise Unjudged("all is signed and belongs together; this reader runs no jobs")


def judge_refuted(ledger, c):
    seal, tree = sealed_end(c.before, "before")
    view = restored(ledger, c, seal, tree)
    found = c.precommits
    must(found.height == seal.height + 1, "another height")
    grown = Tree()
    grown.size, grown.peaks = tree.size, list(tree.peaks)
    for entry in c.entries:
        grown.append(entry.bytes)
    must(grown.root() == found.root, "the entries give another root than was signed")
    # Who ordered the batch was sealed two before it.
    must(are_signed(found, view.sealed[1], view), "the precommits are not those of T members")
    signers = [view.validators[s.validator].key for s in found.signatures]
    first, unclosed = view.index, set(view.unclosed)
    try:
        events = [decode("Event", entry.bytes) for entry in c.entries]
    except Undecodable:
        return signers
    try:
        for entry in c.entries:
            must_follow(view, entry.bytes)
        if view.is_open or not c.entries:
            raise Difference(view.index, "end of the batch", "batchSealed", "nothing")
    except Difference as fault:
        lacking = grounds(fault, events, first, unclosed) - view.whole
        if lacking:
            raise Unjudged(f"the fault rests on all records of {sorted(lacking)}") from None
        return signers
    except (KeyError, IndexError, AttributeError) as problem:
        raise Void(f"the state lacks what the batch is about: {problem!r}") from None
    raise Void("the rules give this batch")


def grounds(fault, events, first, unclosed):
    """The components on whose records a fault rests: on one that is there, or is absent.

    Of these an excerpt proves nothing, unless all of them are in it.
    """
    place = fault.entry - first
    at = events[place] if place < len(events) else None
    if fault.field == "event" or at is None or at.kind not in INPUTS:
        # What a failed payment releases stands in the record of its request.
        inputs = [e.kind for e in events[:place] if e.kind in INPUTS]
        return {"outcomes"} if inputs[-1:] == ["settlementReported"] else set()
    if at.kind == "messageRefused":
        return message_grounds(at.message.kind)
    if at.kind == "requestSubmitted":
        known = {"known": "outcomes", "unknownRoot": "roots", "spentNullifier": "nullifiers"}
        return {known[fault.found]} if fault.found in known else set()
    if at.kind == "jobSubmitted":
        return {"jobs"} if fault.found == "known" else set()
    if at.kind in ("voteCast", "resultReported"):
        about = at.request if at.kind == "voteCast" else at.job
        kind = "vote" if at.kind == "voteCast" else "result"
        return set() if about >= first or about in unclosed else message_grounds(kind)
    if at.kind == "votesCast":
        abouts = [v.request for v in shown_votes(at)]
        is_open = all(about >= first or about in unclosed for about in abouts)
        return set() if is_open else message_grounds("votes")
    if at.kind == "settlementReported":
        return message_grounds("settlement")
    if at.kind == "evidenceSubmitted":
        return message_grounds("evidence")
    return {"roots"} if at.kind == "governanceApproved" and is_root(at.change) else set()


def is_root(change):
    return change.kind == "rootPublished"


def message_grounds(kind):
    """The components whose records the rules ask about a message of this kind."""
    return set(
        {
            "request": "roots outcomes nullifiers",
            "vote": "outcomes",
            "votes": "outcomes",
            "job": "jobs",
            "result": "jobs",
            "settlement": "outcomes outbox",
            "evidence": "outcomes jobs evidence outbox",
        }
        .get(kind, "")
        .split()
    )


def must_follow(view, data):
    if not view.is_open and view.has_sealed:
        raise Difference(view.index, "event", "the end of the batch", "another entry")
    view.take(data)
    view.log.tree.append(data)
    view.has_sealed = not view.is_open


def restored(ledger, c, seal, tree):
    """The state before a batch, from its excerpt, held against the seal."""
    view = Ledger(SimpleNamespace(tree=tree), True, True)
    try:
        restore(view, c.excerpt, ledger)
        roots = [view.component_root(name) for name in COMPONENTS if name != "time"]
    except (Undecodable, KeyError, IndexError, AttributeError, struct.error) as problem:
        raise Void(f"the state cannot be read: {problem!r}") from None
    must(view.id == ledger, "the state is of another ledger")
    must(roots == seal.components[:-1], "the state is not the one that the seal names")
    must(time_root(view, seal) == seal.components[-1], "the time is not the one of the seal")
    must(view.height == seal.height, "the state is of another batch")
    return view


def time_root(view, seal):
    """The seal names the root as of its own place."""
    size, view.log.tree.size = view.log.tree.size, seal.size
    root = view.component_root("time")
    view.log.tree.size = size
    return root


def restore(view, excerpt, ledger):
    """The state that an excerpt stands for; its records are some of those whose trees it has."""
    restore_fixed(view, Decoder(excerpt.fixed), ledger)
    view.whole = set()  # components of which all records are there
    for name, kept in zip(SNAPSHOT_HISTORIES, excerpt.kept):
        edge, history = kept.tree, view.histories[name]
        if edge.size >= 1 << 62 or len(edge.peaks) != bin(edge.size).count("1"):
            raise Undecodable(f"{name}: subtrees of another size")
        restore_records(view, name, [record.bytes for record in kept.records])
        if (history.size, history.peaks) == (edge.size, edge.peaks):
            view.whole.add(name)
        history.size, history.peaks = edge.size, list(edge.peaks)
    finish_restoring(view)


def restore_fixed(view, d, ledger):
    """Snapshots, "The fixed part", read in its order."""
    view.id, view.name, view.bridge = d.read("32"), d.read("text<64"), d.read("32")
    view.parameters, view.next_number = d.read("Parameters"), d.read("u64")
    view.validators, view.submitters, view.circuits, view.roots = [], [], [], []
    view.nullifiers, view.requests, view.jobs, view.unclosed, view.entry_of = {}, {}, {}, {}, {}
    view.convictions, view.pending, view.settlements, view.new_jobs = set(), {}, {}, []
    view.histories = {name: Tree(keeps=True) for name in COMPONENTS}
    for index in range(d.read("u32")):
        v = SimpleNamespace(index=index, key=d.read("32"), name=d.read("text<32"))
        v.stake, v.reputation, v.member = d.read("u64"), d.read("u64"), bool(d.read("flag"))
        v.terms = [(d.read("u64"), d.read("?u64")) for _ in range(d.read("u32"))]
        v.announced = d.read("?RecordedAnnouncement")
        view.validators.append(v)
    view.day = d.read("u64")
    view.sealed = []
    for _ in range(2):
        members = [(d.read("u16"), d.read("u64")) for _ in range(d.read("u32"))]
        view.sealed.append(SimpleNamespace(members=members, parameters=d.read("Parameters")))
    for _ in range(d.read("u32")):
        s = SimpleNamespace(key=d.read("32"), name=d.read("text<32"), quota=d.read("u32"))
        s.undecided = d.read("u32")
        view.submitters.append(s)
    view.minute = d.read("u64")
    view.refusals = {d.read("32"): d.read("u32") for _ in range(d.read("u32"))}
    for circuit in d.read("[Circuit]<256"):
        view.register(circuit)
    restore_rounds(view, d)
    leaders = view.histories["leaders"]
    leaders.size, leaders.peaks = d.read("u64"), d.read("[32]<64")
    restore_jobs(view, d)
    view.pending = {entry: None for entry in d.read("[u64]<4294967295")}
    view.height, view.time = d.read("u64"), d.read("u64")
    view.previous_root, view.opened_at, view.index = d.read("32"), d.read("u64"), d.read("u64")
    if d.offset != len(d.data):
        raise Undecodable("bytes are left over")
    view.is_open = view.is_sealing = view.has_sealed = False
    view.commands = view.command_bytes = view.close_bytes = view.decision_bytes = 0


def read_event(d, kind):
    """An event without its tag."""
    return SimpleNamespace(
        kind=kind, **{name: d.read(of) for name, of in UNIONS["Event"][TAGS["Event"][kind]][1]}
    )


def optional_event(d, kind):
    return read_event(d, kind) if d.read("flag") else None


def restore_rounds(view, d):
    for _ in range(d.read("u32")):
        entry, request = d.read("u64"), read_event(d, "requestSubmitted")
        pinned = [
            SimpleNamespace(
                index=d.read("u16"),
                key=d.read("32"),
                stake=d.read("u64"),
                reputation=d.read("u64"),
            )
            for _ in range(d.read("u32"))
        ]
        opened, settlement = read_event(d, "roundOpened"), d.read("u64")
        votes = {}
        for place in range(d.read("u32")):
            start, flag = d.offset, d.read("u8")
            if flag > 2:
                raise Undecodable(f"offset {start}: {flag} is no vote")
            if flag:
                at = d.read("u64")
                votes[pinned[place].index] = SimpleNamespace(
                    entry=at, cast=read_event(d, "voteCast"), listed=flag == 2
                )
        values = {
            **vars(request),
            "circuit": view.circuits[request.circuit].id,
            "submitter": view.submitters[request.submitter].key,
        }
        identity = sha(
            signed_bytes("request", view.id, "RequestMessage", SimpleNamespace(**values))
        )
        if pinned_digest(pinned) != opened.pinnedSet:
            raise Undecodable("others are pinned than the round says")
        view.requests[entry] = SimpleNamespace(
            entry=entry,
            id=identity,
            request=request,
            submitter=request.submitter,
            pinned=pinned,
            opened=opened,
            settlement=settlement,
            threshold=opened.threshold,
            deadline=opened.deadline,
            votes=votes,
            outcome=optional_event(d, "outcomeDecided"),
            closed=False,
        )
        view.unclosed[entry] = view.requests[entry]
        view.entry_of[identity] = entry


def restore_jobs(view, d):
    for _ in range(d.read("u32")):
        entry, job = d.read("u64"), read_event(d, "jobSubmitted")
        assigned = optional_event(d, "jobAssigned")
        results = {}
        for place in range(d.read("u32")):
            if d.read("flag"):
                at = d.read("u64")
                results[assigned.validators[place]] = SimpleNamespace(
                    entry=at, report=read_event(d, "resultReported")
                )
        values = {**vars(job), "submitter": view.submitters[job.submitter].key}
        identity = sha(signed_bytes("job", view.id, "JobMessage", SimpleNamespace(**values)))
        view.jobs[entry] = SimpleNamespace(
            entry=entry,
            id=identity,
            job=job,
            submitter=job.submitter,
            assigned=assigned,
            results=results,
            decision=optional_event(d, "jobDecided"),
            closed=False,
        )
        view.unclosed[entry] = view.jobs[entry]
        view.entry_of[identity] = entry
        if assigned is None:
            view.new_jobs.append(view.jobs[entry])


class Reported:
    """A result of a closed job, of which only the digest is kept."""

    def __init__(self, value):
        self.report = self
        self.value = value


RECORD_KINDS = {
    "outcomes": ("outcomeDecided", "roundClosed"),
    "nullifiers": ("nullifierSpent", "nullifierReleased"),
    "jobs": ("jobDecided", "roundClosed"),
    "evidence": ("equivocationFound",),
    "outbox": ("settlementOrdered", "settlementReported"),
}


def restore_records(view, name, records):
    kept = view.kept = getattr(view, "kept", {})  # the records by component, kind and entry
    for record in records:
        view.history(name, record)
        d = Decoder(record)
        if name == "roots":
            root = d.read("u16"), d.read("32")
            if root[0] >= len(view.circuits):
                raise Undecodable("a root of no circuit")
            view.roots.append(root)
        else:
            happened = d.read("Event")
            if happened.kind not in RECORD_KINDS[name]:
                raise Undecodable(f"{name}: a record of {happened.kind}")
            if name in ("outcomes", "jobs", "outbox"):
                fields = vars(happened)
                about = next(fields[f] for f in ("request", "job", "about") if f in fields)
                if kept.setdefault((name, happened.kind, about), record) is not record:
                    raise Undecodable(f"{name}: two records of {about}")
            restore_record(view, name, happened, d)
        if d.offset != len(record):
            raise Undecodable(f"{name}: bytes are left over")


def know(view, identity, entry):
    """Another entry of one request or job would take its votes or results."""
    if view.entry_of.setdefault(identity, entry) != entry:
        raise Undecodable("two entries of one request or job")


def restore_record(view, name, happened, d):
    if happened.kind == "outcomeDecided":
        identity, nullifiers, pinned = d.read("32"), d.read("[32]<16"), d.read("[u16]<1000")
        know(view, identity, happened.request)
        if happened.request in view.requests:
            return
        view.requests[happened.request] = SimpleNamespace(
            entry=happened.request,
            id=identity,
            request=SimpleNamespace(nullifiers=nullifiers),
            pinned=[
                SimpleNamespace(index=index, key=view.validators[index].key) for index in pinned
            ],
            votes={},
            outcome=happened,
            closed=True,
        )
    elif happened.kind == "roundClosed" and name == "outcomes":
        closed = view.requests[happened.about]
        for p, vote in zip(closed.pinned, d.read("[?Vote]<1000")):
            if vote is not None:
                closed.votes[p.index] = SimpleNamespace(cast=SimpleNamespace(vote=vote))
    elif happened.kind == "jobDecided" and happened.job not in view.jobs:
        view.jobs[happened.job] = SimpleNamespace(
            entry=happened.job, decision=happened, closed=True, results={}, assigned=None
        )
    elif happened.kind == "roundClosed":
        job = view.jobs[happened.about]
        job.id, drawn = d.read("32"), d.read("[u16]<1000")
        job.assigned = SimpleNamespace(validators=drawn)
        values = d.read("[32]<1000")
        if len(values) != len(drawn):
            raise Undecodable("another number of results")
        job.results = {index: Reported(v) for index, v in zip(drawn, values) if any(v)}
        know(view, job.id, happened.about)
    elif happened.kind == "nullifierSpent":
        view.nullifiers[happened.nullifier] = happened.request
    elif happened.kind == "nullifierReleased":
        view.nullifiers.pop(happened.nullifier, None)
    elif happened.kind == "equivocationFound":
        slot, about = happened.slot, 0
        for field in "request", "job", "height":
            about = getattr(slot, field, about)
        view.convictions.add((happened.validator, slot.kind, about))
    elif happened.kind == "settlementReported":
        view.settlements[happened.request] = happened


def finish_restoring(view):
    """What is unfinished has the records that it must have, and no others."""
    kept = view.kept
    for entry, work in view.unclosed.items():
        if entry in view.requests:
            name, decided = "outcomes", ("outcomes", "outcomeDecided", entry) in kept
            is_right = decided == (work.outcome is not None)
            is_right = is_right and (name, "roundClosed", entry) not in kept
        else:
            name, decided = "jobs", ("jobs", "jobDecided", entry) in kept
            is_right = decided == (work.decision is not None)
        if not is_right:
            raise Undecodable(f"{name}: the records of entry {entry} are others")
    for entry in view.pending:
        if ("outbox", "settlementOrdered", entry) not in kept:
            raise Undecodable(f"outbox: entry {entry} was not ordered")
        if ("outbox", "settlementReported", entry) in kept:
            raise Undecodable(f"outbox: entry {entry} is reported")
    view.unclosed = dict(sorted(view.unclosed.items()))


def judge_foreign(ledger, c):
    seal, tree = sealed_end(c.before, "before")
    view = Ledger(SimpleNamespace(tree=tree), True, True)
    try:
        restore_fixed(view, Decoder(c.fixed), ledger)
        roots = {name: view.component_root(name) for name in COMPONENTS[:4]}
    except (Undecodable, KeyError, IndexError, AttributeError, struct.error) as problem:
        raise Void(f"the parties cannot be read: {problem!r}") from None
    must(view.id == ledger and view.height == seal.height, "the parties are of another ledger")
    stated = dict(zip(COMPONENTS, seal.components))
    must(all(stated[name] == root for name, root in roots.items()), "other parties than sealed")
    must(c.entries, "no opening")
    opening = event_of(c.entries[0].bytes, "the opening")
    must(opening.kind == "batchOpened" and opening.height == seal.height + 1, "another opening")
    must(opening.previousRoot == tree.root(), "the opening follows another log")
    if c.proposed is None:
        round, signature = opening.round, opening.signature
        signed = encode("u64", opening.height) + encode("u64", opening.time)
        signed += encode("u32", round) + opening.previousRoot + c.proposer
        signed = domain("batch") + ledger + signed
    else:
        for entry in c.entries:
            tree.append(entry.bytes)
        p = c.proposed
        must(p.height == opening.height and p.value == tree.root(), "another batch is proposed")
        round, signature = p.round, p.signature
        slot = event("proposal", height=p.height, round=round)
        signed = statement_bytes(ledger, c.proposer, slot, p.value, p.validRound)
    must(is_signed(c.proposer, signature, signed), "the proposal is not signed")
    ranked = view.proposers(opening.height)
    must(ranked, "nobody may propose")
    leader = view.validators[ranked[round % len(ranked)]].key
    must(leader != c.proposer, "the proposer led that round")
    return [c.proposer]


def inclusion_root(leaf, index, size, proof):
    """RFC 9162, 2.1.3.2: the root that a proof gives; None where its length does not fit."""
    if index >= size:
        return None
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if position & 1 or position == last:
            node = sha(b"\x01" + sibling + node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = sha(b"\x01" + node + sibling)
        position, last = position >> 1, last >> 1
    return node if last == 0 else None


def is_consistent(old, old_root, new, new_root, proof):
    """RFC 9162, 2.1.4.2."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = ([old_root] if old & (old - 1) == 0 else []) + list(proof)
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = sha(b"\x01" + sibling + first), sha(b"\x01" + sibling + second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = sha(b"\x01" + second + sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def signed_head(ledger, key, head):
    """The size and root that a key has signed, in so far as they were decided."""
    if head.kind == "checkpoint":
        root = base64.b64encode(head.root).decode()
        text = f"recount/{ledger.hex()}\n{head.size}\n{root}\n"
        if head.seconds is not None:
            text = f"cosignature/v1\ntime {head.seconds}\n{text}"
        must(is_signed(key, head.signature, text.encode()), "a checkpoint is not signed")
        return head.size, head.root
    seal, tree = sealed_end(head.end, "the seal of a precommit")
    slot = event("precommit", height=seal.height, round=head.round)
    signed = statement_bytes(ledger, key, slot, tree.root(), -1)
    must(is_signed(key, head.signature, signed), "a precommit is not signed")
    opening = event_of(head.opening, "the opening of a precommit")
    must(opening.kind == "batchOpened" and opening.height == seal.height, "another opening")
    root = inclusion_root(sha(b"\x00" + head.opening), head.place, tree.size, head.proof)
    must(root == tree.root(), "the opening is not in the log that was signed")
    return head.place, opening.previousRoot


def judge_two_histories(ledger, c):
    old, old_root = signed_head(ledger, c.validator, c.older)
    new, new_root = signed_head(ledger, c.validator, c.newer)
    must(is_consistent(old, c.root, new, new_root, c.proof), "the proof does not hold")
    must(old_root != c.root, "the older log is the start of the newer")
    return [c.validator]


def claimed(c):
    """The height and round of the prevotes that a statement claims to hold, or None."""
    if c.slot.kind == "precommit":
        return c.slot.height, c.slot.round
    if c.slot.kind in ("prevote", "proposal") and 0 <= c.validRound < c.slot.round:
        return c.slot.height, c.validRound
    return None


def judge_claim(ledger, c):
    must(c.slot.kind in ("proposal", "prevote", "precommit"), "the statement is none of a height")
    signed = statement_bytes(ledger, c.validator, c.slot, c.value, c.validRound)
    must(is_signed(c.validator, c.signature, signed), "the statement is not signed")
    must(claimed(c) is not None, "the statement claims to hold no prevotes")
    order = [m.index for m in c.members]
    must(order == sorted(set(order)), "the members are not by index")
    must(0 < c.threshold <= len(order), "the threshold does not fit the members")
    must(c.validator in [m.key for m in c.members], "the accused is no member")
    return [c.validator]


def judge_answer(ledger, c):
    cleared = judge_claim(ledger, c.claim)
    keys, last = {m.index: m.key for m in c.claim.members}, -1
    for vote in c.prevotes:
        slot = event("prevote", height=vote.height, round=vote.round)
        must(
            vote.kind == "prevote"
            and (vote.height, vote.round) == claimed(c.claim)
            and vote.value == c.claim.value
            and vote.validator > last,
            "a vote is not one of the prevotes that are claimed",
        )
        last = vote.validator
        signed = statement_bytes(ledger, keys.get(last, b""), slot, vote.value, vote.ground)
        must(last in keys and is_signed(keys[last], vote.signature, signed), "a prevote is forged")
    must(len(c.prevotes) >= c.claim.threshold, "too few prevotes are shown")
    return cleared


JUDGES = {
    "contradiction": judge_contradiction,
    "falseVote": judge_false_vote,
    "falseResult": judge_false_result,
    "refutedBatch": judge_refuted,
    "foreignProposal": judge_foreign,
    "twoHistories": judge_two_histories,
    "claim": judge_claim,
    "answer": judge_answer,
}


def judge(path):
    """What a file of evidence does, to which keys, and why."""
    kind = None
    try:
        with open(path, "rb") as file:
            data = file.read(EVIDENCE_BYTES_MAX + 1)
        must(len(data) <= EVIDENCE_BYTES_MAX, "it is too long for evidence")
        must(len(data) >= 48 and data[:4] == b"RCEV", "it does not start with RCEV, or is cut")
        must(data[4:8] == b"\x01\x00\x00\x00", "an unknown version")
        must(struct.unpack_from("<Q", data, 8)[0] == len(data), "another length than it states")
        must(sha(data[:-32]) == data[-32:], "it was damaged: the hash at the end")
        body = data[16:-32]
        must(len(body) > 32 and body[32] < len(CHARGES), "an unknown kind, or cut")
        kind, structure = CHARGES[body[32]]
        charge = decode(structure, body[33:])
        keys = JUDGES[kind](body[:32], charge)
        return {"effect": EFFECTS.get(kind, "convicts"), "kind": kind, "keys": keys, "why": ""}
    except (Void, Undecodable, OSError, OverflowError) as problem:
        return {"effect": "nothing", "kind": kind, "keys": [], "why": str(problem)}
    except Unjudged as problem:
        return {"effect": "unjudged", "kind": kind, "keys": [], "why": str(problem)}


def judge_all(arguments):
    """Judges files of evidence; the exit code is that of `recount evidence verify`."""
    parser = argparse.ArgumentParser(
        prog="recount_reader.py evidence", description="Judges files of evidence by themselves."
    )
    parser.add_argument("files", nargs="+", help="files of evidence")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args(arguments)
    effects = set()
    for path in arguments.files:
        told = judge(path)
        effects.add(told["effect"])
        told = {"file": path, **told, "keys": [key.hex() for key in told["keys"]]}
        if arguments.json:
            print(json.dumps(told))
        else:
            print(f"{told['effect']}: {path}: {', '.join(told['keys']) or told['why']}")
    if effects & {"nothing", "unjudged"}:
        return 2
    return 0 if effects == {"clears"} else 1


# --------------------------------------------------------------------------------
# The proof of a request: e(A, B) = e(alpha, beta) e(L, gamma) e(C, delta). Fp12 is Fp[w] modulo
# w^12 - 18 w^6 + 82, in which u = w^6 - 9; the twist goes to y^2 = x^3 + 3 over Fp12 by w^2, w^3.


def multiply12(a, b):
    product = [0] * 23
    for i, x in enumerate(a):
        if x:
            for j, y in enumerate(b):
                product[i + j] += x * y
    for i in range(22, 11, -1):
        top = product[i]
        product[i - 6] += 18 * top
        product[i - 12] -= 82 * top
    return [x % P for x in product[:12]]


ONE12 = [1] + [0] * 11


def power12(a, exponent):
    result = ONE12
    while exponent:
        if exponent & 1:
            result = multiply12(result, a)
        a, exponent = multiply12(a, a), exponent >> 1
    return result


def embed2(a, shift):
    """An element of Fp2 as one of Fp12, times w^shift, where shift is below 6."""
    out = [0] * 12
    out[shift] = (a[0] - 9 * a[1]) % P
    out[shift + 6] = a[1] % P
    return out


def line(q, r, p):
    """The line through two points of the twist, at a point of the curve, up to a factor of Fp2.

    On the curve over Fp12 the points are (x w^2, y w^3), and the slope of the line is that of the
    twist times w.
    """
    (x1, y1), (x2, y2) = q, r
    if x1 == x2 and y1 != y2:
        out = embed2(x1, 2)
        return [(-value) % P if i else (p[0] - value) % P for i, value in enumerate(out)]
    if q == r:
        slope = multiply2(multiply2((3, 0), multiply2(x1, x1)), inverse2((2 * y1[0], 2 * y1[1])))
    else:
        slope = multiply2((y2[0] - y1[0], y2[1] - y1[1]), inverse2((x2[0] - x1[0], x2[1] - x1[1])))
    # slope w (xp - x1 w^2) - (yp - y1 w^3)
    out = [(a * p[0]) % P for a in embed2(slope, 1)]
    moved = multiply2(slope, x1)
    constant = embed2((y1[0] - moved[0], y1[1] - moved[1]), 3)
    out = [(a + b) % P for a, b in zip(out, constant)]
    out[0] = (out[0] - p[1]) % P
    return out


def miller(p, q):
    """The ate pairing before its last power: the loop of the trace of Frobenius minus one."""
    if p is None or q is None:
        return ONE12
    f, r = ONE12, q
    for bit in bin(6 * U * U)[3:]:
        f = multiply12(multiply12(f, f), line(r, r, p))
        r = add2(r, r)
        if bit == "1":
            f = multiply12(f, line(r, q, p))
            r = add2(r, q)
    return f


def read_one(data):
    """A point of the curve of a proof; None is infinity."""
    flag, x = data[-1] >> 6, int.from_bytes(data[:-1] + bytes([data[-1] & 0x3F]), "little")
    if flag == 1:
        return None
    y = square_root(x**3 + 3)
    return x, max(y, P - y) if flag == 2 else min(y, P - y)


def read_two(data):
    flag, data = data[-1] >> 6, data[:-1] + bytes([data[-1] & 0x3F])
    if flag == 1:
        return None
    x = int.from_bytes(data[:32], "little"), int.from_bytes(data[32:], "little")
    y = square_root2(cube_plus_b(x))
    other = -y[0] % P, -y[1] % P
    larger, smaller = sorted([y, other], key=lambda v: (v[1], v[0]), reverse=True)
    return x, larger if flag == 2 else smaller


def add1(a, b):
    if a is None or b is None:
        return a or b
    (x1, y1), (x2, y2) = a, b
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = 3 * x1 * x1 * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times1(point, scalar):
    product = None
    for bit in bin(scalar)[2:]:
        product = add1(product, product)
        if bit == "1":
            product = add1(product, point)
    return product


def proof_holds(circuit, request):
    """Whether the proof of a request holds; None where proof, key or inputs cannot be read."""
    inputs = [int.from_bytes(value, "little") for value in request.publicInputs]
    data = circuit.verifyingKey
    if not is_proof(request.proof, True) or not is_verifying_key(data, len(inputs)):
        return None
    if any(value >= R for value in inputs):
        return None
    numbers = [
        int.from_bytes(data[i : i + 32], "big")
        for i in (*range(0, 448, 32), *range(452, len(data), 32))
    ]
    pairs = list(zip(numbers[::2], numbers[1::2]))
    alpha, points = pairs[0], [p if p != (0, 0) else None for p in pairs[7:]]
    beta, gamma, delta = (
        ((x0, x1), (y0, y1)) for (x1, x0), (y1, y0) in zip(pairs[1:7:2], pairs[2:7:2])
    )
    bound = points[0]
    for point, value in zip(points[1:], inputs):
        bound = add1(bound, times1(point, value))
    proof = request.proof
    a, b, c = read_one(proof[:32]), read_two(proof[32:96]), read_one(proof[96:])
    negated = None if a is None else (a[0], -a[1] % P)
    product = ONE12
    for p, q in (negated, b), (alpha, beta), (bound, gamma), (c, delta):
        product = multiply12(product, miller(p, q))
    return power12(product, (P**12 - 1) // R) == ONE12


# --------------------------------------------------------------------------------


def read(arguments):
    log = Log(arguments.ledger)
    ledger = Ledger(log, not arguments.no_signatures, arguments.proofs)
    started = time.monotonic()
    snapshots = numbered(log.directory / "snapshots", "snapshot")
    checkpoints = numbered(log.directory / "checkpoints", "checkpoint")
    counts = len(snapshots), len(checkpoints)
    precommits = precommit_files(log.directory / "checkpoints")
    for entry in log.entries():
        ledger.take(entry)
        log.tree.append(entry)
        if not ledger.is_open and ledger.height in snapshots:
            check_snapshot(snapshots.pop(ledger.height), ledger)
        if not ledger.is_open and log.tree.size in checkpoints:
            check_checkpoint(checkpoints.pop(log.tree.size), ledger)
        if not ledger.is_open and not arguments.quiet:
            line = {
                "height": ledger.height,
                "size": log.tree.size,
                "root": log.tree.root().hex(),
                "state_root": ledger.state_root.hex(),
            }
            print(
                json.dumps(line)
                if arguments.json
                else " ".join(str(value) for value in line.values())
            )
    if ledger.id is None:
        raise Unreadable(f"{log.directory}: the log has no entry")
    if ledger.is_open:
        expected = ledger.expected[0] if ledger.expected else event("batchSealed")
        raise Difference(ledger.index, "end of the log", expected, "nothing")
    for path in [*snapshots.values(), *checkpoints.values()]:
        raise Difference(ledger.index, str(path), "a batch of the log that it follows", "none")
    quorum = None
    if ledger.with_signatures:
        later = precommit_files(log.directory / "checkpoints")
        quorum = check_quorum(precommits, later, ledger)
        if not quorum:
            log.notes.append(f"no quorum shown for batch {ledger.height}, the last")
    blobs = log.blobs()
    seconds = time.monotonic() - started
    summary = {
        "agrees": True,
        "ledger": ledger.id.hex(),
        "name": ledger.name,
        "entries": log.tree.size,
        "batches": ledger.height + 1,
        "frames": log.frames,
        "events": ledger.counts,
        "blobs": blobs,
        "snapshots": counts[0],
        "checkpoints": counts[1],
        "signatures": ledger.signatures if ledger.with_signatures else 0,
        "quorum": quorum,
        "proofs": "not verified",
        "root": log.tree.root().hex(),
        "state_root": ledger.state_root.hex(),
        "entries_per_second": int(log.tree.size / seconds),
        "notes": log.notes,
    }
    if arguments.json:
        print(json.dumps(summary))
        return quorum is not False
    for note in log.notes:
        print(f"note: {note}")
    print(
        f"All agrees: {log.tree.size} entries, {ledger.height + 1} batches, {log.frames} frames,"
        f" {blobs} blobs, {counts[0]} snapshots, {counts[1]} checkpoints,"
        f" {summary['signatures']} signatures; {summary['entries_per_second']} entries/s."
    )
    print("Groth16 proofs were not verified: votes are counted, not judged.")
    return quorum is not False


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # who reads the output may stop early
    if sys.argv[1:2] == ["evidence"]:
        sys.exit(judge_all(sys.argv[2:]))
    parser = argparse.ArgumentParser(description="Reads a Recount ledger and recounts it.")
    parser.add_argument("ledger", help="the directory of a ledger, or a home that holds one")
    parser.add_argument(
        "--case", action="store_true", help="the file of a case is named: say which side is right"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quiet", action="store_true", help="no line for each batch")
    parser.add_argument("--no-signatures", action="store_true", help="check no signature")
    parser.add_argument(
        "--proofs",
        action="store_true",
        help="check that the second point of every accepted proof is in its subgroup (slow)",
    )
    arguments = parser.parse_args()
    try:
        if arguments.case:
            sys.exit(0 if judge_case(arguments) else 1)
        if not read(arguments):
            sys.exit(2)
    except Difference as difference:
        fail(
            arguments,
            1,
            "difference",
            difference,
            entry=difference.entry,
            field=difference.field,
            expected=show(difference.expected),
            found=show(difference.found),
        )
    except (Unreadable, OSError) as problem:
        fail(arguments, 2, "unreadable", problem)
    except Exception as bug:  # a mistake of the reader's own, told in words
        fail(arguments, 2, "unreadable", f"the reader failed: {bug!r}")


def fail(arguments, code, what, problem, **facts):
    if arguments.json:
        print(json.dumps({"agrees": False, what: str(problem), **facts}))
    else:
        print(f"{what}: {problem}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
