# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Draws the picture of the modules, checks the catalogue and makes pages of it."""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from . import modules, picture

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "Sources/recount/Recount.docc"
PICTURE = CATALOGUE / "modules.svg"

# What docc says of links inside the catalogue; of links to files it says nothing.
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")

# The first page stands under /documentation; who opens the site is led there.
INDEX = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Recount</title>
<meta http-equiv="refresh" content="0; url=documentation/recount/">
<a href="documentation/recount/">Recount</a>
</html>
"""


def main():
    parser = argparse.ArgumentParser(
        prog="Tools/docs",
        description="Makes static pages of the DocC catalogue. Needs the toolchain and builds"
        " nothing: the catalogue is articles alone. A link that leads nowhere, or any other"
        " warning of docc, is an error.")
    parser.add_argument(
        "--out", default=str(ROOT / ".build/docs"), help="the folder of pages (.build/docs)")
    parser.add_argument(
        "--base", default="", metavar="PATH", help="where on its server the site is, if not at /")
    parser.add_argument(
        "--check", action="store_true",
        help="write nothing: exit 1 where the picture is not that of Package.swift, or a link is"
        " broken")
    options = parser.parse_args()

    drawn = picture.draw(modules.read(ROOT))
    if options.check:
        if not PICTURE.exists() or PICTURE.read_text() != drawn:
            print("the picture of the modules is not that of Package.swift: run Tools/docs",
                  file=sys.stderr)
            return 1
    else:
        PICTURE.write_text(drawn)

    broken = list(broken_files())
    for line in broken:
        print(line, file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        made = pathlib.Path(scratch) / "pages"
        if not convert(made, options.base) or broken:
            return 1
        if not options.check:
            publish(made, pathlib.Path(options.out))
    return 0


def broken_files():
    """The links of articles to files that are not there."""
    for article in sorted(CATALOGUE.glob("*.md")):
        for number, line in enumerate(article.read_text().splitlines(), 1):
            for _, target in LINK.findall(line):
                if re.match(r"(https?|doc):", target) or (CATALOGUE / target).is_file():
                    continue
                yield f"{article.relative_to(ROOT)}:{number}: {target} leads nowhere"


def convert(out, base):
    """Has docc make the pages; whether it had nothing to say."""
    command = [
        *docc(), "convert", str(CATALOGUE), "--output-path", str(out),
        "--fallback-display-name", "Recount", "--fallback-bundle-identifier", "recount",
        "--warnings-as-errors",
    ]
    if base:
        command += ["--hosting-base-path", base]
    # Its lines name files of the checkout; what it says of itself is of no concern.
    return subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0


def docc():
    """The command that the toolchain has."""
    if shutil.which("docc"):
        return ["docc"]
    if shutil.which("xcrun"):
        return ["xcrun", "docc"]
    sys.exit("Tools/docs: no docc, which is part of the Swift toolchain")


def publish(made, out):
    """Puts the pages where they are wanted, in place of those of an earlier run alone."""
    if out.exists():
        if any(out.iterdir()) and not (out / "metadata.json").exists():
            sys.exit(f"Tools/docs: {out} is there, and is not what Tools/docs made")
        shutil.rmtree(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(made, out)
    (out / "index.html").write_text(INDEX)
    print(f"{out}/documentation/recount/index.html")
