// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Recounts one decision from its certificate, step by step as the article "Certificates" says.
// It rests on the policy and the ledger id that the reader brings along, and on nothing else.

import {
  counted, join, listed, number, readCircuit, Reader, readEvent, REASONS, VOTES,
} from "./borsh.js";
import { hex, inclusionRoot, isSame, leafHash, multiProofRoot } from "./merkle.js";
import { judgeLine, parseNote, verifies } from "./note.js";
import { sha256 } from "./sha256.js";

const BYTES_MAX = 64 << 20;
const ENTRIES_MAX = 1 << 22;
const VOTE_LIFE = 60_000n;
const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** What is checked, in order. */
export const CHECKS = ["ledger", "checkpoint", "inclusion", "entries", "request", "pinnedSet", "votes",
  "decision", "absence", "conflict", "proof"];

class Flaw extends Error {
  constructor(check, message) {
    super(message);
    this.check = check;
  }
}

/** Throws where something of a check does not hold. */
function need(holds, check, message) { if (!holds) throw new Flaw(check, message); }

// The file

function readPart(reader) {
  const part = {
    request: reader.u64(), circuit: readCircuit(reader), submitter: reader.take(32),
    pinned: reader.list(1000, (one) => {
      const start = one.place;
      const member = { index: one.u16(), key: one.take(32), stake: one.u64(), reputation: one.u64() };
      member.bytes = one.bytes.subarray(start, one.place);
      return member;
    }, 50),
  };
  part.pinned.forEach((member, place) => {
    if (place && member.index <= part.pinned[place - 1].index) throw new Error("pinned out of order");
  });
  return part;
}

/** Reads a file; throws where it is no certificate. */
export function parseCertificate(bytes) {
  if (bytes.length > BYTES_MAX) throw new Error("the file is too long for a certificate");
  const reader = new Reader(bytes);
  if (new TextDecoder("latin1").decode(reader.take(Math.min(4, bytes.length))) !== "RCCT") {
    throw new Error("the file does not begin as a certificate does");
  }
  const version = reader.u16();
  if (version !== 1 && version !== 2) throw new Error("the certificate has another version");
  const certificate = {
    note: reader.blob(294_912), subject: readPart(reader), conflict: reader.optional(readPart),
    entries: reader.list(ENTRIES_MAX, (one) =>
      ({ index: one.u64(), bytes: one.blob(65_535) }), 12),
    proof: reader.list(ENTRIES_MAX, (one) => one.take(32), 32),
    // The ways of votes that were signed in lists.
    ways: version === 1 ? [] : reader.list(ENTRIES_MAX, (one) => ({
      request: one.u64(), entry: one.u64(), leaf: one.u32(), count: one.u32(),
      siblings: one.list(8, (node) => node.take(32), 32),
    }), 28),
  };
  certificate.ways.forEach((way, place) => {
    const before = certificate.ways[place - 1];
    if (place && !(before.request < way.request
      || (before.request === way.request && before.entry < way.entry))) {
      throw new Error("the ways are out of order");
    }
  });
  if (version === 2 && certificate.ways.length === 0) throw new Error("it has no ways");
  reader.end();
  certificate.entries.forEach((entry, place) => {
    if (place && entry.index <= certificate.entries[place - 1].index) {
      throw new Error("the entries are out of order");
    }
  });
  return certificate;
}

// The checks

async function checkCheckpoint(certificate, ledger, genesis, policy) {
  let note;
  try { note = parseNote(certificate.note); } catch (error) {
    throw new Flaw("checkpoint", error.message);
  }
  need(note.origin === `recount/${ledger}`, "checkpoint", "it is of another log");
  const trusted = new Map((policy.keys ?? genesis.validators.map((one) => one.key))
    .map((key) => [hex(key), key]));
  const others = new Map(genesis.validators.map((one) => [hex(one.key), one.key]));
  for (const part of [certificate.subject, certificate.conflict]) {
    for (const member of part?.pinned ?? []) others.set(hex(member.key), member.key);
  }
  const signers = new Set();
  const seen = new Set();
  for (const line of note.lines) {
    const name = `${line.name} ${hex(line.id)}`;
    need(!seen.has(name), "checkpoint", `two lines of ${line.name}`);
    seen.add(name);
    let isJudged = false;
    for (const [digits, key] of [...trusted, ...others, ...namedKey(line, note)]) {
      const holds = await judgeLine(note, line, key, digits);
      if (holds === null) continue;
      need(holds, "checkpoint", `the signature of ${digits} does not hold`);
      if (trusted.has(digits)) signers.add(digits);
      isJudged = true;
      break;
    }
    need(isJudged, "checkpoint", `nobody known signed the line of ${line.name}`);
  }
  need(signers.size >= policy.threshold, "checkpoint",
    `${signers.size} of the ${trusted.size} keys signed, and ${policy.threshold} are asked for`);
  return { note, signers: [...signers], count: trusted.size };
}

