// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// One request: who voted what and when, what decided, what the proof says, what was paid, and why.

import { found, get, Refusal } from "./api.js";
import { el, facts, put, section, table } from "./dom.js";
import {
  address, batchLink, change, count, entryLink, link, many, mark, points, sign, short, span,
  validatorLink, when, words,
} from "./words.js";
import { fieldList } from "./fields.js";
import { whyPart } from "./why.js";

export const title = (where) => `Request ${short(where.parts[0] ?? "", 16)}`;

/** A history as it was after an entry. Pure, so that it can be tested. */
export function asOf(history, entry) {
  if (entry === null) return history;
  const votes = history.votes.filter((vote) => vote.entry <= entry);
  const isDecided = history.decision_entry !== undefined && history.decision_entry <= entry;
  const events = history.events.filter((event) => event.entry <= entry);
  const isClosed = events.some((event) => event.kind === "roundClosed");
  return {
    ...history, votes, events,
    refused: history.refused.filter((one) => one.entry <= entry),
    decision_entry: isDecided ? history.decision_entry : undefined,
    deciding: isDecided ? history.deciding : undefined,
    margin: isDecided ? history.margin : undefined,
    result: isDecided ? history.result : undefined,
    spare: isClosed ? history.spare : undefined,
    closing_approvals: isClosed ? history.closing_approvals : undefined,
  };
}

/** Validators by time: a row for each that could vote, a column for each vote as it came. */
export function matrix(history, isOpen) {
  const votes = [...history.votes].sort((a, b) => a.entry - b.entry);
  const changes = new Map();
  for (const event of history.events) {
    if (event.kind !== "reputationChanged") continue;
    const row = changes.get(event.fields.validator) ?? { sum: 0, causes: [], entries: [] };
    row.sum += event.fields.after - event.fields.before;
    row.causes.push(event.fields.cause);
    row.entries.push(event.entry);
    changes.set(event.fields.validator, row);
  }
  const asked = history.request.timestamp;
  const first = votes.length ? Math.min(...votes.map((vote) => vote.vote.timestamp)) : asked;
  return [el("p", { class: "faint", id: "votes" }, "Votes in the order in which they came into the log: ✓ approve, ✗ reject, ",
        "○ abstain. ◆ is the vote that decided; those behind it, dashed, came late and changed nothing."),
  el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Votes" },
    el("table", { class: "grid", "aria-describedby": "votes" },
      el("thead", null, el("tr", null, el("th", { scope: "col" }, "Validator"),
        votes.map((vote) => el("th", { scope: "col", class: "up" },
          entryLink(vote.entry, String(vote.entry)))),
        el("th", { scope: "col" }, "Vote"), el("th", { scope: "col" }, "Reason"),
        el("th", { scope: "col", title: "by the validators' own clocks" }, "After the first vote"),
        el("th", { scope: "col" }, "Reputation"))),
      el("tbody", null, history.pinned.map((member) => {
        const own = votes.find((vote) => vote.validator === member.validator);
        const moved = changes.get(member.validator);
        return el("tr", null,
          el("th", { scope: "row" }, validatorLink(member.validator, member.name)),
          votes.map((vote) => vote === own ? cell(vote, history) : el("td", { class: "cell" })),
          el("td", { class: "text" }, own ? mark(own.vote.vote) : isOpen ? "none yet" : mark("missed")),
          el("td", { class: "text" }, own ? words(own.vote.reason) : ""),
          el("td", { class: "text number" }, own ? `+${span(own.vote.timestamp - first)}` : ""),
          el("td", { class: "text number" }, moved ? entryLink(moved.entries[0],
            `${change(moved.sum)} ${moved.causes.join(", ")}`) : ""));
      }))))];
}

function cell(vote, history) {
  const isDeciding = vote.entry === history.deciding;
  const isLate = history.deciding !== undefined && vote.entry > history.deciding;
  const text = `${vote.name}: ${words(vote.vote.vote)}, ${words(vote.vote.reason)}${
    isDeciding ? ", the deciding vote" : isLate ? ", late" : ""}`;
  return el("td", {
    class: `cell ${vote.vote.vote} ${isDeciding ? "decides" : ""} ${isLate ? "late" : ""}`,
  }, el("a", { href: address(["entry", vote.entry]), title: text, "aria-label": text },
    (isDeciding ? "◆" : "") + sign(vote.vote.vote)));
}

function verdictPart(judged, history) {
  const votes = history.votes.map((vote) => vote.vote);
  const against = judged.verdict === "unjudged" ? [] : history.votes.filter((vote) =>
    vote.vote.vote === (judged.verdict === "holds" ? "reject" : "approve"));
  const text = { holds: "The proof holds", fails: "The proof does not hold",
    unjudged: "The proof cannot be verified" }[judged.verdict] ?? judged.verdict;
  return [
    el("p", null, mark(judged.verdict), " · ", text, judged.detail ? `: ${judged.detail}` : "",
      ", as this node verified it just now under the key of the circuit ", judged.circuit, "."),
    against.length ? el("p", { class: "say bad" }, el("strong", null, "Contradicted."),
      `${against.map((vote) => vote.name).join(", ")} voted against the mathematics.`)
      : votes.length ? el("p", { class: "faint" }, "No vote contradicts it.") : null,
  ];
}

