// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// One validator: what moved its reputation, what convicts it, what it holds and runs.

import { get, rounds } from "./api.js";
import { el, facts, put, section, table } from "./dom.js";
import { reputationChart } from "./validators.js";
import {
  batchLink, change, count, entryLink, link, mark, points, requestLink, short, sign, when,
  words,
} from "./words.js";
import { whyPart } from "./why.js";

export const title = (where) => `Validator ${where.parts[0] ?? ""}`;
const CHANGES = 200;
const ROUNDS = 100;

export async function show({ body, parts, params, at, moment, signal, title: heading }) {
  const name = parts[0] ?? "";
  const before = (row) => !moment || row.entry <= moment.sealed;
  const [history, rows, { series }] = await Promise.all([
    get(`validators/${name}`, {}, { signal }),
    at === null ? null : get("validators", { at }, { signal }),
    get("reputations", { at, points: 120 }, { signal }),
  ]);
  const number = history.summary.validator;
  const summary = rows ? rows.validators.find((row) => row.validator === number) : history.summary;
  put(heading, history.summary.name);
  if (!summary) {
    put(body, el("p", { class: "say note" }, "It had not joined yet."));
    return {};
  }
  const changes = el("div");
  const answers = el("div");
  const said = (show, number) => link(count(number), ["validator", parts[0]], { show });
  const reasons = el("div", null, el("p", { class: "faint" }, "The node counts it again …"));
  const convictions = history.convictions.filter(before);
  put(body,
    summary.is_member ? null : el("p", { class: "say note" }, "It is not in office."),
    convictions.length ? el("p", { class: "say bad" }, el("strong", null, "Convicted."),
      `${count(convictions.length)} pairs of its own signed messages contradict each other.`) : null,
    facts([
      ["Number", String(number)], ["Points", points(summary.reputation)],
      ["Stake", entryLink(history.stakes.filter(before).at(-1)?.entry, count(summary.stake))],
      ["Asked", said("votes", summary.asked)], ["Approved", said("votes", summary.approved)],
      ["Rejected", said("votes", summary.rejected)], ["Abstained", said("votes", summary.abstained)],
      ["Missed", said("votes", summary.missed)],
      ["Proved wrong", said("changes", summary.contradicted)],
      ["Leads requests", link(count(summary.leads), ["requests"])],
      ["Proposed batches", moment ? null : count(history.proposed)],
      ["Jobs: reported of assigned", moment ? null
        : `${count(history.jobs_reported)} of ${count(history.jobs_assigned)}`],
      ["Key", el("span", { class: "id" }, summary.key)],
    ]),
    section("Reputation over time",
      el("div", { class: "drawing" }, reputationChart(series, new Set([number]))),
      el("p", null, link("Compare it with others", ["validators"], { only: number }))),
    el("div", { "data-part": "votes" },
      section(`What it answered in the last ${ROUNDS} rounds, the newest first`, answers)),
    el("div", { class: "columns" },
      el("div", { "data-part": "changes" }, section("What moved it", moment ? el("p", { class: "faint" }, "From the first batch to now.") : null,
        table("By cause", [
          { name: "Cause", of: (row) => words(row.cause) },
          { name: "How often", cls: "number", of: (row) => count(row.count) },
          { name: "Points in all", cls: "number", of: (row) => change(row.change) },
        ], history.causes), changes)),
      section("Why it is what it is", reasons),
      convictions.length ? el("div", { "data-part": "convictions" }, section("Convictions", table("The newest first", [
        { name: "Entry", of: (row) => entryLink(row.entry) },
        { name: "Two", of: (row) => words(row.slot) + "s" },
        { name: "About", of: (row) => row.request !== undefined ? ["request at ", entryLink(row.request)]
          : row.job !== undefined ? ["job at ", entryLink(row.job)]
          : row.size !== undefined ? `the log of ${count(row.size)} entries`
          : row.height !== undefined ? ["batch ", batchLink(row.height),
            row.round === undefined ? "" : `, round ${row.round}`] : "" },
      ], convictions.slice(-100).reverse()))) : null,
      section("In office", el("ul", null, history.memberships.filter((row) =>
        !moment || row.joined <= moment.sealed).map((row) => el("li", null, "from entry ",
        entryLink(row.joined), row.left === undefined || (moment && row.left > moment.sealed)
          ? " on" : [" to entry ", entryLink(row.left)]))),
      el("h3", null, "Stakes"), el("ul", null, history.stakes.filter(before).map((row) =>
        el("li", null, count(row.stake), " from entry ", entryLink(row.entry)))))));
  get(`validators/${number}/reputation`, { limit: CHANGES }, { signal }).then((found) => {
    const newest = found.changes.filter(before).reverse();
    put(changes, table(`The newest of its changes, ${CHANGES} at most`, [
      { name: "Entry", of: (row) => entryLink(row.entry) },
      { name: "Time", of: (row) => when(row.time) },
      { name: "Cause", of: (row) => words(row.cause) },
      { name: "Change", cls: "number", of: (row) => change(row.after - row.before) },
      { name: "To", cls: "number", of: (row) => points(row.after) },
      { name: "About", of: (row) => row.about_id ? requestOrJob(row) : "" },
      { name: "Said", of: (row) => row.answer ? mark(row.answer) : "" },
    ], newest));
  }).catch((error) => put(changes, el("p", { class: "faint" }, error.message)));
  get(`why/validator:${number}`, {}, { signal }).then((why) =>
    put(reasons, moment ? el("p", { class: "faint" }, "As the ledger stands now.") : null, whyPart(why)))
    .catch((error) => put(reasons, el("p", { class: "faint" }, `Not now: ${error.message}`)));
  rounds(ROUNDS, moment, { signal }).then((all) =>
    put(answers, strip(all.reverse(), number))).catch((error) =>
    put(answers, el("p", { class: "faint" }, error.message)));
  const part = params.get("show");
  if (part) {
    setTimeout(() => body.querySelector(`[data-part=${CSS.escape(part)}]`)?.scrollIntoView(), 100);
  }
  return {};
}

/** Its answers, each a link to the round. */
function strip(all, number) {
  const own = all.map((round) =>
    [round, round.answers.find((one) => one.validator === number)]).filter(([, one]) => one);
  return el("span", { class: "strip" }, own.map(([round, one]) => {
    const isWrong = one.is_contradicted || one.is_convicted;
    const text = `${words(one.answer)} on the request at entry ${round.request}${
      one.is_convicted ? ", convicted" : one.is_contradicted ? ", proved wrong" : ""}`;
    return el("span", { class: `${one.answer} ${isWrong ? "wrong" : ""}` },
      link(one.answer === "waiting" ? "…" : isWrong ? "!" : sign(one.answer),
        ["request", round.request], {}, { title: text, "aria-label": text }));
  }));
}

function requestOrJob(row) {
  return ["approved", "rejected", "timedOut", "open"].includes(row.outcome)
    ? requestLink(row.about_id, short(row.about_id)) : entryLink(row.about, "job");
}
