#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Audits a log on Spark: a piece for each executor, and one verdict for all.

    audit.py TILES SNAPSHOTS --out DIR [--pieces N] [--master URL] [--findings TABLE]

TILES is what `recount export tiles` wrote and SNAPSHOTS what `recount snapshot --every` wrote, on
any file system that Spark reads. Where both are plain paths, which all executors see, each piece
reads them where they lie; else, and with --copy, Spark reads the files and hands each executor
those of its piece. A piece that is lost with its executor runs again elsewhere. The verdicts go to
DIR, one file each, and are joined by `recount audit --combine`; --ledger names the ledger itself,
if it is at hand, so that they are held against it, and --recheck audits some again here. The
findings are written as a table of Parquet.

The executors need the program: the same path everywhere, or --ship, which sends it along.

Exit codes: those of `recount audit --combine`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pieces import HEADER_BYTES, SNAPSHOT, Reading, plan, size_of  # noqa: E402

VERDICT_BYTES_MAX = 64 << 20
FINDING = ["entry", "kind", "expected", "found"]


class Problem(Exception):
    """What a person is told; the exit code is 2."""


def is_plain(place):
    return "://" not in place or place.startswith("file://")


def path_of(place):
    return place.removeprefix("file://")


class Files:
    """The files of a folder, as the driver sees them through Spark's file systems."""

    def __init__(self, session, place):
        jvm = session.sparkContext._jvm
        self.path = jvm.org.apache.hadoop.fs.Path(place)
        self.system = self.path.getFileSystem(
            session.sparkContext._jsc.hadoopConfiguration())
        self.jvm = jvm

    def names(self):
        return sorted(str(item.getPath().getName()) for item in self.system.listStatus(self.path))

    def start(self, name, count):
        """The first bytes of a file."""
        child = self.jvm.org.apache.hadoop.fs.Path(self.path, name)
        count = min(count, self.system.getFileStatus(child).getLen())
        stream = self.system.open(child)
        try:
            return bytes(self.jvm.org.apache.commons.io.IOUtils.toByteArray(stream, count))
        finally:
            stream.close()


def checkpoint(text):
    """The size and root that the folder's checkpoint names, whose signatures nobody checks here."""
    lines = text.decode(errors="replace").split("\n")
    if len(lines) < 3 or not lines[1].isdigit():
        raise Problem("the folder of tiles has no checkpoint that can be read")
    return int(lines[1])


def run(program, options, piece, tiles, snapshot):
    """Audits a piece, and returns what the program printed."""
    command = [
        program, "audit", tiles, "--from", str(piece.start), "--to", str(piece.end), "--json"
    ]
    if snapshot:
        command += ["--snapshot", snapshot]
    command += options
    done = subprocess.run(command, capture_output=True, check=False)
    if not done.stdout or len(done.stdout) > VERDICT_BYTES_MAX or not is_verdict(done.stdout):
        said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise RuntimeError(f"entries {piece.start} to {piece.end - 1}: {said}")
    return done.stdout


def is_verdict(text):
    try:
        return "range" in json.loads(text)
    except ValueError:
        return False


def program_here(shipped, path):
    """The program on this machine: where it was said to lie, or where Spark put it."""
    if not shipped:
        return path
    from pyspark import SparkFiles

    program = SparkFiles.get(os.path.basename(path))
    os.chmod(program, 0o755)
    return program


def direct(session, options, pieces):
    """Each piece reads the folders where they lie."""
    tiles, marks = path_of(options.tiles), path_of(options.snapshots)
    program, shipped, more = options.recount, options.ship, options.more

    def audit(piece):
        snapshot = f"{marks}/{piece.height:020}.snapshot" if piece.height is not None else None
        return piece.number, run(program_here(shipped, program), more, piece, tiles, snapshot)

    return session.sparkContext.parallelize(pieces, len(pieces)).map(audit).collect()


def copied(session, options, pieces):
    """Spark reads the files, and each piece gets those that it reads."""
    reading = Reading(pieces)
    by_height = {piece.height: piece.number for piece in pieces if piece.height is not None}
    first = [piece.number for piece in pieces]
    program, shipped, more = options.recount, options.ship, options.more

    def of_tiles(row):
        if row.path.endswith("/checkpoint"):
            return [(number, ("checkpoint", bytes(row.content))) for number in first]
        name, numbers = reading.of(row.path)
        return [(number, (name, bytes(row.content))) for number in numbers]

    def of_snapshots(row):
        found = SNAPSHOT.search(row.path)
        number = by_height.get(int(found[1])) if found else None
        return [] if number is None else [(number, ("snapshot", bytes(row.content)))]

    def files(place):
        return session.read.format("binaryFile").option("recursiveFileLookup", "true").load(
            place).select("path", "content").rdd

    def audit(item):
        number, parts = item
        with tempfile.TemporaryDirectory(prefix="recount-piece-") as folder:
            for name, content in parts:
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            snapshot = Path(folder) / "snapshot"
            if pieces[number].height is not None and not snapshot.exists():
                raise RuntimeError(f"the snapshot of height {pieces[number].height} is gone")
            return number, run(
                program_here(shipped, program), more, pieces[number], folder,
                str(snapshot) if snapshot.exists() else None)

    pairs = files(options.tiles).flatMap(of_tiles)
    if by_height:
        pairs = pairs.union(files(options.snapshots).flatMap(of_snapshots))
    count = len(pieces)
    return pairs.groupByKey(count, lambda number: number % count).map(audit).collect()


