#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Tries the tables of a ledger: export, again, interrupted, altered; and the questions.

    selftest.py RECOUNT LEDGER [--spark]

Writes to a folder of its own, which it removes. Prints a line for each thing tried, and ends with 1
where one of them is not as it should be. The answers are held against the projections, which the
program folds by itself: README has the questions as SQL of SQLite.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from columns import ColumnStream, StreamError
from queries import QUESTIONS, DuckDB, Spark, answers

HERE = Path(__file__).resolve().parent
failures = []

# What the tables should answer, asked of the projections: of what is closed there.
PROJECTIONS = {
    "outcomes": """
        SELECT outcome, reason, count(*) AS requests, min(margin) AS narrowest,
            max(margin) AS widest
        FROM request WHERE closed IS NOT NULL GROUP BY outcome, reason ORDER BY outcome, reason""",
    "answers": """
        SELECT name AS validator_name, vote, count(*) AS votes
        FROM vote JOIN validator ON number = validator GROUP BY name, vote ORDER BY name, vote""",
    "pairs": """
        SELECT one.name AS one, other.name AS other, count(*) AS times
        FROM disagreement AS a JOIN disagreement AS b
            ON a.about = b.about AND a.validator < b.validator AND a.side <> b.side
        JOIN validator AS one ON one.number = a.validator
        JOIN validator AS other ON other.number = b.validator
        GROUP BY a.validator, b.validator ORDER BY times DESC, one.name, other.name""",
    "reputation": """
        SELECT name AS validator_name, cause, count(*) AS times,
            sum(after - before) / 1000.0 AS points
        FROM reputation_change JOIN validator ON number = validator
        GROUP BY name, cause ORDER BY name, cause""",
    "unpaid": "SELECT request FROM settlement WHERE reported IS NULL ORDER BY request",
    "leaders": """
        SELECT name AS leader_name, count(*) AS batches, sum(round) AS passed_over
        FROM batch JOIN validator ON number = proposer GROUP BY name ORDER BY name""",
}


def check(name, holds, found=""):
    print(f"{'ok' if holds else 'FAILED'}  {name}" + (f": {found}" if not holds else ""))
    if not holds:
        failures.append(name)


def run(options, action, folder, *more, stop=None, bytes_max=None):
    def limit():
        # A file that grows beyond is refused, as all are on a full disk.
        if bytes_max is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    environment = dict(os.environ)
    if stop:
        environment["RECOUNT_PARQUET_STOP_BEFORE"] = stop
    command = [sys.executable, str(HERE / "parquet.py"), action, options.ledger, str(folder),
               "--recount", options.recount, "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False,
                          preexec_fn=limit)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, {"said": done.stderr}


def tables(folder):
    """What a reader sees: all rows of all files, by table."""
    seen = {}
    for path in sorted(Path(folder).glob("*/day=*/*.parquet")):
        seen.setdefault(path.parts[-3], []).extend(pq.ParquetFile(path).read().to_pylist())
    return seen


