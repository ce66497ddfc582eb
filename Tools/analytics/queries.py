#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""The questions of the README, asked of a folder of tables with DuckDB or with Spark.

    queries.py DIR                          every question, with DuckDB
    queries.py DIR --ask outcomes --json    one of them
    queries.py DIR --spark                  the same text, run by Spark

Each question is one text of SQL that both run as it is. Amounts, fuel and memory are unsigned of
64 bits, which Spark reads as decimals.
"""

import argparse
import json
import sys
from pathlib import Path

TABLES = [
    "entries", "batches", "requests", "votes", "reputation", "leaders", "jobs", "settlements",
    "evidence", "disagreements",
]

QUESTIONS = {
    "outcomes": (
        "How were requests decided, and how narrowly?",
        """
        SELECT outcome, reason, count(*) AS requests, min(margin) AS narrowest,
            max(margin) AS widest
        FROM requests GROUP BY outcome, reason ORDER BY outcome, reason
        """),
    "answers": (
        "What did validators answer?",
        """
        SELECT validator_name, vote, count(*) AS votes
        FROM votes GROUP BY validator_name, vote ORDER BY validator_name, vote
        """),
    "pairs": (
        "Who disagrees with whom, most often first?",
        """
        SELECT a.validator_name AS one, b.validator_name AS other, count(*) AS times
        FROM disagreements AS a JOIN disagreements AS b
            ON a.about = b.about AND a.validator < b.validator AND a.side <> b.side
        GROUP BY a.validator_name, b.validator_name ORDER BY times DESC, one, other
        """),
    "minorities": (
        "Who votes otherwise than most of those who disagreed?",
        """
        WITH sides AS (
            SELECT about, side, count(*) AS members FROM disagreements GROUP BY about, side),
        largest AS (SELECT about, max(members) AS members FROM sides GROUP BY about)
        SELECT d.validator_name, count(*) AS times
        FROM disagreements AS d
            JOIN sides ON sides.about = d.about AND sides.side = d.side
            JOIN largest ON largest.about = d.about
        WHERE sides.members < largest.members
        GROUP BY d.validator_name ORDER BY times DESC, validator_name
        """),
    "reputation": (
        "What has reputation been won and lost for, in points?",
        """
        SELECT validator_name, cause, count(*) AS times, sum(after - before) / 1000.0 AS points
        FROM reputation GROUP BY validator_name, cause ORDER BY validator_name, cause
        """),
    "unpaid": (
        "Which requests were approved and are not paid yet?",
        """
        SELECT o.request FROM settlements AS o
            LEFT JOIN settlements AS r ON r.request = o.request AND r.event <> 'ordered'
        WHERE o.event = 'ordered' AND r.request IS NULL ORDER BY o.request
        """),
    "leaders": (
        "Who proposed how many batches, and after how many were passed over?",
        """
        SELECT leader_name, count(*) AS batches, sum(passed_over) AS passed_over
        FROM leaders WHERE matter = 'batch' GROUP BY leader_name ORDER BY leader_name
        """),
    "days": (
        "How many entries of each kind has a day?",
        """
        SELECT day, kind, count(*) AS entries, sum(bytes) AS bytes
        FROM entries GROUP BY day, kind ORDER BY day, kind
        """),
}


def files(folder, table):
    return sorted(str(path) for path in (Path(folder) / table).glob("day=*/*.parquet"))


def empty(table):
    """The columns of a table that has no rows yet, so that questions can name them."""
    columns = {
        "disagreements": "about BIGINT, side INT, validator INT, validator_name STRING",
        "settlements": "request BIGINT, event STRING",
        "requests": "outcome STRING, reason STRING, margin INT",
        "votes": "validator_name STRING, vote STRING",
        "leaders": "leader_name STRING, passed_over INT, matter STRING",
    }
    return columns.get(table, "entry BIGINT")


class DuckDB:
    """Answers with DuckDB, which reads the files where they lie."""

    def __init__(self, folder):
        import duckdb

        self.connection = duckdb.connect()
        for table in TABLES:
            found = files(folder, table)
            if found:
                self.connection.read_parquet(found, hive_partitioning=True).create_view(table)
            else:
                self.connection.execute(f"CREATE TABLE {table} ({empty(table)})")

    def ask(self, name):
        found = self.connection.execute(QUESTIONS[name][1])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row)) for row in found.fetchall()]


class Spark:
    """Answers with Spark, in this process or on the cluster that `master` names."""

    def __init__(self, folder, master="local[2]"):
        from pyspark.sql import SparkSession

        self.session = (
            SparkSession.builder.master(master).appName("recount-tables")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate())
        self.session.sparkContext.setLogLevel("ERROR")
        for table in TABLES:
            found = files(folder, table)
            if found:
                frame = self.session.read.option(
                    "basePath", str(Path(folder) / table)).parquet(*found)
            else:
                frame = self.session.createDataFrame([], empty(table))
            frame.createOrReplaceTempView(table)

    def ask(self, name):
        return [row.asDict() for row in self.session.sql(QUESTIONS[name][1]).collect()]

    def stop(self):
        self.session.stop()


def plain(value):
    """A value as JSON has it: whole numbers as such, decimals as numbers, days as texts."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    number = None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return int(number) if number.is_integer() else round(number, 6)


def answers(engine, names):
    return {
        name: [{key: plain(value) for key, value in row.items()} for row in engine.ask(name)]
        for name in names
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", help="what recount export parquet wrote")
    parser.add_argument("--ask", action="append", choices=QUESTIONS, help="only this question")
    parser.add_argument("--spark", action="store_true", help="run them by Spark")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not (Path(options.folder) / "_recount" / "state.json").exists():
        print(f"Error: {options.folder} holds no tables: recount export parquet writes them",
              file=sys.stderr)
        return 2
    try:
        engine = (Spark if options.spark else DuckDB)(options.folder)
    except ImportError as missing:
        print(f"Error: {missing.name} is not installed: Tools/analytics/setup does that",
              file=sys.stderr)
        return 2
    found = answers(engine, options.ask or list(QUESTIONS))
    if options.json:
        print(json.dumps(found, sort_keys=True))
        return 0
    for name, rows in found.items():
        print(f"\n{QUESTIONS[name][0]}")
        for row in rows:
            print("  " + "  ".join(f"{key} {value}" for key, value in row.items()))
        if not rows:
            print("  none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
