# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Which pieces an audit is split into, and which tiles each of them reads.

Of C2SP tlog-tiles: a tile of level L holds the roots of up to 256 subtrees of 256^L entries, and a
bundle up to 256 entries. The program reads bundles eight at a time.
"""

import re
import struct
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

SNAPSHOT = re.compile(r"(\d{20})\.snapshot$")
TILE = re.compile(r"(?:^|/)(tile/(entries|[0-7])/((?:x\d{3}/)*\d{3})(\.p/\d{1,3})?)$")
RUN = 8 * 256
HEADER_BYTES = 64


@dataclass(frozen=True)
class Piece:
    """Entries `start` to `end - 1`, from the snapshot of a height; none for the first."""

    number: int
    start: int
    end: int
    height: int = None

    def tiles(self, level):
        """The first and the last number of the tiles of a level that it reads."""
        low = max(self.start - 1, 0) // RUN * RUN
        high = -(-self.end // RUN) * RUN
        return low >> 8 * (level + 1), max(high - 1, 0) >> 8 * (level + 1)


def size_of(start):
    """The entries that a snapshot is of, and its height, from the first bytes of its file."""
    if len(start) < HEADER_BYTES or start[:4] != b"RCSN":
        raise ValueError("it does not start as a snapshot does")
    height, size = struct.unpack("<QQ", start[48:64])
    return size, height


def plan(size, snapshots, wanted):
    """So many pieces of a log of `size` entries, of equal length as far as the snapshots allow.

    `snapshots` are pairs of a size and a height. Where there are none there is one piece.
    """
    if size < 1:
        raise ValueError("the log is empty")
    known = sorted({entry: height for entry, height in snapshots if 0 < entry < size}.items())
    ends = [entry for entry, _ in known]
    chosen = {}
    for number in range(1, max(1, wanted)):
        target = size * number // wanted
        place = bisect_left(ends, target)
        near = [known[at] for at in (place - 1, place) if 0 <= at < len(known)]
        if near:
            entry, height = min(near, key=lambda item: abs(item[0] - target))
            chosen[entry] = height
    starts = [(0, None)] + sorted(chosen.items())
    stops = [entry for entry, _ in starts[1:]] + [size]
    return [
        Piece(number, start, end, height)
        for number, ((start, height), end) in enumerate(zip(starts, stops))
    ]


class Reading:
    """Which pieces read a file of a folder of tiles."""

    LEVELS = 8

    def __init__(self, pieces):
        self.count = len(pieces)
        self.bounds = []
        for level in range(self.LEVELS):
            ranges = [piece.tiles(level) for piece in pieces]
            self.bounds.append(([low for low, _ in ranges], [high for _, high in ranges]))

    def of(self, path):
        """The name of a tile below its folder, and the numbers of the pieces that read it."""
        found = TILE.search(path)
        if not found:
            return None, []
        name, kind, digits, partial = found.groups()
        if partial:
            # The last tiles of all levels are read by whoever opens the folder.
            return name, list(range(self.count))
        number = int(digits.replace("x", "").replace("/", ""))
        starts, ends = self.bounds[0 if kind == "entries" else int(kind)]
        return name, list(range(bisect_left(ends, number), bisect_right(starts, number)))