def ranges(options, size):
    """A place between two batches, about the middle."""
    said = subprocess.run(
        [options.recount, "log", options.ledger, "--kind", "batchSealed", "--json"],
        capture_output=True, text=True, check=True).stdout
    ends = [json.loads(line)["entry"] + 1 for line in said.splitlines()]
    return min(ends, key=lambda end: abs(end - size // 2))


def try_export(options, folder):
    whole = folder / "whole"
    status, first = run(options, "export", whole)
    check("tables are written", status == 0 and first["rows"] > 0, first)
    status, again = run(options, "export", whole)
    check("written again, nothing is new", status == 0 and again["rows"] == 0, again)
    wanted = tables(whole)
    check("every entry has a row", len(wanted["entries"]) == first["to"], len(wanted["entries"]))
    status, said = run(options, "verify", whole)
    check("what was written is what the log gives",
          status == 0 and said["rows"] == first["rows"], said)
    middle = ranges(options, first["to"])
    parts = folder / "parts"
    run(options, "export", parts, "--to", str(middle))
    seen = sum(len(rows) for rows in tables(parts).values())
    status, rest = run(options, "export", parts)
    check("the rest is added to a part", status == 0 and rest["from"] == middle, rest)
    check("two parts are the whole", tables(parts) == wanted)
    check("and the second wrote only what is new", seen + rest["rows"] == first["rows"])
    for stop in ("intent", "publish", "half"):
        broken = folder / stop
        run(options, "export", broken, "--to", str(middle))
        before = tables(broken)
        status, _ = run(options, "export", broken, stop=stop)
        during = tables(broken)
        check(f"interrupted before {stop}, readers see no part of a file",
              status == 9 and all(rows[:len(before[name])] == before[name]
                                  for name, rows in during.items() if name in before))
        status, said = run(options, "export", broken)
        check(f"interrupted before {stop}, the next run ends whole",
              status == 0 and tables(broken) == wanted, said)
        check(f"interrupted before {stop}, nothing hidden is left",
              not list(broken.glob("*/day=*/.*")))
    for bytes_max in (0, 4000, 8000):
        full = folder / f"full-{bytes_max}"
        run(options, "export", full, "--to", str(middle))
        before = tables(full)
        status, said = run(options, "export", full, bytes_max=bytes_max)
        check(f"with room for {bytes_max} bytes, it says so", status == 2 and "error" in said, said)
        check(f"with room for {bytes_max} bytes, readers see what was there",
              tables(full) in (before, wanted) and not list(full.glob("*/day=*/.*")),
              list(full.rglob(".*")))
        status, said = run(options, "export", full)
        check(f"with room again after {bytes_max} bytes, the next run ends whole",
              status == 0 and tables(full) == wanted, said)
    for number, (name, content) in enumerate((
            ("state", {"version": 1, "ledger": "", "ranges": []}),
            ("intent", {"range": {"from": 0}}), ("intent", []))):
        copy = folder / f"nonsense-{number}"
        shutil.copytree(whole, copy)
        (copy / "_recount" / f"{name}.json").write_text(json.dumps(content))
        for action in ("export", "verify"):
            status, said = run(options, action, copy)
            check(f"nonsense {number} as {name}.json is refused by {action}",
                  status == 2 and "error" in said, said)
    return whole


def altered(folder, whole, name):
    copy = folder / name
    shutil.copytree(whole, copy)
    return copy


def rewrite(path, change, metadata=None):
    """Writes a file anew with other rows, and its metadata as they were."""
    table = pq.ParquetFile(path).read()
    schema = table.schema
    rows = change(table.to_pylist())
    kept = metadata or schema.metadata
    fresh = type(table).from_pylist(rows, schema=schema.with_metadata(kept))
    pq.write_table(fresh, path)


def try_verify(options, folder, whole):
    def first(copy, table):
        return sorted(copy.glob(f"{table}/day=*/*.parquet"))[0]

    def other_vote(rows):
        rows[1]["vote"] = "abstain" if rows[1]["vote"] != "abstain" else "approve"
        return rows

    def other_byte(path):
        content = bytearray(path.read_bytes())
        # Behind the magic number the first page begins.
        content[5:40] = bytes(35)
        path.write_bytes(content)

    def other_type(path):
        table = pq.ParquetFile(path).read()
        place = table.schema.get_field_index("signed_at")
        table = table.set_column(place, "signed_at", [["x"] * table.num_rows])
        pq.write_table(table, path)

    cases = {
        "a vote": ("votes", lambda path: rewrite(path, other_vote), "differs in vote"),
        "a row too few": ("votes", lambda path: rewrite(path, lambda rows: rows[:-1]), "fewer"),
        "a row too many": (
            "votes", lambda path: rewrite(path, lambda rows: rows + rows[-1:]), "more rows"),
        "a file that is gone": ("votes", lambda path: path.unlink(), "missing"),
        "a file of nobody": (
            "votes",
            lambda path: shutil.copy(path, path.with_name(path.name.replace("000-", "001-"))),
            "not of the export"),
        "a byte of a page": ("votes", other_byte, "cannot be read"),
        "a column of another type": ("votes", other_type, "cannot be read"),
        "a file that is none": ("votes", lambda path: path.write_bytes(b"PAR1"), "cannot be read"),
        "metadata of another range": (
            "votes", lambda path: rewrite(path, list, {
                **pq.read_schema(path).metadata, b"recount.to": b"1"}), "metadata"),
    }
    for number, (name, (table, change, words)) in enumerate(cases.items()):
        copy = altered(folder, whole, f"altered-{number}")
        change(first(copy, table))
        status, said = run(options, "verify", copy)
        named = [line for line in said.get("differences", []) if table in line and words in line]
        check(f"{name} is named", status == 1 and named, said)
    copy = altered(folder, whole, "foreign")
    state = json.loads((copy / "_recount" / "state.json").read_text())
    other = "0" * 64
    for part in state["ranges"]:
        for file in part["files"]:
            path = copy / file["path"]
            rewrite(path, list, {**pq.read_schema(path).metadata, b"recount.root": other.encode()})
        part["root"] = other
    (copy / "_recount" / "state.json").write_text(json.dumps(state))
    status, said = run(options, "verify", copy)
    check("a folder of another log is told by its roots",
          status == 1 and said["rows"] == 0 and "another log" in said["differences"][0], said)
    status, said = run(options, "export", copy)
    check("and nothing is added to it", status == 2, said)
    copy = altered(folder, whole, "elsewhere")
    listed = copy / "_recount" / "state.json"
    listed.write_text(listed.read_text().replace('"votes/', '"../../votes/'))
    for action in ("export", "verify"):
        status, said = run(options, action, copy)
        check(f"a list that names what lies elsewhere is refused by {action}",
              status == 2 and "is no list of tables" in str(said), said)


def try_stream(options):
    text = subprocess.run(
        [options.recount, "export", "columns", options.ledger], capture_output=True,
        check=True).stdout

    def read(content):
        with contextlib.suppress(StreamError):
            for _ in ColumnStream(io.BytesIO(content)):
                pass
            return True
        return False

    check("a stream is read to its end", read(text))
    places = sorted({0, 4, 8, 9, 12, len(text) - 1} | set(range(20, len(text), len(text) // 40)))
    check("one that is cut is refused", not any(read(text[:place]) for place in places))
    check("one that goes on is refused", not read(text + b"x"))
    (header,) = struct.unpack("<I", text[8:12])
    block = 12 + header
    bad = [block, block + 1, block + 2, block + 4, block + 7, block + 15]
    check("a block that is not one is refused",
          not any(read(text[:at] + bytes([text[at] ^ 0xFF]) + text[at + 1:]) for at in bad))


def try_questions(options, whole):
    found = answers(DuckDB(whole), QUESTIONS)
    info = json.loads(subprocess.run(
        [options.recount, "projections", "info", options.ledger, "--json"],
        capture_output=True, text=True, check=True).stdout)
    if "file" not in info:
        subprocess.run([options.recount, "projections", "rebuild", options.ledger],
                       capture_output=True, check=True)
    ledger = Path(options.ledger)
    place = ledger if (ledger / "projections.sqlite").exists() else ledger / "ledger"
    base = sqlite3.connect(f"file:{place}/projections.sqlite?mode=ro", uri=True)
    base.row_factory = sqlite3.Row
    for name, text in PROJECTIONS.items():
        wanted = [dict(row) for row in base.execute(text).fetchall()]
        wanted = [{k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}
                  for row in wanted]
        check(f"DuckDB answers {name} as the projections do", found[name] == wanted,
              f"{found[name][:3]} and {wanted[:3]}")
    print(f"rows: { {name: len(rows) for name, rows in found.items()} }")
    if not options.spark:
        return
    spark = Spark(whole)
    try:
        other = answers(spark, QUESTIONS)
    finally:
        spark.stop()
    for name in QUESTIONS:
        check(f"Spark answers {name} as DuckDB does", other[name] == found[name],
              f"{other[name][:3]} and {found[name][:3]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("recount")
    parser.add_argument("ledger")
    parser.add_argument("--spark", action="store_true", help="ask Spark as well; wants Java")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recount-tables-") as name:
        folder = Path(name)
        whole = try_export(options, folder)
        try_verify(options, folder, whole)
        try_stream(options)
        try_questions(options, whole)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
