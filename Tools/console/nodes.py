# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Ten nodes of this machine, three of which lie, for whoever drives their console."""

import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Tools"))

from cluster.processes import spawn  # noqa: E402

SAMPLES = ROOT / "Tools" / "samples"
LIES = {8: "two-faced-verdicts", 9: "false-verdicts", 10: "double-votes"}
PATIENCE = 60
LEDGER_NAME = "<script>window.hit=1</script>"


class Network:
    """Ten nodes of this machine, and the bridge."""

    def __init__(self, recount, folder, port):
        self.recount, self.folder, self.port = recount, pathlib.Path(folder), port
        self.processes = []

    def run(self, *arguments):
        done = subprocess.run([self.recount, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f"recount {' '.join(map(str, arguments))}: {done.stderr}{done.stdout}")
        return done

    def start(self):
        text = (SAMPLES / "recount.toml").read_text()
        text = re.sub(r'(?m)^name = "recount.example/samples"$', f'name = "{LEDGER_NAME}"', text)
        text = text.replace("withdraw_verification_key.json",
                            str(SAMPLES / "withdraw_verification_key.json"))
        # Requests per second are bounded by address, and all pages come from one.
        text += (f'\n[api]\nlisten = "127.0.0.1:{self.port}"\nrequests_per_second = 0\n'
                 "\n[checkpoints]\nseconds = 1\n")
        config = self.folder / "console.toml"
        config.write_text(text)
        self.run("init", self.folder / "net", "--config", config, "--port", self.port + 20)
        for number in range(1, 11):
            lie = ("--byzantine", LIES[number]) if number in LIES else ()
            self.node(f"validator-{number}", *lie)
        self.node("bridge")

    def node(self, name, *more):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes.append(spawn(
                [self.recount, "node", str(self.folder / "net" / name), *more],
                stdout=log, stderr=log))

    def url(self, number=1):
        return f"http://127.0.0.1:{self.port + number - 1}"

    def get(self, path, number=1):
        with urllib.request.urlopen(self.url(number) + path, timeout=PATIENCE) as response:
            return response.read()

    def json(self, path, number=1):
        return json.loads(self.get(path, number))

    def wait(self, what, holds):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if holds():
                    return
            except OSError:
                pass  # It does not answer, or says that it is too early.
            time.sleep(0.2)
        sys.exit(f"not in {PATIENCE} seconds: {what}")

    def submit(self, first, last):
        lines = (SAMPLES / "requests.jsonl").read_text().splitlines()[first:last]
        path = self.folder / "requests.jsonl"
        path.write_text("\n".join(lines))
        self.run("submit", "--node", self.url(), "--request", path, "--submitter",
                 self.folder / "net" / "submitters" / "submitter", "--wait")

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