/** The key that a line names itself, where it does. */
function namedKey(line, note) {
  const digits = line.name.startsWith(note.origin + "/") ? line.name.slice(note.origin.length + 1) : "";
  return /^[0-9a-f]{64}$/.test(digits)
    ? [[digits, Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16))]] : [];
}

const canonical = (bytes) => {
  let value = 0n;
  for (let i = 31; i >= 0; i -= 1) value = (value << 8n) | BigInt(bytes[i]);
  return value;
};

/** Whether the public inputs say what the circuit binds to the request's own fields. */
function bindingFlaw(circuit, request) {
  if (request.publicInputs.length !== circuit.inputs.length) return "another number of inputs";
  const inputs = request.publicInputs.map(canonical);
  if (inputs.some((input) => input >= R)) return "an input that is not reduced";
  const bound = circuit.inputs.filter((one) => one.kind === "nullifier").length;
  if (bound !== request.nullifiers.length) return "another number of nullifiers";
  let nullifier = 0;
  for (const [place, binding] of circuit.inputs.entries()) {
    let wanted = inputs[place];
    switch (binding.kind) {
      case "nullifier": wanted = canonical(request.nullifiers[nullifier]); nullifier += 1; break;
      case "amount": wanted = request.amount; break;
      case "negatedAmount": wanted = (R - request.amount % R) % R; break;
      case "recipient": wanted = canonical(request.recipient); break;
      case "constant": wanted = canonical(binding.value); break;
      case "externalDataHash":
        if (request.amount > 2n ** 63n - 1n) return "an amount that this circuit cannot bind";
        wanted = canonical(sha256(request.recipient, number(2n ** 64n - request.amount &
          (2n ** 64n - 1n), 8))) % R;
        break;
      default: break;
    }
    if (wanted !== inputs[place]) return `input ${place}, bound to ${binding.kind}, says another`;
  }
  return null;
}

/** The votes on a request, also those of lists, by entry. */
function votesOn(request, events) {
  return events.flatMap((event) => {
    if (event.kind === "voteCast") return event.request === request ? [event] : [];
    if (event.kind !== "votesCast") return [];
    let leaf = 0;
    const found = [];
    for (const one of event.votes) {
      if (one.request === request && !found.length) {
        found.push({ ...event, vote: one.vote, reason: one.reason, leaf });
      }
      leaf += 2 ** one.height;
    }
    return found.map((vote) => ({ ...vote, leaves: leaf }));
  });
}

class Entries {
  constructor(ledger, genesis, events, ways) {
    Object.assign(this, { ledger, genesis, events, ways });
    this.byIndex = new Map(events.map((event) => [event.index, event]));
    this.batches = events.filter((event) => event.kind === "batchOpened");
  }

  batchTime(index) {
    let time = null;
    for (const batch of this.batches) if (batch.index < index) time = batch.time;
    return time;
  }

  async round(part) {
    const { request, id } = await this.request(part);
    const opened = this.opening(part);
    const decisions = this.events.filter((event) =>
      event.kind === "outcomeDecided" && event.request === part.request);
    need(decisions.length === 1, "decision", "there is not one decision on the request");
    const round = { part, request, id, opened, decided: decisions[0], votes: [], byVotes: null,
      tally: { approve: 0, reject: 0, abstain: 0 } };
    await this.count(round);
    return round;
  }

  async request(part) {
    const request = this.byIndex.get(part.request);
    need(request?.kind === "requestSubmitted", "request", `entry ${part.request} is no request`);
    const circuit = sha256(counted("recount/circuit/v1"), part.circuit.bytes);
    const listed_ = this.genesis.circuits[request.circuit];
    need(!listed_ || isSame(listed_.circuit.bytes, part.circuit.bytes), "request",
      "the circuit is another than the first entry lists");
    const submitter = this.genesis.submitters[request.submitter];
    need(!submitter || isSame(submitter.key, part.submitter), "request",
      "the submitter is another than the first entry lists");
    const signed = join(counted("recount/request/v1"), this.ledger, circuit,
      listed(request.nullifiers), number(request.amount, 8), request.recipient,
      counted(request.proof), listed(request.publicInputs), number(request.timestamp, 8),
      part.submitter);
    need(await verifies(part.submitter, request.signature, signed), "request",
      "the submitter's signature does not hold");
    const flaw = bindingFlaw(part.circuit, request);
    need(flaw === null, "request", `the public inputs contradict the request: ${flaw}`);
    return { request, id: sha256(signed) };
  }