def join(options, verdicts, pieces):
    """Writes the verdicts, and joins them; returns the report and how the program ended."""
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.verdict"):
        old.unlink()
    for number, text in verdicts:
        hidden = out / f".{number:06}.tmp"
        hidden.write_bytes(text)
        hidden.rename(out / f"{pieces[number].start:020}.verdict")
    command = [options.recount, "audit"]
    if options.ledger:
        command.append(options.ledger)
    command += ["--combine"] + sorted(str(path) for path in out.glob("*.verdict"))
    if options.recheck:
        command += ["--recheck", str(options.recheck)]
    done = subprocess.run(command + ["--json"], capture_output=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {}
    if "findings" not in report:
        raise Problem(
            "the verdicts were not joined: " + done.stderr.decode(errors="replace").strip())
    return report, done.returncode


def write_findings(session, place, findings):
    from pyspark.sql.types import LongType, StringType, StructField, StructType

    kinds = [LongType()] + [StringType()] * 3
    schema = StructType([StructField(n, k, False) for n, k in zip(FINDING, kinds)])
    rows = [tuple(finding[name] for name in FINDING) for finding in findings]
    session.createDataFrame(rows, schema).coalesce(1).write.mode("overwrite").parquet(place)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tiles", help="a folder of tiles")
    parser.add_argument("snapshots", help="a folder of snapshots of the same log")
    parser.add_argument("--out", required=True, help="a local folder for the verdicts")
    parser.add_argument("--pieces", type=int, default=16, help="into so many, if it can be")
    parser.add_argument("--master", default="local[2]", help="Spark's master")
    parser.add_argument("--findings", help="where the table of findings goes; DIR/findings")
    parser.add_argument("--ledger", help="the ledger itself, to hold the verdicts against")
    parser.add_argument("--recheck", type=int, default=0, help="audit so many pieces again")
    parser.add_argument("--copy", action="store_true", help="hand out files, also plain ones")
    parser.add_argument("--ship", action="store_true", help="send the program to the executors")
    parser.add_argument("--recount", default="recount", help="the program")
    parser.add_argument("--memory", default="1g", help="of an executor, for Spark's own part")
    parser.add_argument("--json", action="store_true", help="print the joined report")
    parser.add_argument(
        "--no-proofs", action="append_const", dest="more", const="--no-proofs", default=[],
        help="leave the proofs out")
    options = parser.parse_args()
    # Executors work in folders of their own.
    for name in ("tiles", "snapshots"):
        place = getattr(options, name)
        if is_plain(place):
            setattr(options, name, os.path.abspath(path_of(place)))
    if "/" in options.recount:
        options.recount = os.path.abspath(options.recount)
    options.findings = options.findings or str(Path(options.out).absolute() / "findings")
    return options


def main():
    options = arguments()
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        print("Error: pyspark is not installed: Tools/analytics/setup does that", file=sys.stderr)
        return 2
    here = os.path.dirname(os.path.abspath(__file__))
    os.environ["PYTHONPATH"] = here + os.pathsep + os.environ.get("PYTHONPATH", "")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.master(options.master).appName("recount-audit")
        .config("spark.ui.enabled", "false")
        .config("spark.executor.memory", options.memory)
        # An executor that is lost costs its piece a try.
        .config("spark.task.maxFailures", "8")
        .config("spark.executorEnv.PYTHONPATH", here)
        .getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    try:
        session.sparkContext.addPyFile(os.path.join(here, "pieces.py"))
        if options.ship:
            session.sparkContext.addFile(options.recount)
        size = checkpoint(Files(session, options.tiles).start("checkpoint", 1 << 20))
        marks = Files(session, options.snapshots)
        known = [
            size_of(marks.start(name, HEADER_BYTES)) for name in marks.names()
            if SNAPSHOT.fullmatch(name)
        ]
        pieces = plan(size, known, options.pieces)
        began = time.monotonic()
        plain = is_plain(options.tiles) and is_plain(options.snapshots)
        work = direct if plain and not options.copy else copied
        verdicts = work(session, options, pieces)
        seconds = time.monotonic() - began
        report, status = join(options, verdicts, pieces)
        write_findings(session, options.findings, report["findings"])
    finally:
        session.stop()
    if options.json:
        print(json.dumps(report, sort_keys=True))
    else:
        problems = report["pieces"]["problems"]
        print(
            f"{len(pieces)} pieces of {size} entries in {seconds:.1f} s:"
            f" {len(report['findings'])} findings, {len(problems)} problems, root"
            f" {report['root'] or 'unknown'}")
        for problem in problems:
            print(f"  {problem['file']}: {problem['problem']}")
        for finding in report["findings"][:50]:
            print(f"  entry {finding['entry']}: {finding['kind']}: {finding['found']}")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Problem as problem:
        print(f"Error: {problem}", file=sys.stderr)
    except Exception:
        # Spark's own errors, and a machine that fails: no verdict, and not one that is bad.
        traceback.print_exc()
    sys.exit(2)
