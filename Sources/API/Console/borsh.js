// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Borsh, and the messages and entries on which a decision rests (the article "Events"). Integers of
// eight bytes are BigInt. Every length is compared with its bound and with what is left before
// anything is taken.

/** Reads values one after the other; throws where there are too few bytes. */
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.place = 0;
  }

  take(count) {
    if (count > this.bytes.length - this.place) throw new Error(`byte ${this.place}: it ends too early`);
    this.place += count;
    return this.bytes.subarray(this.place - count, this.place);
  }

  u8() { return this.take(1)[0]; }
  u16() { this.take(2); return this.view.getUint16(this.place - 2, true); }
  u32() { this.take(4); return this.view.getUint32(this.place - 4, true); }
  i32() { this.take(4); return this.view.getInt32(this.place - 4, true); }
  u64() { this.take(8); return this.view.getBigUint64(this.place - 8, true); }

  /** One of the words of an enumeration. */
  word(words) {
    const number = this.u8();
    if (number >= words.length) throw new Error(`byte ${this.place - 1}: no such value`);
    return words[number];
  }

  count(bound, least = 1) {
    const count = this.u32();
    if (count > bound || count * least > this.bytes.length - this.place) {
      throw new Error(`byte ${this.place - 4}: too many`);
    }
    return count;
  }

  blob(bound) { return this.take(this.count(bound)); }

  text(bound) {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.blob(bound));
  }

  list(bound, read, least = 1) {
    return Array.from({ length: this.count(bound, least) }, () => read(this));
  }

  optional(read) {
    switch (this.u8()) {
      case 0: return null;
      case 1: return read(this);
      default: throw new Error(`byte ${this.place - 1}: neither there nor absent`);
    }
  }

  end() {
    if (this.place !== this.bytes.length) throw new Error(`byte ${this.place}: more than belongs here`);
  }
}

const text = new TextEncoder();

