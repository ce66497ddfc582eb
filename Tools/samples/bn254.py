# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""BN254 as far as the samples need it: the two moduli, Poseidon, and points that are wrong."""

import functools

# The order of the groups, which the scalar field (public inputs) is taken by.
R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
# The modulus of the base field, which coordinates are taken by.
P = 21888242871839275222246405745257275088696311157297823662689037894645226208583

# Rounds with one S-box, by width (Grassi et al. 2021, "Poseidon", as circomlib instantiates it).
PARTIAL_ROUNDS = {3: 57, 4: 56}


def grain(width, partial_rounds):
    """Yields the field elements of the Grain generator of the Poseidon paper, appendix E."""
    bits = []
    for value, count in (1, 2), (0, 4), (254, 12), (width, 12), (8, 10), (partial_rounds, 10):
        bits += [value >> shift & 1 for shift in reversed(range(count))]
    bits += [1] * 30

    def step():
        bit = bits[62] ^ bits[51] ^ bits[38] ^ bits[23] ^ bits[13] ^ bits[0]
        bits.append(bit)
        del bits[0]
        return bit

    for _ in range(160):
        step()
    while True:
        value = 0
        for _ in range(254):
            while not step():
                step()
            value = value << 1 | step()
        yield value


@functools.cache
def parameters(width):
    """Returns the round constants and the matrix for a state of `width` elements."""
    partial_rounds = PARTIAL_ROUNDS[width]
    stream = grain(width, partial_rounds)
    constants = []
    while len(constants) < width * (8 + partial_rounds):
        value = next(stream)
        if value < R:  # round constants are drawn again, matrix entries are reduced
            constants.append(value)
    xs = [next(stream) % R for _ in range(width)]
    ys = [next(stream) % R for _ in range(width)]
    return constants, [[pow(x + y, -1, R) for y in ys] for x in xs]


def poseidon(*inputs):
    """Returns the circomlib Poseidon digest of two or three field elements."""
    width = len(inputs) + 1
    constants, matrix = parameters(width)
    rounds = 8 + PARTIAL_ROUNDS[width]
    state = [0, *inputs]
    for index in range(rounds):
        state = [(s + c) % R for s, c in zip(state, constants[index * width:])]
        full = index < 4 or index >= rounds - 4
        state = [pow(s, 5, R) if full or i == 0 else s for i, s in enumerate(state)]
        state = [sum(m * s for m, s in zip(row, state)) % R for row in matrix]
    return state[0]


def multiply(a, b):
    """Returns the product in Fp2 = Fp[u] / (u^2 + 1)."""
    return (a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P


def square_root(a):
    """Returns a square root in Fp2, or None. P is 3 mod 4, so both steps are one power each."""
    norm = pow(a[0] * a[0] + a[1] * a[1], (P + 1) // 4, P)
    for sign in norm, -norm:
        half = (a[0] + sign) * pow(2, -1, P) % P
        x = pow(half, (P + 1) // 4, P)
        if x and x * x % P == half:
            root = x, a[1] * pow(2 * x, -1, P) % P
            if multiply(root, root) == a:
                return root
    return None


def point_outside_subgroup():
    """Returns a point of the twist that is on the curve and, but for 1 in 10^76, not in G2."""
    ninth = multiply((3, 0), (9 * pow(82, -1, P) % P, -pow(82, -1, P) % P))  # 3 / (9 + u)
    for c0 in range(1, 100):
        x = (c0, 1)
        cube = multiply(x, multiply(x, x))
        y = square_root(((cube[0] + ninth[0]) % P, (cube[1] + ninth[1]) % P))
        if y is not None:
            return x, y
    raise ArithmeticError("no point found")
