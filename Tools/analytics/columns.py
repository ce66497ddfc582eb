# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Reads what `recount export columns` writes, as batches of Arrow, without copying the values.

The stream is checked as it is read: every length before memory is taken for it, and that it ends
with its trailer. What it says is the command's word.
"""

import json
import struct

import pyarrow as pa

HEADER_BYTES_MAX = 1 << 20
BLOCK_BYTES_MAX = 64 << 20
BLOCK_ROWS_MAX = 1 << 16

# Entries, batches and times are below 2^63, and signed numbers are easier to join; these are not.
UNSIGNED = {"amount", "fuel", "memory_bytes"}
TYPES = {
    "u16": (pa.uint16(), 2),
    "u32": (pa.uint32(), 4),
    "u64": (pa.uint64(), 8),
    "i32": (pa.int32(), 4),
    "time": (pa.timestamp("ms", tz="UTC"), 8),
    "hash": (pa.binary(32), 32),
    "text": (pa.string(), None),
    "bytes": (pa.binary(), None),
}


class StreamError(Exception):
    """The bytes are not a stream of columns, or end too early."""


def schema_of(table):
    """The schema of a table as the header of a stream has it."""
    fields = []
    for column in table["columns"]:
        kind = TYPES[column["type"]][0]
        if column["type"] == "u64" and column["name"] not in UNSIGNED:
            kind = pa.int64()
        fields.append(pa.field(column["name"], kind, nullable=column["optional"]))
    return pa.schema(fields)


class ColumnStream:
    """A stream: `header`, then the batches of iterating, then `trailer`."""

    def __init__(self, file):
        self.file = file
        self.trailer = None
        start = self._exact(8)
        if start[:4] != b"RCCS":
            raise StreamError("it does not start as a stream of columns does")
        version, zero = struct.unpack("<HH", start[4:])
        if version != 1 or zero:
            raise StreamError(f"version {version} is not known: use a newer reader")
        self.header = self._json(*struct.unpack("<I", self._exact(4)))
        try:
            self.tables = {table["number"]: table for table in self.header["tables"]}
            self.schemas = {number: schema_of(table) for number, table in self.tables.items()}
        except (KeyError, TypeError) as error:
            raise StreamError(f"the header has no tables that are known: {error}") from None

    def _exact(self, count):
        parts = []
        while count:
            part = self.file.read(min(count, 1 << 20))
            if not part:
                raise StreamError("it ends too early: the command that wrote it failed")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _json(self, count):
        if count > HEADER_BYTES_MAX:
            raise StreamError(f"a header of {count} bytes")
        try:
            return json.loads(self._exact(count))
        except ValueError:
            raise StreamError("a header that is no JSON") from None

    def __iter__(self):
        while True:
            mark, number, zero, rows, day, count = struct.unpack("<BBHIII", self._exact(16))
            if mark == 0:
                if number or zero or rows or day:
                    raise StreamError("a trailer that is none")
                self.trailer = self._json(count)
                if self.file.read(1):
                    raise StreamError("bytes follow the trailer")
                return
            if mark != 1 or zero or number not in self.tables:
                raise StreamError(f"a block of table {number} that is not announced")
            if not 0 < rows <= BLOCK_ROWS_MAX or count > BLOCK_BYTES_MAX:
                raise StreamError(f"a block of {rows} rows and {count} bytes")
            block = Block(memoryview(self._exact(count)), rows)
            arrays = [
                block.column(column["type"], field.type)
                for column, field in zip(self.tables[number]["columns"], self.schemas[number])
            ]
            block.end()
            batch = pa.RecordBatch.from_arrays(arrays, schema=self.schemas[number])
            yield self.tables[number]["name"], day, batch


class Block:
    """The columns of a block, taken one after the other."""

    def __init__(self, view, rows):
        self.view, self.rows, self.place = view, rows, 0

    def _take(self, count):
        if count > len(self.view) - self.place:
            raise StreamError("a column reaches beyond its block")
        part = self.view[self.place : self.place + count]
        self.place += count
        return part

    def column(self, name, wanted):
        (mask_bytes,) = struct.unpack("<I", self._take(4))
        if mask_bytes not in (0, (self.rows + 7) // 8):
            raise StreamError(f"{mask_bytes} bytes say which of {self.rows} values are there")
        mask = pa.py_buffer(self._take(mask_bytes)) if mask_bytes else None
        kind, width = TYPES[name]
        if width is not None:
            buffers = [mask, pa.py_buffer(self._take(width * self.rows))]
        else:
            ends = self._take(4 * (self.rows + 1))
            last = ends.cast("I")[self.rows]
            buffers = [mask, pa.py_buffer(ends), pa.py_buffer(self._take(last))]
        array = pa.Array.from_buffers(kind, self.rows, buffers)
        if width is None:
            # Arrow follows the ends without a look elsewhere: here they must rise, within the text.
            try:
                array.validate(full=True)
            except pa.ArrowInvalid as error:
                raise StreamError(f"texts that are none: {error}") from None
        return array if kind == wanted else array.cast(wanted)

    def end(self):
        if self.place != len(self.view):
            raise StreamError("bytes are left over in a block")