  opening(part) {
    const opened = this.byIndex.get(part.request + 1n);
    need(opened?.kind === "roundOpened" && opened.request === part.request, "pinnedSet",
      "its round does not open behind it");
    const digest = sha256(counted("recount/pinned/v1"), number(part.pinned.length, 4),
      ...part.pinned.map((member) => member.bytes));
    need(isSame(digest, opened.pinnedSet), "pinnedSet", "others were pinned than are given");
    for (const member of part.pinned) {
      const listed_ = this.genesis.validators[member.index];
      need(!listed_ || isSame(listed_.key, member.key), "pinnedSet",
        `validator ${member.index} is another than the first entry lists`);
    }
    const count = part.pinned.length;
    need(new Set(part.pinned.map((member) => hex(member.key))).size === count, "pinnedSet",
      "a key stands twice");
    need(3 * opened.threshold > 2 * count && opened.threshold <= count, "pinnedSet",
      `a threshold of ${opened.threshold} of ${count} is not safe`);
    need(part.pinned.some((member) => member.index === opened.leader), "pinnedSet",
      "the leader is not pinned");
    return opened;
  }

  async count(round) {
    const voters = new Set();
    for (const vote of votesOn(round.part.request, this.events)) {
      const at = `the vote in entry ${vote.index}`;
      const member = round.part.pinned.find((one) => one.index === vote.validator);
      need(member, "votes", `${at} is of nobody who was pinned`);
      need(vote.index > round.part.request + 1n, "votes", `${at} came before the round opened`);
      need(!voters.has(vote.validator), "votes", `${at} is a second one of its validator`);
      need(round.byVotes === null && vote.index < round.decided.index, "votes",
        `${at} came after the decision`);
      voters.add(vote.validator);
      const signed = this.signed(round, vote, member.key);
      need(await verifies(member.key, vote.signature, signed), "votes",
        `the signature of ${at} does not hold`);
      const time = this.batchTime(vote.index);
      const apart = time === null ? 0n : time > vote.timestamp ? time - vote.timestamp
        : vote.timestamp - time;
      need(apart <= VOTE_LIFE, "votes", `${at} was too old or too new`);
      round.votes.push(vote);
      round.tally[vote.vote] += 1;
      const { approve, reject, abstain } = round.tally;
      const members = round.part.pinned.length;
      if (approve >= round.opened.threshold) {
        round.byVotes = { outcome: "approved", reason: "quorumApproved", entry: vote.index };
      } else if (members - reject - abstain < round.opened.threshold) {
        round.byVotes = { outcome: "rejected", reason: "approvalOutOfReach", entry: vote.index };
      }
    }
  }

  /** What a validator signed: its vote, or the list to whose root the way of the vote leads. */
  signed(round, vote, key) {
    const said = join(number(VOTES.indexOf(vote.vote), 1), number(REASONS.indexOf(vote.reason), 1));
    if (vote.kind === "voteCast") {
      return join(counted("recount/vote/v1"), this.ledger, round.id, key, said,
        number(vote.timestamp, 8));
    }
    const way = this.ways.find((one) =>
      one.request === round.part.request && one.entry === vote.index);
    need(way?.leaf === vote.leaf && way.count === vote.leaves, "votes",
      `the way of the vote in entry ${vote.index} is missing, or of another place`);
    let root;
    try {
      root = inclusionRoot(way.leaf, way.count, leafHash(join(round.id, said)), way.siblings);
    } catch (error) { throw new Flaw("votes", `entry ${vote.index}: ${error.message}`); }
    return join(counted("recount/votes/v1"), this.ledger, key, number(vote.timestamp, 8),
      number(way.count, 4), root);
  }

