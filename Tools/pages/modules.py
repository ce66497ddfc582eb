# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""The graph of modules, as Package.swift states it, and the order in which it is drawn."""

import json
import subprocess
import tempfile


def read(root):
    """Each module of Sources with the modules of ours that it depends on, by name.

    The package manager itself reads the manifest, with a folder of its own to work in, so that a
    build that runs beside it holds up nothing.
    """
    with tempfile.TemporaryDirectory() as scratch:
        dump = subprocess.run(
            ["swift", "package", "--package-path", str(root), "--scratch-path", scratch,
             "dump-package"],
            check=True, capture_output=True, text=True).stdout
    targets = [
        target for target in json.loads(dump)["targets"]
        if target["type"] != "test" and target.get("path") is None
    ]
    names = {target["name"] for target in targets}
    return {
        target["name"]: sorted(
            names & {next(iter(each.values()))[0] for each in target["dependencies"]})
        for target in targets
    }


def reach(graph):
    """Each module with all that it depends on, directly or not."""
    found = {}

    def visit(name):
        if name not in found:
            found[name] = set(graph[name])
            for below in graph[name]:
                found[name] |= visit(below)
        return found[name]

    for name in graph:
        visit(name)
    return found


def essential(graph):
    """The arrows that are drawn: not those that follow from others."""
    below = reach(graph)
    return {
        name: [
            other for other in graph[name]
            if not any(other in below[between] for between in graph[name])
        ]
        for name in graph
    }


def layers(graph):
    """The modules in rows, from the top: each above all that it depends on, as low as may be."""
    height = {}

    def visit(name):
        if name not in height:
            height[name] = 1 + max((visit(below) for below in graph[name]), default=-1)
        return height[name]

    for name in graph:
        visit(name)
    top = max(height.values())
    return [sorted(n for n in graph if height[n] == row) for row in range(top, -1, -1)]
