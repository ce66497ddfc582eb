// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// What recounting a certificate came to, for people; used by the console and by pages of their own.

import { readEvent } from "./borsh.js";
import { el, facts, put, section, table } from "./dom.js";
import { hex } from "./merkle.js";
import { canVerify } from "./note.js";
import { parseCertificate, verifyCertificate } from "./certificate.js";
import { proofJudge } from "./proof.js";
import { count, mark, points, short, span, time, when, words } from "./words.js";

const NAMES = {
  ledger: "The ledger", checkpoint: "Who signed the log", inclusion: "That the entries are in it",
  entries: "The entries", request: "The request", pinnedSet: "Who could vote", votes: "The votes",
  decision: "The decision", absence: "That no vote is left out", conflict: "The other request",
  proof: "The zero-knowledge proof",
};
const SIGNS = { holds: ["✓", "good"], fails: ["✗", "bad"], skipped: ["–", "faint"],
  unchecked: ["?", "warn"] };

function lineOf(line) {
  const [sign, cls] = SIGNS[line.state];
  return el("li", { class: cls, "data-check": line.check, "data-state": line.state },
    el("span", { "aria-hidden": "true" }, sign + " "), el("strong", null, NAMES[line.check]), " ",
    el("span", null, line.state === "holds" ? "" : `${words(line.state)}: `, line.text));
}

function sentence(report, policy) {
  if (!report.isValid) {
    return el("p", { class: "say bad", role: "status", id: "verdict" },
      el("strong", null, "Not valid."), "This certificate proves nothing: see the line that fails.");
  }
  const { outcome, reason } = report.round.decided;
  return el("p", { class: `say ${report.isProofChecked && policy.ledger ? "good" : "warn"}`,
    role: "status", id: "verdict" },
  el("strong", null, report.isProofChecked ? "Valid." : "Valid, but for the proof."),
  `The request was ${words(outcome)} (${words(reason)}), and your browser counted that again from ${
    report.round.votes.length} signed votes. `,
  report.isProofChecked ? "" : "The zero-knowledge proof was not checked here. ",
  policy.ledger ? "The ledger is the one that you named."
    : "Whether it is the ledger that you mean, only you can say: compare its id below.");
}

function decisionPart(report) {
  const { round } = report;
  const keyOf = new Map(round.part.pinned.map((member) => [member.index, member]));
  const first = round.votes.length ? round.votes.reduce((low, vote) =>
    vote.timestamp < low ? vote.timestamp : low, round.votes[0].timestamp) : 0n;
  return [
    facts([
      ["Ledger", [report.name, el("div", { class: "id" }, report.ledger)]],
      ["Log", `${count(report.size)} entries, root ${report.root}`],
      ["Signed by", `${report.signers.length} of ${report.keyCount} keys`],
      ["Request", el("span", { class: "id" }, hex(round.id))],
      ["Amount", count(round.request.amount)],
      ["Recipient", el("span", { class: "id" }, hex(round.request.recipient))],
      ["Outcome", [mark(round.decided.outcome), ", ", words(round.decided.reason)]],
      ["Decided", [when(round.decided.time), ` UTC, by entry ${round.decided.deciding}`]],
      ["Circuit", round.part.circuit.name],
    ], "facts wide"),
    table("The votes that were counted", [
      { name: "Entry", of: (vote) => count(vote.index) },
      { name: "Validator", of: (vote) => `${vote.validator} · ${
        short(hex(keyOf.get(vote.validator)?.key ?? []), 16)}` },
      { name: "Vote", of: (vote) => [mark(vote.vote),
        vote.index === round.decided.deciding ? " ◆ decides" : ""] },
      { name: "Reason", of: (vote) => words(vote.reason) },
      { name: "Signed", of: (vote) => `+${span(vote.timestamp - first)}` },
      { name: "Reputation then", cls: "number", of: (vote) =>
        points(keyOf.get(vote.validator)?.reputation ?? 0) },
    ], round.votes),
  ];
}

/** Recounts the bytes of a certificate, and shows what that came to. */
export async function showVerdict(place, bytes, policy) {
  put(place, el("p", { class: "faint", role: "status" }, "Recounting …"));
  if (!canVerify()) {
    put(place, el("p", { class: "say bad", id: "verdict" }, el("strong", null, "Not checked."),
      "This page came without TLS from another machine, and browsers lend such pages no cryptography. ",
      "Save the certificate and make a page of its own: recount certificate page FILE."));
    return null;
  }
  let certificate;
  try { certificate = parseCertificate(bytes); } catch (error) {
    put(place, el("p", { class: "say bad", id: "verdict" }, el("strong", null, "No certificate."),
      `${error.message}.`));
    return null;
  }
  const begun = performance.now();
  let asked = policy;
  if (policy.threshold === null) asked = { ...policy, threshold: thresholdOf(certificate) };
  const report = await verifyCertificate(certificate, asked, await proofJudge());
  const took = performance.now() - begun;
  put(place, sentence(report, asked),
    report.notes.map((note) => el("p", { class: "say bad" }, note)),
    el("ol", { class: "plain", id: "checks" }, report.lines.map(lineOf)),
    report.round ? section("The decision", decisionPart(report)) : null,
    el("p", { class: "faint" }, `Checked by this browser in ${span(took)} at ${time(Date.now())} UTC.`));
  return report;
}

/** The threshold with which the ledger began, as its identity covers it; else the smallest safe. */
function thresholdOf(certificate) {
  try {
    return readEvent(certificate.entries[0].bytes).threshold;
  } catch {
    return Math.floor(2 * certificate.subject.pinned.length / 3) + 1;
  }
}
