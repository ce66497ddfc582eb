# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""What ends a scenario."""


class Failure(Exception):
    """A property does not hold, or something did not happen in time."""


class Skipped(Exception):
    """The scenario needs something that is not here; it says what."""


def demand(holds, what):
    """Ends the scenario where something does not hold."""
    if not holds:
        raise Failure(what)