function bridgePart(history) {
  const ordered = history.events.find((event) => event.kind === "settlementOrdered");
  const reported = history.events.find((event) => event.kind === "settlementReported");
  if (!ordered) return el("p", null, "No payment was ordered.");
  return facts([
    ["Ordered", entryLink(ordered.entry)],
    ["Amount", count(ordered.fields.amount)],
    ["To", el("span", { class: "id" }, ordered.fields.recipient)],
    ["Submitted by", validatorLink(ordered.fields.leader, ordered.fields.leader_name)],
    ["Next in rank from", when(ordered.fields.next_turn)],
    ["Reported", reported ? [mark(reported.fields.result), " in entry ", entryLink(reported.entry)]
      : "not yet"],
    ["Reference", reported ? el("span", { class: "id" }, reported.fields.reference) : null],
  ]);
}

function outcomeSentence(history, row) {
  if (!history.result) {
    return el("p", { class: "say note" }, el("strong", null, "Open."),
      `${many(history.votes.length, "vote")} so far; ${history.threshold} approvals approve, until `,
      when(history.deadline), " UTC.");
  }
  const { outcome, reason, tally } = history.result;
  return el("p", { class: `say ${outcome === "approved" ? "good" : outcome === "rejected" ? "bad" : "warn"}` },
    el("strong", null, mark(outcome)), `${words(reason)}: ${tally.approvals} to approve, ${
      tally.rejections} to reject, ${tally.abstentions} abstained, of ${history.pinned.length}; ${
      history.threshold} approve. Said in entry `, entryLink(history.decision_entry),
    ", decided by entry ", entryLink(history.deciding), ".",
    row?.spare !== undefined && row?.spare !== null && history.spare !== undefined
      ? ` ${row.spare} of those who made it could have failed without another outcome.` : "");
}

export async function show({ body, parts, moment, signal, title: heading }) {
  const name = parts[0] ?? "";
  const row = await get(`requests/${name}`, {}, { signal });
  put(heading, "Request ", el("span", { class: "id" }, short(row.request_id, 16)));
  if (moment && row.entry > moment.sealed) {
    put(body, el("p", { class: "say note" }, "The ledger did not hold this request yet."));
    return {};
  }
  const whole = await get(`requests/${row.entry}/history`, {}, { signal });
  const history = asOf(whole, moment?.sealed ?? null);
  const request = history.request;
  const isClosed = history.events.some((event) => event.kind === "roundClosed");
  const verdict = el("div", null, el("p", { class: "faint" }, "The node verifies the proof …"));
  const reasons = el("div", null, el("p", { class: "faint" }, "The node counts it again …"));
  const file = `/requests/${request.request_id}/certificate`;
  put(body, outcomeSentence(history, row), matrix(history, !isClosed),
    el("div", { class: "columns" },
      section("Why", reasons),
      section("The proof", verdict),
      section("The bridge", bridgePart(history)),
      section("Check it", el("p", null, link("Check it here", ["check"], { request: request.request_id }),
        ": your browser verifies the decision, without trust in this node. ",
        el("a", { href: file, download: `${short(request.request_id, 16)}.rcct` }, "The certificate"),
        " is the file to pass on.")),
      section("What was asked", facts([
        ["Identity", el("span", { class: "id" }, request.request_id)],
        ["Entry", entryLink(history.entry)], ["Batch", batchLink(history.batch)],
        ["Circuit", request.circuit], ["Amount", count(request.amount)],
        ["Recipient", el("span", { class: "id" }, request.recipient)],
        ["Submitter", [request.submitter_name, " ",
          el("span", { class: "id faint" }, short(request.submitter, 16))]],
        ["Its own time", when(request.timestamp, true)],
        ["Leader", validatorLink(history.leader, history.leader_name)],
        ["Deadline", when(history.deadline)],
        ["Nullifiers", request.nullifiers.map((text) => el("div", { class: "id" }, text))],
        ["Public inputs", request.public_inputs.map((text) => el("div", { class: "id" }, text))],
        ["Proof", el("span", { class: "id" }, request.proof)],
      ], "facts wide")),
      section("Who could vote", table("As pinned when the round opened", [
        { name: "Validator", of: (m) => validatorLink(m.validator, m.name) },
        { name: "Stake", cls: "number", of: (m) => count(m.stake) },
        { name: "Reputation", cls: "number", of: (m) => points(m.reputation) },
        { name: "Key", of: (m) => el("span", { class: "id", title: m.key }, short(m.key, 16)) },
      ], history.pinned))),
    history.refused.length ? section("Refused messages", el("ul", null, history.refused.map((one) =>
      el("li", null, entryLink(one.entry), " ", one.refusal)))) : null,
    section("What followed", el("details", null,
      el("summary", null, many(history.events.length, "entry", "entries")),
      el("ol", { class: "plain" }, history.events.map((event) => el("li", null,
        entryLink(event.entry), " ", el("strong", null, words(event.kind)),
        fieldList(event.fields)))))));
  judge(row, history, verdict, signal);
  explain(row, reasons, signal, moment);
  return {};
}

async function judge(row, history, place, signal) {
  try {
    put(place, verdictPart(await get(`requests/${row.entry}/proof`, {}, { signal }), history));
  } catch (error) { failed(error, place, signal); }
}

async function explain(row, place, signal, moment) {
  try {
    const why = await found(`why/request:${row.request_id}`, {}, { signal });
    put(place, moment ? el("p", { class: "faint" }, "As the ledger stands now.") : null,
      why ? whyPart(why) : el("p", null, "Nothing is explained."));
  } catch (error) { failed(error, place, signal); }
}

function failed(error, place, signal) {
  if (signal.aborted) return;
  put(place, el("p", { class: "faint" },
    `Not now: ${error instanceof Refusal ? error.message : String(error)}`));
}
