// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// How the node is now, and above all what is wrong.

import { found, get, rounds as newestRounds } from "./api.js";
import { el, facts, put, section } from "./dom.js";
import {
  address, batchLink, count, entryLink, link, many, mark, points, sign, span, validatorLink, when,
  words,
} from "./words.js";

const ROUNDS = 20;
const NEWEST = 12;

/** What is wrong, worst first: `{grade, text, href, more}`. Pure, so that it can be tested. */
export function problems(now, rounds, cases, atClock) {
  const all = [];
  const add = (grade, text, href, more) => all.push({ grade, text, href, more });
  for (const one of cases.filter((one) => one.status === "open")) {
    add("bad", `This node came apart from the others at batch ${one.height}, and signs nothing.`,
      address(["disputes"]), "its case");
  }
  for (const reason of now.reasons) {
    add("bad", `This node does not take part as it should: ${reason}.`, "/ready", "readiness");
  }
  const projections = now.projections;
  if (!projections) {
    add("warn", "The projections do not follow the log, so pages may lack what is new.",
      "/metrics", "metrics");
  } else if (projections.is_stopped && !now.reasons.some((text) => text.includes("projections"))) {
    add("bad", "The projections have stopped, so pages lack what is new.", "/metrics", "metrics");
  } else if (projections.behind > 5000) {
    add("warn", `The projections are ${many(projections.behind, "entry", "entries")} behind the log.`,
      address(["log"], { from: projections.entries }), "the first that they lack");
  }
  if (now.is_silent) {
    add("warn", "This node says nothing for now, since its journal was lost.", "/metrics", "metrics");
  }
  const away = now.members.filter((member) => !member.is_reached);
  if (away.length) {
    add(now.members.length - away.length < now.threshold ? "bad" : "warn",
      `This node does not reach ${list(away.map((member) => member.name))}.`,
      address(["validator", away[0].validator]), away[0].name);
  }
  for (const { name, number, missed } of silent(rounds)) {
    add("warn", `${name} did not answer in ${missed} of the last ${rounds.length} rounds.`,
      address(["validator", number]), "its record");
  }
  if (now.round > 0) {
    add("warn", `Batch ${now.height + 1} is in its round ${now.round}: ${
      many(now.round, "leader was", "leaders were")} passed over.`,
    address(["validators"]), "who leads");
  }
  const late = now.open_rounds + now.open_jobs > 0 ? (atClock ?? now.now) - now.time : 0;
  if (late > 10_000) {
    add("bad", `No batch for ${span(late)}, though ${many(now.open_rounds, "request")} and ${
      many(now.open_jobs, "job")} wait.`, address(["requests"], { outcome: "open" }), "what waits");
  }
  for (const queue of now.queues.filter((queue) => queue.count > 0.8 * queue.max)) {
    add("warn", `The queue ${words(queue.name)} holds ${count(queue.count)} of ${count(queue.max)}.`,
      "/metrics", "metrics");
  }
  if (now.convictions > 0) {
    add("note", `${many(now.convictions, "contradiction")} of signed messages convicted somebody, ` +
      "from the first batch on.", address(["disputes"], { show: "evidence" }), "the evidence");
  }
  const order = { bad: 0, warn: 1, note: 2 };
  return all.sort((a, b) => order[a.grade] - order[b.grade]);
}

/** Who missed the most of the last rounds, at least a fifth of them. */
export function silent(rounds) {
  const missed = new Map();
  for (const round of rounds) {
    for (const answer of round.answers) {
      if (answer.answer !== "missed") continue;
      const row = missed.get(answer.validator) ??
        { number: answer.validator, name: answer.name ?? `validator ${answer.validator}`, missed: 0 };
      row.missed += 1;
      missed.set(answer.validator, row);
    }
  }
  return [...missed.values()].filter((row) => row.missed * 5 >= rounds.length)
    .sort((a, b) => b.missed - a.missed);
}

function list(names) {
  return names.length < 2 ? names.join("") : names.slice(0, -1).join(", ") + " and " + names.at(-1);
}

function problemList(all) {
  const title = { bad: "Wrong.", warn: "Look at this.", note: "Known." };
  if (!all.some((one) => one.grade !== "note")) {
    all = [{ grade: "good", text: "Nothing is wrong that this node can see." }, ...all];
  }
  return all.map((one) => el("p", { class: `say ${one.grade}` },
    title[one.grade] ? el("strong", null, title[one.grade]) : null, one.text,
    one.href ? [" ", el("a", { href: one.href }, `See ${one.more}`), "."] : null));
}

