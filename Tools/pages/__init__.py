# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""What Tools/docs is made of."""
