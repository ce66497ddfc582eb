#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Measures audits in pieces and tables, on ledgers that are there.

    figures.py RECOUNT LEDGER... [--no-proofs] [--spark] [--runs 3] [--pieces 1000]

Give ledgers of different lengths, to see whether the cost of an entry stays the same. Each figure
is the median of the runs, in seconds and for each entry; the load of the machine stands beside them.
Writes to a folder of its own, which it removes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def timed(command, one_core=False):
    """How long a command takes, in seconds; it ends well, or with findings."""
    if one_core:
        command = ["taskset", "-c", "0", *command]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1, 2) or not done.stdout and done.returncode == 2:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.decode()[-500:]}")
    return seconds, done.stdout


class Measuring:
    def __init__(self, options, ledger, folder):
        self.options, self.ledger, self.folder = options, ledger, folder
        info = json.loads(self.run("ledger", "info", ledger, "--json"))
        self.entries = info["size"]
        place = Path(ledger)
        place = place if (place / "segments").exists() else place / "ledger"
        self.log_bytes = sum(f.stat().st_size for f in (place / "segments").iterdir())
        print(f"\n{ledger}: {self.entries:,} entries, {self.log_bytes:,} bytes,"
              f" load {os.getloadavg()[0]:.1f}")

    def run(self, *words):
        return timed([self.options.recount, *words])[1]

    def show(self, name, seconds, count=None, unit="entries"):
        middle = statistics.median(seconds)
        count = count or self.entries
        print(f"  {name:52} {middle:9.2f} s  {count / middle:13,.0f} {unit}/s"
              f"  {middle / count * 1e9:9,.0f} ns each", flush=True)
        return middle

    def audit(self, name, *words, one_core=False):
        command = [self.options.recount, "audit", self.ledger, "--json", *self.options.more, *words]
        return self.show(
            name, [timed(command, one_core)[0] for _ in range(self.options.runs)])

    def audits(self):
        every = max(1, self.entries // 16)
        marks = str(self.folder / "marks")
        seconds, _ = timed([self.options.recount, "snapshot", self.ledger, "--every", str(every),
                            "--out", marks])
        self.show("fold, with 15 snapshots", [seconds])
        size = sum(f.stat().st_size for f in Path(marks).iterdir())
        last = max(Path(marks).iterdir()).stat().st_size
        print(f"  snapshots have {size:,} bytes, the last {last:,}"
              f" ({last / self.entries * 16 / 15:.1f} for each entry before it)")
        plain = ["--no-projections"]
        self.audit("audit in one piece, all cores", *plain)
        self.audit("audit in one piece, one core", *plain, one_core=True)
        one = self.audit("--jobs 1 from snapshots, one core", "--jobs", "1", "--snapshots", marks,
                         *plain, one_core=True)
        two = self.audit("--jobs 2 from snapshots", "--jobs", "2", "--snapshots", marks, *plain)
        print(f"  two cores are {one / two:.2f} times one")
        self.audit("--jobs 2 without snapshots", "--jobs", "2", *plain)

    def combining(self):
        """Verdicts of many pieces of the shortest ledger, joined."""
        count = self.options.pieces
        marks = self.folder / "many"
        self.run("snapshot", self.ledger, "--every", str(max(1, self.entries // count)), "--out",
                 str(marks))
        files = sorted(marks.iterdir())
        sizes = [0] + [int.from_bytes(open(f, "rb").read(64)[56:64], "little") for f in files]
        out = self.folder / "verdicts"
        out.mkdir()
        for number, start in enumerate(sizes):
            end = sizes[number + 1] if number + 1 < len(sizes) else self.entries
            words = ["--snapshot", str(files[number - 1])] if number else []
            text = self.run("audit", self.ledger, "--from", str(start), "--to", str(end), "--json",
                            *self.options.more, *words)
            (out / f"{start:020}.verdict").write_bytes(text)
        size = sum(f.stat().st_size for f in out.iterdir())
        for name, words in (("alone", []), ("with the log at hand", [self.ledger])):
            command = [self.options.recount, "audit", *words, "--combine", str(out), "--json"]
            runs = [timed(command) for _ in range(self.options.runs)]
            problems = json.loads(runs[0][1])["pieces"]["problems"]
            self.show(f"joining {len(sizes)} verdicts of {size:,} bytes, {name}",
                      [seconds for seconds, _ in runs], len(sizes), "verdicts")
            if problems:
                print(f"  {problems[:2]}")

    def tables(self):
        out = self.folder / "tables"
        command = [sys.executable, str(HERE / "parquet.py"), "export", self.ledger, str(out),
                   "--recount", self.options.recount, "--json"]
        seconds, text = timed(command)
        said = json.loads(text)
        self.show("tables written", [seconds], said["rows"], "rows")
        stream = [self.options.recount, "export", "columns", self.ledger]
        start = time.perf_counter()
        subprocess.run(stream, stdout=subprocess.DEVNULL, check=True)
        self.show("  the stream of columns alone", [time.perf_counter() - start], said["rows"],
                  "rows")
        seconds, text = timed([*command[:2], "verify", *command[3:]])
        self.show("tables compared with the log", [seconds], said["rows"], "rows")
        print(f"  tables have {said['bytes'] / self.entries:.1f} bytes an entry, the log"
              f" {self.log_bytes / self.entries:.1f}; {json.loads(text)['differences']} differ")
        seconds, _ = timed([self.options.recount, "projections", "rebuild", self.ledger])
        self.show("beside: projections rebuilt", [seconds])
        import duckdb

        files = [str(path) for path in out.glob("votes/day=*/*.parquet")]
        connection = duckdb.connect()
        text = f"""
            SELECT validator_name, vote, reason, count(*), count(DISTINCT request),
                sum(signed_at > time), max(validator_key)
            FROM read_parquet({files}) GROUP BY ALL"""
        times, votes = [], 0
        for _ in range(self.options.runs):
            start = time.perf_counter()
            votes = sum(row[3] for row in connection.execute(text).fetchall())
            times.append(time.perf_counter() - start)
        self.show("DuckDB, a pass over all votes", times, votes, "votes")

    def spark(self):
        tiles, marks = str(self.folder / "tiles"), str(self.folder / "marks")
        done = subprocess.run(
            [self.options.recount, "export", "tiles", self.ledger, tiles], check=False,
            capture_output=True)
        if done.returncode:
            print(f"  no Spark: {done.stderr.decode().strip()}")
            return
        for master in ("local-cluster[1,1,1024]", "local-cluster[2,1,1024]"):
            command = [
                sys.executable, str(HERE.parent / "spark" / "audit.py"), tiles, marks, "--out",
                str(self.folder / "spark"), "--recount", self.options.recount, "--pieces", "8",
                "--master", master, "--memory", "1024m", *self.options.more]
            _, text = timed(command)
            said = text.decode().split(" in ")[-1]
            self.show(f"Spark, {master}", [float(said.split(" s:")[0])])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("recount")
    parser.add_argument("ledgers", nargs="+")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pieces", type=int, default=1000, help="verdicts that are joined")
    parser.add_argument("--spark", action="store_true", help="also on Spark; wants tiles and Java")
    parser.add_argument("--no-tables", action="store_true")
    parser.add_argument(
        "--no-proofs", action="append_const", dest="more", const="--no-proofs", default=[])
    options = parser.parse_args()
    options.recount = os.path.abspath(options.recount)
    for number, ledger in enumerate(options.ledgers):
        with tempfile.TemporaryDirectory(prefix="recount-figures-") as name:
            measuring = Measuring(options, ledger, Path(name))
            measuring.audits()
            if not options.no_tables:
                measuring.tables()
            if options.spark:
                measuring.spark()
            if number == 0 and options.pieces:
                measuring.combining()
    return 0


if __name__ == "__main__":
    sys.exit(main())
