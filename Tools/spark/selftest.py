#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Tries the audit on Spark: the same findings as the plain audit, also where executors are killed.

    selftest.py RECOUNT LEDGER [--every N]

LEDGER has a checkpoint, so that its tiles can be exported. Prints a line for each thing tried, and
ends with 1 where one of them is not as it should be. Ends no process but executors that it began.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pieces import Piece, Reading, plan

HERE = Path(__file__).resolve().parent
failures = []


def check(name, holds, found=""):
    print(f"{'ok' if holds else 'FAILED'}  {name}" + (f": {found}" if not holds else ""),
          flush=True)
    if not holds:
        failures.append(name)


def command(options, folder, out, *more, recount=None):
    return [
        sys.executable, str(HERE / "audit.py"), str(folder / "tiles"), str(folder / "marks"),
        "--out", str(folder / out), "--recount", recount or options.recount, "--pieces", "6",
        "--json", *options.more, *more,
    ]


def report_of(done):
    try:
        return json.loads(done.stdout)
    except ValueError:
        print(done.stderr[-2000:], file=sys.stderr)
        return {"findings": None, "pieces": {"problems": done.stderr[-300:]}, "root": None}


def executors(parent):
    """The executors that a process began, by the table of processes."""
    parents, words = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
                words[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                parents[int(entry.name)] = int(status.rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue

    def is_below(process):
        while process in parents:
            if process == parent:
                return True
            process = parents[process]
        return False

    return [process for process, text in words.items()
            if b"CoarseGrainedExecutorBackend" in text and is_below(process)]


def try_killed(options, folder, wanted):
    """Two executors as processes of their own; one of them is killed while it audits."""
    slow = folder / "slow"
    slow.write_text(f'#!/bin/sh\ncase "$*" in *--combine*) ;; *) sleep 4 ;; esac\n'
                    f'exec {options.recount} "$@"\n')
    slow.chmod(0o755)
    started = subprocess.Popen(
        command(options, folder, "killed", "--master", "local-cluster[2,1,1024]", "--memory",
                "1024m", recount=str(slow)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    killed, deadline = None, time.monotonic() + 120
    while started.poll() is None and killed is None and time.monotonic() < deadline:
        found = executors(started.pid)
        if len(found) >= 2:
            time.sleep(9)
            killed = found[0]
            os.kill(killed, signal.SIGKILL)
        time.sleep(0.2)
    output, errors = started.communicate(timeout=600)
    check("an executor was there to be killed", killed is not None, errors[-500:])
    report = report_of(subprocess.CompletedProcess([], started.returncode, output, errors))
    check("with an executor killed midway the findings are the same",
          report["findings"] == wanted["findings"] and not report["pieces"]["problems"],
          report["pieces"]["problems"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("recount")
    parser.add_argument("ledger")
    parser.add_argument("--every", default="40", help="entries between snapshots")
    parser.add_argument(
        "--no-proofs", action="append_const", dest="more", const="--no-proofs", default=[])
    options = parser.parse_args()
    options.recount = os.path.abspath(options.recount)
    pieces = plan(100, [(30, 3), (70, 7)], 3)
    check("pieces begin where snapshots are",
          [(p.start, p.end, p.height) for p in pieces] == [(0, 30, None), (30, 70, 3),
                                                           (70, 100, 7)], pieces)
    reading = Reading([Piece(0, 0, 5000), Piece(1, 5000, 70_000, 1)])
    check("tiles go to the pieces that read them",
          reading.of("a/tile/entries/000")[1] == [0] and reading.of("tile/1/000")[1] == [0, 1]
          and reading.of("x/tile/entries/x001/000")[1] == []
          and reading.of("tile/0/019")[1] == [0, 1] and reading.of("checkpoint")[1] == [])
    with tempfile.TemporaryDirectory(prefix="recount-spark-") as name:
        folder = Path(name)
        run = [options.recount, "export", "tiles", options.ledger, str(folder / "tiles")]
        subprocess.run(run, check=True, capture_output=True)
        run = [options.recount, "snapshot", str(folder / "tiles"), "--every", options.every,
               "--out", str(folder / "marks")]
        subprocess.run(run, check=False, capture_output=True)
        size = json.loads((subprocess.run(
            [options.recount, "audit", str(folder / "tiles"), "--from", "0", "--json",
             *options.more], check=False, capture_output=True)).stdout)
        check("the tiles hold the log", size["size"] > 0)
        for out, more in (("direct", []), ("copied", ["--copy"])):
            done = subprocess.run(command(options, folder, out, *more), capture_output=True,
                                  text=True, check=False)
            report = report_of(done)
            check(f"{out}: the findings are those of one piece",
                  report["findings"] == size["findings"] and not report["pieces"]["problems"]
                  and report["root"] == size["root"], report["pieces"]["problems"])
            check(f"{out}: it is in pieces", report["pieces"].get("joined", 0) > 2)
            check(f"{out}: so many votes contradict the mathematics",
                  report.get("contradictions") == size["contradictions"])
        check("the findings are a table", list((folder / "direct" / "findings").glob("*.parquet")))
        try_killed(options, folder, size)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