/** The little-endian bytes of a number. */
export function number(value, size) {
  const bytes = new Uint8Array(size);
  let rest = BigInt(value);
  for (let i = 0; i < size; i += 1) {
    bytes[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

/** Joins byte strings. */
export function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    all.set(part, place);
    place += part.length;
  }
  return all;
}

/** Bytes, or a text, behind their count. */
export function counted(value) {
  const bytes = typeof value === "string" ? text.encode(value) : value;
  return join(number(bytes.length, 4), bytes);
}

/** Values behind their count. */
export function listed(values) { return join(number(values.length, 4), ...values); }

export const VOTES = ["approve", "reject", "abstain"];
export const REASONS = ["proofHolds", "proofFails", "wrongInputCount", "outOfTime", "localError",
  "keyUnavailable", "unspecified"];
export const OUTCOMES = ["approved", "rejected", "timedOut"];
export const OUTCOME_REASONS = ["quorumApproved", "approvalOutOfReach", "deadlineWithQuorum",
  "deadlineWithoutQuorum", "nullifierSpent"];
const CLOSES = ["complete", "deadline", "nullifierSpent"];
const CAUSES = ["correct", "bonus", "incorrect", "missed", "equivocation"];
export const BINDINGS = ["root", "nullifier", "amount", "negatedAmount", "recipient",
  "externalDataHash", "constant", "free"];

const hash = (reader) => reader.take(32);

/** A circuit, with the bytes that it was read from. */
export function readCircuit(reader) {
  const start = reader.place;
  const circuit = {
    name: reader.text(32), verifyingKey: reader.blob(8192),
    inputs: reader.list(64, (one) => {
      const kind = one.word(BINDINGS);
      return { kind, value: kind === "constant" ? one.take(32) : null };
    }),
  };
  circuit.bytes = reader.bytes.subarray(start, reader.place);
  return circuit;
}

function readLedgerOpened(reader) {
  if (reader.u32() !== 1) throw new Error("another version of the format");
  const name = reader.text(64);
  const threshold = reader.u32();
  // The rest of the parameters decides nothing here.
  reader.take(3 * 8 + 2 * 8 + 2 * 4);
  reader.word(["share", "raw"]);
  reader.take(2 * 4 + 5 * 8);
  return {
    name, threshold,
    validators: reader.list(1000, (one) =>
      ({ key: one.take(32), name: one.text(32), stake: one.u64() }), 44),
    submitters: reader.list(10_000, (one) =>
      ({ key: one.take(32), name: one.text(32), quota: one.u32() }), 40),
    bridge: reader.take(32),
    circuits: reader.list(256, (one) =>
      ({ circuit: readCircuit(one), roots: one.list(1024, hash, 32) })),
    time: reader.u64(),
  };
}

/** A vote of a list, or a complete subtree of 2^height votes that are hidden. */
function readListed(reader) {
  const tag = reader.u8();
  if (tag >= VOTES.length) {
    if (tag > VOTES.length + 8) throw new Error(`byte ${reader.place - 1}: no vote of a list`);
    return { height: tag - VOTES.length, root: reader.take(32) };
  }
  return { height: 0, vote: VOTES[tag], reason: reader.word(REASONS), request: reader.u64() };
}

const READERS = {
  0: ["ledgerOpened", readLedgerOpened],
  1: ["batchOpened", (r) => ({
    height: r.u64(), time: r.u64(), proposer: r.u16(), round: r.u32(), previousRoot: r.take(32),
    precommitRound: r.u32(), precommits: r.list(1000, (one) =>
      ({ validator: one.u16(), signature: one.take(64) }), 66), signature: r.take(64),
  })],
  2: ["requestSubmitted", (r) => ({
    circuit: r.u16(), nullifiers: r.list(16, hash, 32), amount: r.u64(), recipient: r.take(32),
    proof: r.blob(512), publicInputs: r.list(64, hash, 32), timestamp: r.u64(), submitter: r.u32(),
    signature: r.take(64),
  })],
  3: ["voteCast", (r) => ({
    request: r.u64(), validator: r.u16(), vote: r.word(VOTES), reason: r.word(REASONS),
    timestamp: r.u64(), signature: r.take(64),
  })],
  11: ["votesCast", (r) => ({
    validator: r.u16(), timestamp: r.u64(), votes: r.list(256, readListed, 10),
    signature: r.take(64),
  })],
  64: ["roundOpened", (r) => ({
    request: r.u64(), leader: r.u16(), pinnedSet: r.take(32), threshold: r.u32(), deadline: r.u64(),
  })],
  65: ["outcomeDecided", (r) => ({
    request: r.u64(), outcome: r.word(OUTCOMES), reason: r.word(OUTCOME_REASONS),
    approvals: r.u16(), rejections: r.u16(), abstentions: r.u16(), deciding: r.u64(),
    margin: r.i32(), time: r.u64(),
  })],
  69: ["reputationChanged", (r) => ({
    validator: r.u16(), cause: r.word(CAUSES), about: r.u64(), before: r.u64(), after: r.u64(),
  })],
  72: ["disagreementRecorded", (r) => ({
    about: r.u64(), sides: r.list(1000, (side) => side.list(1000, (one) => one.u16(), 2), 4),
  })],
  73: ["roundClosed", (r) => ({ about: r.u64(), cause: r.word(CLOSES) })],
};

/**
 * One entry: `{kind, ...fields}`. Of kinds that say nothing of a decision only the tag is read:
 * `{kind: "other", tag}`.
 */
export function readEvent(bytes) {
  const reader = new Reader(bytes);
  const tag = reader.u8();
  const known = READERS[tag];
  if (!known) {
    if (!(tag <= 11 || (tag >= 64 && tag <= 76))) throw new Error(`no event has the tag ${tag}`);
    return { kind: "other", tag };
  }
  const event = { kind: known[0], ...known[1](reader) };
  reader.end();
  return event;
}