  decide(round, other) {
    const said = round.decided;
    const same = (name, wanted, found) => need(wanted === found, "decision",
      `${name}: counted ${wanted}, and the log says ${found}`);
    const { approve, reject, abstain } = round.tally;
    same("approvals", approve, said.approvals);
    same("rejections", reject, said.rejections);
    same("abstentions", abstain, said.abstentions);
    let wanted;
    let batch;
    const one = (deciding) => {
      need(this.batches.length === 1 && this.batches[0].index < deciding, "decision",
        "the opening of the deciding batch is missing");
      return this.batches[0];
    };
    if (round.byVotes && !other) {
      wanted = { ...round.byVotes };
      batch = one(wanted.entry);
      // Behind a list come the decisions of all its votes, each of which names the list.
      if (this.byIndex.get(wanted.entry).kind === "votesCast") {
        need(said.index > wanted.entry, "decision", "it stands before the votes");
      } else {
        same("place", wanted.entry + 1n, said.index);
      }
    } else if (other && (!round.byVotes || (round.byVotes.entry === other.decided.deciding &&
        this.byIndex.get(round.byVotes.entry).kind === "votesCast"))) {
      // In the list that approved the other there may be the votes that would approve this.
      wanted = { outcome: "rejected", reason: "nullifierSpent", entry: other.decided.deciding };
      batch = one(wanted.entry);
    } else {
      need(!round.byVotes && !other, "decision", "the votes decide otherwise");
      batch = this.due(round);
      const isQuorum = approve + reject + abstain >= round.opened.threshold;
      wanted = isQuorum
        ? { outcome: "rejected", reason: "deadlineWithQuorum", entry: batch.index }
        : { outcome: "timedOut", reason: "deadlineWithoutQuorum", entry: batch.index };
    }
    same("outcome", wanted.outcome, said.outcome);
    same("reason", wanted.reason, said.reason);
    same("deciding entry", wanted.entry, said.deciding);
    same("margin", approve - round.opened.threshold, said.margin);
    same("time", batch.time, said.time);
  }

  /** The opening of the first batch at which the deadline had passed. */
  due(round) {
    const before = this.batches.filter((batch) => batch.index < round.decided.index);
    const last = before.at(-1);
    need(last && last.time >= round.opened.deadline, "decision", "the deadline had not passed");
    before.forEach((batch, place) => {
      need(batch === last || batch.time < round.opened.deadline, "decision",
        "an earlier batch had reached the deadline");
      need(place === 0 || batch.height === before[place - 1].height + 1n, "decision",
        "a batch is missing");
    });
    return last;
  }

  /** Of a decision at the deadline every entry is there, so that no vote can be left out. */
  absence(round) {
    const run = this.events.slice(1);
    const check = (holds, message) => need(holds, "absence", message);
    check(run[0]?.index === round.part.request, "the entries do not begin with the request");
    run.forEach((event, place) => check(event.index === round.part.request + BigInt(place),
      `entry ${round.part.request + BigInt(place)} is missing`));
    const last = run.at(-1);
    check(last.kind === "roundClosed" && last.about === round.part.request &&
      last.cause === "deadline", "the last entry does not close the round at its deadline");
    for (const event of run) {
      if (event.index <= round.decided.index || event === last) continue;
      check((event.kind === "disagreementRecorded" || event.kind === "reputationChanged") &&
        event.about === round.part.request, `entry ${event.index} has no part in the close`);
    }
  }

  conflict(round, other) {
    const check = (holds, message) => need(holds, "conflict", message);
    check(other.byVotes?.outcome === "approved", "the other request was not approved by votes");
    check(other.part.request !== round.part.request, "it is the same request");
    const theirs = new Set(other.request.nullifiers.map(hex));
    check(round.request.nullifiers.some((one) => theirs.has(hex(one))), "no nullifier is common");
    const deciding = other.decided.deciding;
    check(deciding > round.part.request + 1n && round.votes.every((vote) =>
      vote.index < deciding || (vote.index === deciding && vote.kind === "votesCast" &&
        other.votes.some((theirs) => theirs.index === deciding && theirs.leaf < vote.leaf))),
      "the other was decided at another time");
    check(other.decided.index < round.decided.index, "the other was decided later");
  }

  /** Entries that have no part in the decision are refused. */
  noOther(rounds) {
    const own = new Set([0n, ...this.batches.map((batch) => batch.index)]);
    for (const round of rounds) {
      for (const index of [round.part.request, round.part.request + 1n, round.decided.index,
        ...round.votes.map((vote) => vote.index)]) own.add(index);
    }
    for (const event of this.events) {
      need(own.has(event.index), "entries", `entry ${event.index} has no part in the decision`);
    }
  }
}

/**
 * Recounts a certificate.
 *
 * `policy`: `{threshold, keys?, ledger?}`; without `keys` they are those of the first entry, on
 * which the caller must know the ledger id. `judgeProof(circuit, request)` says `true`, `false`, or
 * `null` where it cannot. Gives `{isValid, lines, ...}`; a line is `{check, state, text}`.
 */