function strip(number, rounds) {
  return el("span", { class: "strip" }, rounds.map((round) => {
    const answer = round.answers.find((one) => one.validator === number);
    const word = answer?.answer ?? "notAsked";
    const isWrong = answer?.is_contradicted || answer?.is_convicted;
    return el("span", {
      class: `${word} ${isWrong ? "wrong" : ""}`,
      title: `request at entry ${round.request}: ${words(word)}${
        answer?.is_convicted ? ", convicted" : answer?.is_contradicted ? ", proved wrong" : ""}`,
    }, word === "waiting" ? "…" : word === "notAsked" ? " " : isWrong ? "!" : sign(word));
  }));
}

function memberCard(member, rounds) {
  const answers = rounds.map((round) =>
    round.answers.find((one) => one.validator === member.validator)?.answer);
  const missed = answers.filter((one) => one === "missed").length;
  return el("div", { class: "card" },
    el("div", { class: "name" }, validatorLink(member.validator, member.name),
      member.is_self ? el("span", { class: "faint" }, " (this node)") : null),
    el("div", null, member.is_reached ? el("span", { class: "good" }, "● reached")
      : el("span", { class: "bad" }, "○ not reached"),
    " · ", link(points(member.reputation), ["validator", member.validator], { show: "changes" }),
    " points", missed ? el("span", { class: "warn" }, ` · missed ${missed} of ${rounds.length}`) : null),
    strip(member.validator, rounds));
}

function stateBars(totals) {
  const names = { open: totals.open, approved: totals.approved, rejected: totals.rejected,
    timedOut: totals.timed_out };
  return facts(Object.entries(names).map(([name, number]) => [
    mark(name), link(count(number), ["requests"], { outcome: name })]), "facts big");
}

