#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""That the Miller loop of BN254 tells the group of order r from all else on the twist.

The loop leaves T = [6u + 2]Q + psi(Q) - psi^2(Q) behind, and the kernels take Q for a member where
T = -psi^3(Q). On the twist psi^2 = t psi - p, so that a sum of powers of psi is a + b psi, and
kills no point but those whose order divides its norm a^2 + a b t + b^2 p. Prints what the norms
have in common with the order of the twist; fails where that is not what the kernels rest on.
Standard library only.
"""

from math import gcd

U = 0x44E992B44A6909F1
T = 6 * U**2 + 1
P = 36 * U**4 + 36 * U**3 + 24 * U**2 + 6 * U + 1
R = P + 1 - T
TWIST = R * (2 * P - R)
LOOP = 6 * U + 2


def norm(powers: list[int]) -> int:
    """The norm of powers[0] + powers[1] psi + powers[2] psi^2 ..."""
    rest = list(powers)
    while len(rest) > 2:
        highest = rest.pop()
        rest[-1] += highest * T
        rest[-2] -= highest * P
    a, b = rest
    return a * a + a * b * T + b * b * P


def digits(number: int) -> list[int]:
    """The non-adjacent form, the highest digit first."""
    found = []
    while number:
        digit = 2 - number % 4 if number % 2 else 0
        found.append(digit)
        number = (number - digit) // 2
    return found[::-1]


def check(what: str, common: int, expected: int) -> None:
    name = "r" if common == R else str(common)
    print(f"{what}: {name}")
    assert common == expected, what


check("T + psi^3(Q)", gcd(norm([LOOP, 1, -1, 1]), TWIST), R)
check("T - psi^3(Q)", gcd(norm([LOOP, 1, -1, -1]), TWIST), 1)
for sign in (1, -1):
    check(f"[6u + 2]Q and psi(Q), {sign:+}", gcd(norm([LOOP, sign]), TWIST), 1)
    check(f"with psi(Q) and psi^2(Q), {sign:+}", gcd(norm([LOOP, 1, sign]), TWIST), 1)
multiple = 1
for digit in digits(LOOP)[1:]:
    multiple *= 2
    if digit:
        for sign in (1, -1):
            assert gcd(multiple + sign, TWIST) == 1, multiple
        multiple += digit
assert multiple == LOOP
print("each multiple that Q is added to, +1 and -1: 1")
