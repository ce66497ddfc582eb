#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of a ledger as Parquet, and compares such a folder with the log.

    parquet.py export LEDGER DIR [--from N]     what `recount export parquet` runs
    parquet.py verify LEDGER DIR

DIR/TABLE/day=YYYY-MM-DD/FROM-TO.parquet are the files; _recount/state.json lists them, by the
ranges of entries of which they are. A run writes one range: all files under hidden names, then
_recount/intent.json, which says that they are whole, then their own names, then the list. Whoever
is interrupted before the intent leaves hidden files, which the next run removes; after it, the next
run completes what it says.
"""

import argparse
import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

try:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from columns import ColumnStream, StreamError
except ImportError as missing:
    print(f"{missing.name} is not installed: Tools/analytics/setup does that", file=sys.stderr)
    sys.exit(2)

GROUP_ROWS = 1 << 19
STATE_BYTES_MAX = 1 << 30
NAME = re.compile(r"^[a-z]+/day=\d{4}-\d{2}-\d{2}/\d{20}-\d{20}\.parquet$")
# What a pause between two steps lets a test do; nothing else sets it.
STOP_BEFORE = os.environ.get("RECOUNT_PARQUET_STOP_BEFORE", "")


class Problem(Exception):
    """What a person is told; the exit code is 2."""


def stop_before(step):
    if STOP_BEFORE == step:
        os._exit(9)


def date(day):
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


def sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(path, content):
    """Replaces a file, whole or not at all."""
    hidden = path.with_name(f".{path.name}.tmp")
    with open(hidden, "w") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(hidden, path)
    sync(path.parent)


def load(path):
    try:
        if path.stat().st_size > STATE_BYTES_MAX:
            raise Problem(f"{path} is too long to be a list of files")
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise Problem(f"{path} is no JSON: remove the folder, and export anew") from None


def check_range(part):
    """Raises an error where this does not list the files of a range."""
    if not part["from"] <= part["to"] or not isinstance(part["root"], str):
        raise ValueError
    for file in part["files"]:
        # A name from a file reaches nothing outside of the folder.
        if not NAME.match(file["path"]) or not file["rows"] > 0:
            raise ValueError


class Folder:
    """A folder of tables."""

    def __init__(self, path):
        self.path = Path(path)
        self.own = self.path / "_recount"
        self.state_path = self.own / "state.json"
        self.intent_path = self.own / "intent.json"

    @contextlib.contextmanager
    def locked(self):
        self.own.mkdir(parents=True, exist_ok=True)
        with open(self.own / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Problem(f"another export writes to {self.path}; wait for it") from None
            yield

    def state(self):
        state = load(self.state_path)
        if state is None:
            return None
        try:
            place = None
            for part in state["ranges"]:
                if place not in (None, part["from"]):
                    raise ValueError
                place = part["to"]
                check_range(part)
            is_list = place is not None and state["version"] == 1
            is_list = is_list and isinstance(state["ledger"], str)
        except (KeyError, TypeError, ValueError):
            is_list = False
        if not is_list:
            raise Problem(
                f"{self.state_path} is no list of tables: remove the folder, and export anew")
        return state

    def complete(self):
        """Completes or undoes what was interrupted."""
        intent = load(self.intent_path)
        if intent is not None:
            try:
                check_range(intent["range"])
                self.publish({key: intent[key] for key in ("ledger", "name", "range")})
            except (KeyError, TypeError, ValueError):
                raise Problem(
                    f"{self.intent_path} does not say which tables are whole: remove the folder,"
                    " and export anew") from None
        self.undo()

    def undo(self):
        """Removes what was written under hidden names, where no intent says that it is whole."""
        if self.intent_path.exists():
            return
        for pattern in ("*/day=*/.*.tmp", "_recount/.*.tmp"):
            for hidden in self.path.glob(pattern):
                hidden.unlink()

    def publish(self, intent):
        """Gives files their names, and lists them; may be done again."""
        folders = set()
        for file in intent["range"]["files"]:
            path = self.path / file["path"]
            hidden = path.with_name(f".{path.name}.tmp")
            if hidden.exists():
                os.replace(hidden, path)
            elif not path.exists():
                raise Problem(f"{path} is gone: remove the folder, and export anew")
            folders.add(path.parent)
            stop_before("half")
        for folder in sorted(folders):
            sync(folder)
        state = self.state() or {
            "version": 1, "ledger": intent["ledger"], "name": intent["name"], "ranges": []
        }
        if not state["ranges"] or state["ranges"][-1]["to"] <= intent["range"]["from"]:
            state["ranges"].append(intent["range"])
        put(self.state_path, state)
        self.intent_path.unlink()


class TableFile:
    """One file that is being written, under its hidden name."""

    def __init__(self, folder, table, day, schema, header):
        self.name = f"{table}/day={date(day)}/{header['from']:020}-{header['to']:020}.parquet"
        self.table, self.day, self.rows = table, day, 0
        path = folder.path / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.hidden = path.with_name(f".{path.name}.tmp")
        self.waiting, self.waiting_rows = [], 0
        metadata = {
            "recount.ledger": header["ledger"], "recount.name": header["name"],
            "recount.table": table, "recount.day": date(day),
            "recount.from": str(header["from"]), "recount.from_root": header["root"],
            "recount.to": str(header["to"]), "recount.root": header["to_root"],
        }
        self.schema = schema.with_metadata(metadata)
        self.writer = pq.ParquetWriter(self.hidden, self.schema, compression="zstd")

    def add(self, batch):
        self.waiting.append(batch)
        self.waiting_rows += batch.num_rows
        if self.waiting_rows >= GROUP_ROWS:
            self.write()

    def write(self):
        if self.waiting:
            table = pa.Table.from_batches(self.waiting).replace_schema_metadata(
                self.schema.metadata)
            self.writer.write_table(table, row_group_size=GROUP_ROWS)
            self.rows += self.waiting_rows
            self.waiting, self.waiting_rows = [], 0

    def abandon(self):
        """Closes a file that is not to be whole."""
        with contextlib.suppress(OSError, pa.ArrowException):
            self.writer.close()

    def close(self):
        self.write()
        self.writer.close()
        sync(self.hidden)
        digest = hashlib.sha256()
        with open(self.hidden, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
        return {
            "path": self.name, "table": self.table, "day": date(self.day), "rows": self.rows,
            "bytes": self.hidden.stat().st_size, "sha256": digest.hexdigest(),
        }


@contextlib.contextmanager
def stream(options, start, end=None):
    """The columns of the log from an entry on."""
    command = [options.recount, "export", "columns", options.ledger, "--from", str(start)]
    if end is not None:
        command += ["--to", str(end)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield ColumnStream(process.stdout)
        except StreamError as error:
            said = process.stderr.read(1 << 16).decode(errors="replace").strip()
            raise Problem(said.removeprefix("Error: ") or f"the tables: {error}") from None
        finally:
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.kill()
        said = process.stderr.read(1 << 16).decode(errors="replace").strip()
        if process.wait() != 0:
            raise Problem(said.removeprefix("Error: "))
        if said:
            print(said, file=sys.stderr)


def export(options):
    folder = Folder(options.folder)
    with folder.locked():
        folder.complete()
        try:
            return add(options, folder)
        except BaseException:
            # Where the disk is full, what there is of them would only keep it full.
            folder.undo()
            raise


def add(options, folder):
    """Adds what the log has beyond the tables."""
    state = folder.state()
    if state and options.start is not None:
        raise Problem(
            f"{folder.path} holds tables already, and goes on where they end: leave out --from")
    last = state["ranges"][-1] if state and state["ranges"] else None
    start = last["to"] if last else options.start or 0
    with stream(options, start, options.end) as columns:
        header = columns.header
        if state and header["ledger"] != state["ledger"]:
            raise Problem(f"{folder.path} is of another ledger, {state['ledger']}")
        if last and (header["from"] != last["to"] or header["root"] != last["root"]):
            raise Problem(
                f"{folder.path} is of another log: at entry {last['to']} it says root"
                f" {last['root']}, and the log has {header['root']}")
        files = write_all(folder, columns)
    trailer = columns.trailer
    if trailer["to"] != header["to"]:
        raise Problem(
            f"the log ends within a batch, behind entry {trailer['to']}; give it time")
    part = {
        "from": header["from"], "from_root": header["root"], "to": trailer["to"],
        "root": trailer["root"], "state_root": trailer["state_root"],
        "height": trailer["height"], "files": files,
    }
    if files or not last:
        stop_before("intent")
        put(folder.intent_path,
            {"ledger": header["ledger"], "name": header["name"], "range": part})
        stop_before("publish")
        folder.publish(load(folder.intent_path))
    return result(folder, part, files, [])


def write_all(folder, columns):
    """Writes all rows of a stream, and returns what there is to list."""
    writing = {}
    try:
        return write_files(folder, columns, writing)
    except BaseException:
        for open_file in writing.values():
            open_file.abandon()
        raise


def write_files(folder, columns, writing):
    """Writes all rows; the files that are open stand in `writing`, by table."""
    files = []
    schemas = {columns.tables[number]["name"]: schema
               for number, schema in columns.schemas.items()}
    for table, day, batch in columns:
        open_file = writing.get(table)
        if open_file and open_file.day != day:
            if open_file.day > day:
                raise Problem(f"table {table} goes back in time, to {date(day)}")
            files.append(open_file.close())
            del writing[table]
            open_file = None
        if not open_file:
            open_file = TableFile(folder, table, day, schemas[table], columns.header)
            writing[table] = open_file
        open_file.add(batch)
    files += [file.close() for file in writing.values()]
    counted = {}
    for file in files:
        counted[file["table"]] = counted.get(file["table"], 0) + file["rows"]
    if counted != {table: rows for table, rows in columns.trailer["rows"].items() if rows}:
        raise Problem("the stream ended with another number of rows than it says")
    return sorted(files, key=lambda file: file["path"])


def result(folder, part, files, differences):
    return {
        "folder": str(folder.path), "from": part["from"], "to": part["to"], "root": part["root"],
        "files": len(files), "rows": sum(file["rows"] for file in files),
        "bytes": sum(file["bytes"] for file in files), "differences": differences,
    }


class Rows:
    """The rows of a file, from the first on, some at a time."""

    def __init__(self, path):
        self.file = pq.ParquetFile(path)
        self.batches = self.file.iter_batches(batch_size=1 << 16)
        self.rest, self.done = None, 0

    def take(self, count):
        """The next rows, or None where there are fewer."""
        parts = []
        while count:
            if self.rest is None or not self.rest.num_rows:
                self.rest = next(self.batches, None)
                if self.rest is None:
                    return None
            part = self.rest.slice(0, count)
            self.rest = self.rest.slice(part.num_rows)
            count -= part.num_rows
            parts.append(part)
        return pa.Table.from_batches(parts).combine_chunks()


def first_difference(wanted, found):
    """The place of the first row that differs, and the columns in which it does."""
    for place in range(wanted.num_rows):
        one, other = wanted.slice(place, 1).to_pylist()[0], found.slice(place, 1).to_pylist()[0]
        if one != other:
            return place, ", ".join(sorted(k for k in one if one[k] != other.get(k)))
    return 0, "types"


def verify(options):
    folder = Folder(options.folder)
    state = folder.state()
    if state is None:
        raise Problem(f"{folder.path} holds no tables: recount export parquet writes them")
    with folder.locked():
        folder.complete()
        state = folder.state()
        listed = {file["path"] for part in state["ranges"] for file in part["files"]}
        there = sorted(folder.path.glob("*/day=*/*.parquet"))
        differences = [
            f"{path}: it is not of the export"
            for path in (str(path.relative_to(folder.path)) for path in there)
            if path not in listed
        ]
        compared = []
        for part in state["ranges"]:
            compare(options, folder, state, part, differences, compared)
    ends = {"from": state["ranges"][0]["from"], **{k: part[k] for k in ("to", "root")}}
    return result(folder, ends, compared, differences)


def compare(options, folder, state, part, differences, compared):
    """Compares the files of a range with the log."""
    sound = {}
    for file in part["files"]:
        problem = metadata_problem(folder, state, part, file)
        if problem:
            differences.append(f"{file['path']}: {problem}")
        else:
            sound[(file["table"], file["day"])] = file
    if not sound:
        return
    with stream(options, part["from"], part["to"]) as columns:
        header = columns.header
        if (header["ledger"], header["root"], header["to_root"]) != (
            state["ledger"], part["from_root"], part["root"]
        ):
            # What a file says of itself is enough to see that it is not of this log.
            differences += [
                f"{file['path']}: it is of another log: it says root {part['root']} at entry"
                f" {part['to']}, and the log has {header['to_root']}"
                for file in sound.values()
            ]
            sound = {}
        rows = {key: Rows(folder.path / file["path"]) for key, file in sound.items()}
        for table, day, batch in columns:
            key = (table, date(day))
            if key not in rows:
                if key not in {(file["table"], file["day"]) for file in part["files"]}:
                    differences.append(f"{table}/day={date(day)}: rows of the log have no file")
                    rows[key] = None
                continue
            if rows[key] is None:
                continue
            path, done = sound[key]["path"], rows[key].done
            wanted = pa.Table.from_batches([batch])
            try:
                found = rows[key].take(batch.num_rows)
                if found is not None and found.cast(wanted.schema).equals(wanted):
                    rows[key].done += batch.num_rows
                    continue
            except (pa.ArrowException, OSError, ValueError) as error:
                differences.append(
                    f"{path}: row {done} or one behind it cannot be read:"
                    f" {str(error).splitlines()[0]}")
                rows[key] = None
                continue
            if found is None:
                differences.append(f"{path}: it has fewer rows than the log")
            else:
                place, names = first_difference(wanted, found)
                entry = wanted.slice(place, 1).to_pylist()[0]["entry"]
                differences.append(
                    f"{path}: row {done + place}, of entry {entry}, differs in {names}")
            rows[key] = None
        for key, reader in rows.items():
            if reader is None:
                continue
            if reader.take(1) is not None:
                differences.append(f"{sound[key]['path']}: it has more rows than the log")
            compared.append(sound[key])


def metadata_problem(folder, state, part, file):
    """Why a file is not the one that is listed; None where it is."""
    path = folder.path / file["path"]
    try:
        schema = pq.read_schema(path)
    except FileNotFoundError:
        return "it is missing"
    except (pa.ArrowException, OSError) as error:
        return f"it cannot be read: {str(error).splitlines()[0]}"
    said = {key.decode(): value.decode(errors="replace")
            for key, value in (schema.metadata or {}).items()}
    wanted = {
        "recount.ledger": state["ledger"], "recount.table": file["table"],
        "recount.day": file["day"], "recount.from": str(part["from"]),
        "recount.from_root": part["from_root"], "recount.to": str(part["to"]),
        "recount.root": part["root"],
    }
    for key, value in wanted.items():
        if said.get(key) != value:
            return f"its metadata say {key} {said.get(key)}, and the list says {value}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("action", choices=["export", "verify"])
    parser.add_argument("ledger", help="a ledger, a home, or a folder of tiles")
    parser.add_argument("folder", help="the folder of the tables")
    parser.add_argument("--recount", default="recount", help="the program")
    parser.add_argument("--from", dest="start", type=int, help="the first entry of a new folder")
    parser.add_argument("--to", dest="end", type=int, help="the entry behind the last")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        answer = (export if options.action == "export" else verify)(options)
    except Problem as problem:
        return refuse(options, str(problem))
    except (OSError, pa.ArrowException) as error:
        return refuse(options, f"{options.folder}: {error}")
    if options.json:
        print(json.dumps(answer, sort_keys=True))
    else:
        show(options, answer)
    return 1 if answer["differences"] else 0


def refuse(options, words):
    if options.json:
        print(json.dumps({"error": {"message": words, "status": "unusable"}}))
    print(f"Error: {words}", file=sys.stderr)
    return 2


def show(options, answer):
    rows = f"{answer['rows']:,} rows in {answer['files']} files, {answer['bytes']:,} bytes"
    if options.action == "export":
        done = "nothing new"
        if answer["files"]:
            done = f"entries {answer['from']} to {answer['to'] - 1}"
        print(f"{answer['folder']}: {done}: {rows}, under root {answer['root']}")
    elif not answer["differences"]:
        print(f"{answer['folder']} is what the log gives: {rows}, under root {answer['root']}")
    for difference in answer["differences"]:
        print(difference)


if __name__ == "__main__":
    sys.exit(main())