export async function show({ body, moment, signal, title }) {
  if (moment) {
    put(title, `After batch ${moment.height}`);
    return past(body, moment, signal);
  }
  const wrong = el("div", { "aria-live": "polite" });
  const numbers = el("div");
  const totalsPart = el("div");
  const members = el("div", { class: "cards-of" });
  const queues = el("div");
  const newest = el("ol", { class: "plain", reversed: true });
  const age = el("span");
  const lines = [];
  let now = null;
  let rounds = [];
  let cases = [];
  let offset = 0;

  function tick() {
    if (!now || signal.aborted) return;
    put(age, span(Math.max(0, Date.now() + offset - now.time)));
  }

  async function load() {
    const asked = Date.now();
    const [overview, answered, casesPage, ranking] = await Promise.all([
      get("overview", {}, { signal }), newestRounds(ROUNDS, null, { signal }),
      get("cases", {}, { signal }), found("batches/next/leader", {}, { signal }),
    ]);
    now = overview;
    offset = now.now - (asked + Date.now()) / 2;
    rounds = answered;
    cases = casesPage.cases;
    const leader = ranking?.ranking[now.round % Math.max(1, ranking.ranking.length)];
    put(wrong, problemList(problems(now, rounds, cases)));
    tick();
    put(numbers, facts([
      ["Height", batchLink(now.height)],
      ["Since the last batch", age],
      ["Round", link(String(now.round), ["validators"], {},
        { title: "of the batch that is being agreed on; above 0 leaders were passed over" })],
      ["Leads the next batch", leader ? validatorLink(leader.validator, leader.name) : "unknown"],
      ["Entries", entryLink(now.size - 1, count(now.size))],
      ["Threshold", link(`${now.threshold} of ${now.members.length}`, ["validators"])],
      ["Newest checkpoint", now.checkpoint_size
        ? [entryLink(now.checkpoint_size - 1, count(now.checkpoint_size)), " entries"]
        : "none yet"],
      ["Projections", !now.projections ? "do not follow" : now.projections.is_stopped ? "stopped"
        : now.projections.behind === 0 ? ["hold all ", entryLink(now.projections.entries - 1,
          count(now.projections.entries))] : `${count(now.projections.behind)} behind`],
      ["Jobs under way", count(now.open_jobs)],
      ["Payments not reported", link(count(now.settlements), ["requests"], { settlement: "ordered" })],
      ["Next deadline", now.next_due ? when(now.next_due) : null],
    ], "facts big"));
    put(members, now.members.map((member) => memberCard(member, rounds)));
    put(queues, el("ul", { class: "plain" }, now.queues.map((queue) => el("li", null,
      el("meter", { min: 0, max: queue.max, value: queue.count, high: 0.8 * queue.max,
        optimum: 0, "aria-label": words(queue.name) }),
      ` ${words(queue.name)}: ${count(queue.count)} of ${count(queue.max)}`))));
  }

  async function loadTotals() {
    try {
      const totals = await get("totals", {}, { signal });
      put(totalsPart, stateBars(totals), facts([
        ["Disagreements", link(count(totals.disagreements), ["disputes"])],
        ["Convictions", link(count(totals.convictions), ["disputes"], { show: "evidence" })],
        ["Refused messages", link(count(totals.refusals), ["log"],
          { view: "rows", kind: "messageRefused" })],
      ]));
    } catch (error) {
      if (!signal.aborted) put(totalsPart, el("p", { class: "faint" }, `Not counted: ${error.message}`));
    }
  }

  function entry(row) {
    lines.unshift(row);
    lines.length = Math.min(lines.length, NEWEST);
  }

  function showNewest() {
    put(newest, lines.map((row) => el("li", { class: "fresh" }, entryLink(row.entry), " ",
      words(row.kind), el("span", { class: "faint" }, " in batch ", batchLink(row.batch)))));
  }

  await load();
  const page = await get("log", { limit: NEWEST }, { signal });
  page.entries.forEach(entry);
  showNewest();
  loadTotals();
  put(body, wrong, numbers,
    el("div", { class: "columns" },
      section("Requests", totalsPart),
      section("Newest entries", newest)),
    section("Validators", el("p", { class: "faint" }, `What each answered in the last ${ROUNDS} rounds, ` +
      "the newest last: ✓ approve, ✗ reject, ○ abstain, – missed, ! proved wrong or convicted."), members),
    section("Queues of this node", queues));
  const clock = setInterval(tick, 1000);
  let turn = 0;
  let isLoading = false;
  const again = async () => {
    if (isLoading || signal.aborted) return;
    isLoading = true;
    try { await load(); } catch (error) {
      if (!signal.aborted) {
        put(wrong, el("p", { class: "say bad" }, el("strong", null, "Wrong."),
          `The node does not answer: ${error.message}`));
      }
    }
    isLoading = false;
  };
  // Who is silent makes no entries.
  const often = setInterval(again, 5000);
  return {
    entry,
    update() {
      showNewest();
      again();
      turn += 1;
      if (turn % 4 === 1) loadTotals();
    },
    end() {
      clearInterval(clock);
      clearInterval(often);
    },
  };
}

/** What the ledger says of an earlier time; the rest only a node that lived then could tell. */
async function past(body, moment, signal) {
  const [batch, ranking, rounds, validators, open] = await Promise.all([
    get(`batches/${moment.height}`, {}, { signal }),
    found(`batches/${moment.height + 1}/leader`, {}, { signal }),
    newestRounds(ROUNDS, moment, { signal }),
    get("validators", { at: moment.height }, { signal }),
    get("requests", { at: moment.height, outcome: "open", limit: 1000 }, { signal }),
  ]);
  put(body, facts([
    ["Height", batchLink(batch.batch)], ["Time of the batch", when(batch.time)],
    ["Round in which it was agreed on", String(batch.round)],
    ["Led by", batch.proposer === undefined ? "nobody"
      : validatorLink(batch.proposer, batch.proposer_name)],
    ["First in rank for the next", ranking?.ranking[0]
      ? validatorLink(ranking.ranking[0].validator, ranking.ranking[0].name) : null],
    ["Entries", entryLink(moment.sealed, count(moment.sealed + 1))],
    ["Open requests", link(count(open.requests.length) + (open.older ? " or more" : ""),
      ["requests"], { outcome: "open" })],
  ], "facts big"),
  section("Validators", el("div", { class: "cards-of" }, validators.validators
    .filter((row) => row.is_member).map((row) => el("div", { class: "card" },
      el("div", { class: "name" }, validatorLink(row.validator, row.name)),
      `${points(row.reputation)} points`, el("br"), strip(row.validator, rounds))))));
}
