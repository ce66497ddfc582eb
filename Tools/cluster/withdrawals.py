# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Withdrawals by the thousand, each with a nullifier of its own and a proof that verifies.

Whoever made a Groth16 key alone can make proofs without a witness (Groth 2016, section 3.2, the
simulator): for any A = [a], B = [b] and public inputs x, the point
C = [(a b - alpha beta - gamma sum(x_i ic_i)) / delta] completes a proof. That is how these are
made: a key whose secrets are known, and three multiplications by fixed bases instead of a prover.
To a verifier they cost what any other proof costs. Such a key proves nothing, and is for loading
networks alone.
"""

import concurrent.futures
import functools
import json
import os
import random

from . import ROOT
from bn254 import P, R, multiply

CIRCUIT = "bulk"
PUBLIC_INPUTS = ("root", "nullifier", "recipient", "amount")
AMOUNT = PUBLIC_INPUTS.index("amount")
START_MILLISECONDS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
# One more file is made when this changes what the lines of a seed are.
VERSION = 1
WINDOW_BITS = 8
WINDOWS = 32
# Bits of the scalars of A and B, which need not be secret.
SHORT_BITS = 64

G1 = (1, 2)
G2 = (
    (10857046999023057135944570762232829481370756359578518086990519993285655852781,
     11559732032986387107991004021392285783925812861821192530917403151452391805634),
    (8495653923123431417604973247489272438418190587263600148770280649306958101930,
     4082367875863433681332203403145435568316851327593401208105741076214120093531),
)


class Prime:
    """The base field Fp, as the arithmetic of a curve wants it."""

    one = 1
    add = staticmethod(lambda a, b: (a + b) % P)
    minus = staticmethod(lambda a, b: (a - b) % P)
    times = staticmethod(lambda a, b: a * b % P)
    inverse = staticmethod(lambda a: pow(a, -1, P))


class Quadratic:
    """Fp2 = Fp[u] / (u^2 + 1), likewise."""

    one = (1, 0)
    add = staticmethod(lambda a, b: ((a[0] + b[0]) % P, (a[1] + b[1]) % P))
    minus = staticmethod(lambda a, b: ((a[0] - b[0]) % P, (a[1] - b[1]) % P))
    times = staticmethod(multiply)

    @staticmethod
    def inverse(a):
        scale = pow(a[0] * a[0] + a[1] * a[1], -1, P)
        return a[0] * scale % P, -a[1] * scale % P


def add(field, point, other):
    """The sum of a Jacobian point, or None for zero, and another affine point of the curve.

    The two are never equal or opposite here, but for one in 2^250.
    """
    if point is None:
        return (*other, field.one)
    times, minus = field.times, field.minus
    x, y, z = point
    square = times(z, z)
    h = minus(times(other[0], square), x)
    r = minus(times(other[1], times(square, z)), y)
    h_square = times(h, h)
    h_cube = times(h_square, h)
    v = times(x, h_square)
    new_x = minus(minus(times(r, r), h_cube), field.add(v, v))
    return new_x, minus(times(r, minus(v, new_x)), times(y, h_cube)), times(z, h)


def double(field, point):
    """Twice an affine point."""
    x, y = point
    square = field.times(x, x)
    twice_y = field.add(y, y)
    slope = field.times(field.add(field.add(square, square), square), field.inverse(twice_y))
    new_x = field.minus(field.times(slope, slope), field.add(x, x))
    return new_x, field.minus(field.times(slope, field.minus(x, new_x)), y)


def affine(field, points):
    """Jacobian points as affine ones, with one inversion for all (Montgomery)."""
    products, product = [], field.one
    for point in points:
        products.append(product)
        product = field.times(product, point[2])
    rest, result = field.inverse(product), []
    for point, product in zip(reversed(points), reversed(products)):
        inverse = field.times(rest, product)
        rest = field.times(rest, point[2])
        square = field.times(inverse, inverse)
        result.append((field.times(point[0], square),
                       field.times(point[1], field.times(square, inverse))))
    return result[::-1]


class FixedBase:
    """Multiples of one point by table: an addition for each window of a scalar."""

    def __init__(self, field, point):
        self.field, self.rows = field, []
        for _ in range(WINDOWS):
            second = double(field, point)
            multiples = [(*point, field.one), (*second, field.one)]
            while len(multiples) < 2 ** WINDOW_BITS:
                multiples.append(add(field, multiples[-1], point))
            *row, point = affine(field, multiples)
            self.rows.append(row)

    def times(self, scalar):
        """The Jacobian multiple of the point."""
        result = None
        for row in self.rows:
            digit = scalar & (2 ** WINDOW_BITS - 1)
            scalar >>= WINDOW_BITS
            if digit:
                result = add(self.field, result, row[digit - 1])
        return result


@functools.cache
def bases():
    """The tables of both generators."""
    return FixedBase(Prime, G1), FixedBase(Quadratic, G2)


class Setup:
    """A key of which the secrets are known."""

    def __init__(self, seed):
        draw = random.Random(f"setup {seed}")
        self.alpha, self.beta, self.gamma, self.delta = (draw.randrange(1, R) for _ in range(4))
        self.inputs = [draw.randrange(1, R) for _ in range(1 + len(PUBLIC_INPUTS))]
        self.root = draw.randrange(1, R)

    def verifying_key(self):
        """The key in the form of snarkjs."""
        first, second = bases()
        alpha, *inputs = affine(
            Prime, [first.times(scalar) for scalar in [self.alpha, *self.inputs]])
        beta, gamma, delta = affine(
            Quadratic, [second.times(scalar) for scalar in (self.beta, self.gamma, self.delta)])
        return {
            "protocol": "groth16", "curve": "bn128", "nPublic": len(PUBLIC_INPUTS),
            "vk_alpha_1": in_g1(alpha), "vk_beta_2": in_g2(beta), "vk_gamma_2": in_g2(gamma),
            "vk_delta_2": in_g2(delta), "IC": [in_g1(point) for point in inputs],
        }

    def third(self, a, b, public):
        """The scalar of C."""
        bound = self.inputs[0] + sum(x * s for x, s in zip(public, self.inputs[1:]))
        return (a * b - self.alpha * self.beta - self.gamma * bound) * pow(self.delta, -1, R) % R

    def withdrawals(self, seed, count):
        """As many lines of JSON, each a request whose proof verifies."""
        first, second = bases()
        draw = random.Random(f"withdrawals {seed}")
        drawn, ones, twos = [], [], []
        for _ in range(count):
            public = [self.root, draw.randrange(R), draw.randrange(R), draw.randrange(1, 10 ** 6)]
            a, b = draw.getrandbits(SHORT_BITS) | 1, draw.getrandbits(SHORT_BITS) | 1
            drawn.append(public)
            ones += [first.times(a), first.times(self.third(a, b, public))]
            twos.append(second.times(b))
        ones, twos = affine(Prime, ones), affine(Quadratic, twos)
        return [
            line(public, in_g1(a), in_g2(b), in_g1(c))
            for public, a, b, c in zip(drawn, ones[::2], twos, ones[1::2])]


def in_g1(point):
    return [str(point[0]), str(point[1]), "1"]


def in_g2(point):
    return [[str(part) for part in coordinate] for coordinate in point] + [["1", "0"]]


def line(public, a, b, c):
    return json.dumps({
        "circuit": CIRCUIT,
        "proof": {"pi_a": a, "pi_b": b, "pi_c": c, "protocol": "groth16", "curve": "bn128"},
        "public_inputs": [str(value) for value in public],
        "amount": public[AMOUNT],
        "recipient": public[PUBLIC_INPUTS.index("recipient")].to_bytes(32, "little").hex(),
        "timestamp": START_MILLISECONDS,
    }, separators=(",", ":"))


def with_false_proof(text):
    """The same withdrawal with another amount, for which its proof does not hold."""
    request = json.loads(text)
    request["amount"] += 1
    request["public_inputs"][AMOUNT] = str(request["amount"])
    return json.dumps(request, separators=(",", ":"))


PART = 500


def part(seed, number):
    """The lines of one part of the file, for a process of its own."""
    return Setup(seed).withdrawals(f"{seed} {number}", PART)


def prepare(seed, count):
    """The setup of a seed, and at least as many lines; made once and kept under `.build`."""
    folder = ROOT / ".build" / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"withdrawals-{VERSION}-{seed}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    if len(lines) < count:
        parts = range(len(lines) // PART, -(-count // PART))
        del lines[parts.start * PART:]
        bases()  # Before the processes are forked, so that each has them.
        workers = min(len(parts), os.cpu_count() or 1)
        with concurrent.futures.ProcessPoolExecutor(workers) as pool:
            for made in pool.map(functools.partial(part, seed), parts):
                lines += made
        whole = path.with_suffix(f".{os.getpid()}")
        whole.write_text("".join(text + "\n" for text in lines))
        whole.rename(path)
    return Setup(seed), lines[:count]
