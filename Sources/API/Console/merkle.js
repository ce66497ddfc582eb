// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Trees of RFC 6962: that an entry is in a log of which size and root are known.

import { sha256 } from "./sha256.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash of a leaf. */
export const leafHash = (bytes) => sha256(LEAF, bytes);
/** The hash of an inner node. */
export const nodeHash = (left, right) => sha256(NODE, left, right);

/** Bytes as hexadecimal digits. */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes behind hexadecimal digits; throws where they are none. */
export function unhex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error("these are no hexadecimal digits");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Whether two byte strings are equal. */
export function isSame(a, b) {
  return a.length === b.length && a.every((byte, place) => byte === b[place]);
}

/** The largest power of two below a number above 1. Sizes are BigInt: a log may be long. */
function half(count) {
  let power = 1n;
  while (power << 1n < count) power <<= 1n;
  return power;
}

/** The steps from a leaf to the root of a tree, by RFC 9162 2.1.3.2; throws where they do not fit. */
export function inclusionSteps(index, size, leaf, proof) {
  [index, size] = [BigInt(index), BigInt(size)];
  if (index >= size) throw new Error("the entry is not below the size");
  const steps = [];
  let [at, last, hash, used] = [index, size - 1n, leaf, 0];
  while (last > 0n) {
    const isRight = (at & 1n) === 1n;
    if (isRight || at < last) {
      if (used === proof.length) throw new Error("the proof is too short");
      const other = proof[used];
      used += 1;
      const left = isRight ? other : hash;
      const right = isRight ? hash : other;
      hash = nodeHash(left, right);
      steps.push({ side: isRight ? "left" : "right", other, hash });
    }
    at >>= 1n;
    last >>= 1n;
  }
  if (used !== proof.length) throw new Error("the proof is too long");
  return steps;
}

/** The root that a leaf and a proof come to. */
export function inclusionRoot(index, size, leaf, proof) {
  const steps = inclusionSteps(index, size, leaf, proof);
  return steps.length ? steps.at(-1).hash : leaf;
}

/**
 * The root that several entries and a multi-proof come to (Certificates, "The multi-proof").
 * `leaves` are `{index: BigInt, hash}` by rising index; throws where the proof does not fit.
 */
export function multiProofRoot(leaves, size, proof) {
  let used = 0;
  const next = () => {
    if (used === proof.length) throw new Error("the multi-proof is too short");
    used += 1;
    return proof[used - 1];
  };
  // `from` and `to` bound the leaves of a subtree, so that none is copied.
  const root = (start, count, from, to) => {
    if (from === to) return next();
    if (count === 1n) return leaves[from].hash;
    const left = half(count);
    let cut = from;
    while (cut < to && leaves[cut].index < start + left) cut += 1;
    const first = root(start, left, from, cut);
    return nodeHash(first, root(start + left, count - left, cut, to));
  };
  leaves.forEach((leaf, place) => {
    if (leaf.index >= size || (place > 0 && leaf.index <= leaves[place - 1].index)) {
      throw new Error("the entries are not in order within the log");
    }
  });
  const found = root(0n, size, 0, leaves.length);
  if (used !== proof.length) throw new Error("the multi-proof is too long");
  return found;
}
