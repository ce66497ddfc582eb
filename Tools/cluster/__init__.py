# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Ten validators as processes of their own on a hurt network: the parts of `Tools/network`."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SAMPLES = ROOT / "Tools" / "samples"

# The field, the curve and its moduli are those that the samples are made with.
sys.path.insert(0, str(SAMPLES))
