// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Who voted otherwise than others, who is convicted by its own signatures, who votes together, and
// where this node came apart from the others.

import { get } from "./api.js";
import { el, put, section, table } from "./dom.js";
import {
  batchLink, count, entryLink, link, many, mark, requestLink, validatorLink, when, words,
} from "./words.js";

const SHOWN = { votes: "Disagreements", evidence: "Evidence", pairs: "Pairs", cases: "Cases" };
const PAGE = 50;

export async function show({ body, params, moment, signal }) {
  const kind = Object.hasOwn(SHOWN, params.get("show") ?? "") ? params.get("show") : "votes";
  const content = el("div");
  put(body, el("p", { class: "bar" }, Object.entries(SHOWN).map(([key, name]) =>
    link(name, ["disputes"], { show: key }, { "aria-current": key === kind ? "true" : null }))), content);
  const to = params.get("to") ?? moment?.sealed;
  await { votes, evidence, pairs, cases }[kind](content, to, signal, kind, moment);
  return {};
}

function older(said, kind) {
  return said.older === undefined ? null
    : el("p", null, link("Older", ["disputes"], { show: kind, to: said.older }, { rel: "next" }));
}

function sideOf(said) {
  const sides = new Map();
  for (const one of said) {
    const row = sides.get(one.side) ?? [];
    row.push(one);
    sides.set(one.side, row);
  }
  return [...sides.values()].sort((a, b) => b.length - a.length);
}

async function votes(content, to, signal, kind) {
  const said = await get("disagreements", { to, limit: PAGE }, { signal });
  const rows = said.disagreements.reverse();
  put(content, section("Rounds and jobs in which not all said the same",
    rows.length ? table("The newest first", [
      { name: "Entry", of: (row) => entryLink(row.entry) },
      { name: "About", of: (row) => row.matter === "request" ? requestLink(row.about_id)
        : ["job ", entryLink(row.about)] },
      { name: "Outcome", of: (row) => mark(row.outcome) },
      { name: "Sides, the largest first", of: (row) => el("ul", { class: "plain" },
        sideOf(row.said).map((side) => el("li", null, side[0].answer ? mark(side[0].answer) : "",
          ` ${side.length}: `, side.map((one, place) => [place ? ", " : "",
            validatorLink(one.validator, one.name), one.reason && one.reason !== "proofHolds"
              ? el("span", { class: "faint" }, ` ${words(one.reason)}`) : ""])))) },
    ], rows) : el("p", { class: "say good" }, "Nobody ever disagreed.")), older(said, kind));
}

async function evidence(content, to, signal, kind) {
  const said = await get("evidence", { to, limit: PAGE }, { signal });
  const rows = said.evidence.reverse();
  put(content, section("Two signatures of one key that contradict each other",
    el("p", { class: "faint" }, "Each entry holds both messages, and convicts by itself; no honest ",
      "validator can be convicted."),
    rows.length ? table("The newest first", [
      { name: "Entry", of: (row) => entryLink(row.entry) },
      { name: "Time", of: (row) => when(row.time) },
      { name: "Who", of: (row) => row.validator === undefined ? "the bridge"
        : validatorLink(row.validator, row.name) },
      { name: "Two", of: (row) => words(row.slot) + "s" },
      { name: "About", of: (row) => row.request !== undefined ? ["the request at ",
        link(count(row.request), ["request", row.request])]
        : row.job !== undefined ? ["the job at ", entryLink(row.job)]
        : row.size !== undefined ? `the log of ${count(row.size)} entries`
        : row.height !== undefined ? ["batch ", batchLink(row.height),
          row.round === undefined ? "" : `, round ${row.round}`] : "" },
    ], rows) : el("p", { class: "say good" }, "Nobody is convicted.")), older(said, kind));
}

async function pairs(content, to, signal, kind, moment) {
  put(content, el("p", { class: "faint", role: "status" }, "Counting all rounds …"));
  const said = await get("pairs", {}, { signal });
  put(content, section("Who votes alike against the rest",
    moment ? el("p", { class: "say note" }, "Counted over the whole log, up to now.") : null,
    el("p", null, `${many(said.pairs_judged, "pair")} judged over ${
      many(said.rounds, "round or job", "rounds and jobs")}.`),
    said.pairs.length ? table("Those that chance explains least first", [
      { name: "Two", of: (row) => row.validators.map((name, place) =>
        [place ? " and " : "", link(name, ["validator", name])]) },
      { name: "Rounds", cls: "number", of: (row) => count(row.rounds) },
      { name: "First against", cls: "number", of: (row) => count(row.first_against) },
      { name: "Second against", cls: "number", of: (row) => count(row.second_against) },
      { name: "Together", cls: "number", of: (row) => count(row.together) },
      { name: "By chance", cls: "number", of: (row) => (row.expected_thousandths / 1000).toFixed(1) },
      { name: "Chance brings it in 1 of", cls: "number", title: "whichever of all pairs it is",
        of: (row) => count(row.one_in_of_all) },
      { name: "Found", of: (row) => row.is_found
        ? el("span", { class: "bad" }, "! more than chance") : "chance may do it" },
    ], said.pairs) : el("p", { class: "say good" },
      "No two were together against the rest often enough to be told."),
    el("ul", { class: "faint" }, said.limits.map((text) => el("li", null, text)))));
}

async function cases(content, to, signal) {
  const said = await get("cases", {}, { signal });
  put(content, section("Where this node came apart from the others",
    said.cases.length ? table("In order of height", [
      { name: "Batch", of: (row) => batchLink(row.height) },
      { name: "Case", of: (row) => el("span", { class: "id" }, row.name) },
      { name: "Status", of: (row) => row.status },
      { name: "To look into it", of: (row) => el("code", null, `recount case show ${row.name}.case`) },
    ], said.cases) : el("p", { class: "say good" }, "It never did: there is no case.")));
}