export async function verifyCertificate(certificate, policy, judgeProof = async () => null) {
  const report = { isValid: false, isProofChecked: false, lines: [], notes: [] };
  const pass = (check, text) => report.lines.push({ check, state: "holds", text });
  const skip = (check, text) => report.lines.push({ check, state: "skipped", text });
  try {
    await recount(certificate, policy, judgeProof, report, pass, skip);
    report.isValid = true;
  } catch (error) {
    report.lines.push({ check: error instanceof Flaw ? error.check : "entries", state: "fails",
      text: error.message });
  }
  return report;
}

async function recount(certificate, policy, judgeProof, report, pass, skip) {
  const first = certificate.entries[0];
  need(first?.index === 0n, "ledger", "the first entry of the ledger is not there");
  const ledger = sha256(first.bytes);
  report.ledger = hex(ledger);
  need(!policy.ledger || policy.ledger === report.ledger, "ledger",
    `it is of the ledger ${report.ledger}`);
  const events = certificate.entries.map((entry) => {
    try { return { ...readEvent(entry.bytes), index: entry.index, raw: entry.bytes }; } catch (error) {
      throw new Flaw(entry.index === 0n ? "ledger" : "entries", `entry ${entry.index}: ${error.message}`);
    }
  });
  const genesis = events[0];
  need(genesis.kind === "ledgerOpened", "ledger", "entry 0 does not open a ledger");
  report.name = genesis.name;
  pass("ledger", `“${genesis.name}”, ${report.ledger}`);

  const { note, signers, count } = await checkCheckpoint(certificate, report.ledger, genesis, policy);
  Object.assign(report, { size: note.size, root: hex(note.root), signers, keyCount: count });
  pass("checkpoint", `${signers.length} of ${count} keys signed the log of ${note.size} entries, ${
    policy.threshold} asked for`);

  let root;
  try {
    root = multiProofRoot(certificate.entries.map((entry) =>
      ({ index: entry.index, hash: leafHash(entry.bytes) })), note.size, certificate.proof);
  } catch (error) { throw new Flaw("inclusion", error.message); }
  need(isSame(root, note.root), "inclusion", "the entries are not in the log that was signed");
  pass("inclusion", `${certificate.entries.length} entries are in it`);

  const entries = new Entries(ledger, genesis, events, certificate.ways);
  const round = await entries.round(certificate.subject);
  const other = certificate.conflict ? await entries.round(certificate.conflict) : null;
  if (other) entries.decide(other, null);
  entries.decide(round, other);
  if (other) entries.conflict(round, other);
  const isDeadline = !other && !round.byVotes;
  if (isDeadline) entries.absence(round); else entries.noOther(other ? [round, other] : [round]);
  pass("entries", `${events.length}, none without a part in it`);
  pass("request", `${hex(round.id)}, signed by its submitter`);
  pass("pinnedSet", `${round.part.pinned.length} validators, threshold ${round.opened.threshold}`);
  const { approve, reject, abstain } = round.tally;
  pass("votes", `${round.votes.length} signed: ${approve} approve, ${reject} reject, ${abstain} abstain`);
  pass("decision", `${round.decided.outcome}, ${round.decided.reason}, by entry ${round.decided.deciding}`);
  if (isDeadline) pass("absence", "every entry up to the close, and no further vote");
  else skip("absence", "the decision rests on no absent vote");
  if (other) pass("conflict", `entry ${other.part.request} spent a nullifier of it`);
  else skip("conflict", "no other request decided it");
  Object.assign(report, { round, other });

  for (const one of other ? [round, other] : [round]) {
    const holds = await judgeProof(one.part.circuit, one.request);
    if (holds === null) {
      report.lines.push({ check: "proof", state: "unchecked",
        text: "the zero-knowledge proof was not verified here; recount certificate verify does" });
      return;
    }
    need(holds || one.decided.outcome !== "approved", "proof",
      "it was approved, and its proof does not hold");
    if (one === round) report.proofHolds = holds;
    for (const vote of one.votes) {
      if (vote.vote === (holds ? "reject" : "approve")) {
        report.notes.push(`Validator ${vote.validator} contradicts the mathematics in entry ${vote.index}.`);
      }
    }
  }
  report.isProofChecked = true;
  pass("proof", report.proofHolds ? "the proof holds" : "the proof does not hold");
}
