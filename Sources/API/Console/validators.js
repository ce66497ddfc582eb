// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// All validators: reputation over time, what they did, and how often they led.

import { get } from "./api.js";
import { lineChart, shareChart } from "./chart.js";
import { el, put, section, table } from "./dom.js";
import {
  address, count, entryLink, link, mark, percent, points, time, validatorLink, words,
} from "./words.js";

/** The lines of a chart from what the node says of reputations. */
export function lines(series, chosen) {
  return series.filter((row) => !chosen.size || chosen.has(row.validator)).map((row) => ({
    name: row.name ?? `validator ${row.validator}`, style: row.validator,
    href: address(["validator", row.validator]),
    points: row.points.map((point) => ({ x: point.time, y: point.reputation ?? null })),
  }));
}

export function reputationChart(series, chosen) {
  const drawn = lines(series, chosen);
  const span = series[0]?.points ?? [];
  const days = span.length ? span.at(-1).time - span[0].time : 0;
  return lineChart(
    `Reputation of ${drawn.length === 1 ? drawn[0].name : `${drawn.length} validators`} in points over time`,
    drawn, {
      nameX: (ms) => days > 4 * 86_400_000 ? time(ms).slice(0, 10)
        : days > 86_400_000 ? time(ms).slice(5, 16) : time(ms).slice(11),
      nameY: (thousandths) => points(thousandths),
    });
}

const name = (row) => validatorLink(row.validator, row.name);
const number = (title, key, place, help) => ({
  name: title, cls: "number", title: help,
  of: (row) => place && row[key] ? el("a", { href: place(row) }, count(row[key])) : count(row[key]),
});
const record = (row) => address(["validator", row.validator]);

export async function show({ body, params, at, moment, signal }) {
  const chosen = new Set((params.get("only") ?? "").split(",").filter((text) => /^\d{1,5}$/.test(text))
    .map(Number));
  const chart = el("div", { class: "drawing", tabindex: "0", role: "region",
    "aria-label": "Reputation over time" });
  const rows = el("div", null, el("p", { class: "faint" }, "Counting what they did …"));
  const led = el("div", null, el("p", { class: "faint" }, "Counting who led …"));
  const runs = el("div");
  const { series } = await get("reputations", { at, points: 120 }, { signal });
  const draw = () => put(chart, reputationChart(series, chosen));
  draw();
  put(body, section("Reputation over time", el("p", { class: "faint" },
    chosen.size ? ["Only those chosen below. ", link("All of them", ["validators"])]
      : "In points. Choose some in the table to compare them; a name leads to its record."), chart),
  section("What they did", rows), section("Who led", led), section("What they run", runs));

  const choose = (row) => el("input", {
    type: "checkbox", checked: chosen.has(row.validator), "aria-label": `compare ${row.name}`,
    on: { change: (event) => {
      if (event.target.checked) chosen.add(row.validator); else chosen.delete(row.validator);
      history.replaceState(null, "", address(["validators"],
        { only: [...chosen].sort((a, b) => a - b).join(",") }));
      draw();
    } },
  });
  const columns = [
    { name: "Validator", of: name },
    { name: "Compare", of: choose },
    { name: "In office", of: (row) => row.is_member ? "yes" : "no" },
    number("Stake", "stake"),
    { name: "Points", cls: "number", of: (row) => el("a", { href: record(row) }, points(row.reputation)) },
    number("Asked", "asked", (row) => record(row), "closed rounds that pinned it"),
    number("Approved", "approved"), number("Rejected", "rejected"), number("Abstained", "abstained"),
    number("Missed", "missed", record, "closed without a vote of its own"),
    number("Proved wrong", "contradicted", record, "votes that an outcome contradicts"),
    number("Convictions", "convicted", (row) => address(["validator", row.validator],
      { show: "convictions" }), "pairs of its own signed messages that contradict each other"),
    number("Leads requests", "leads"),
  ];
  async function load() {
    const { validators } = await get("validators", { at }, { signal });
    put(rows, table("Validators", columns, validators));
  }
  load().catch((error) => put(rows, el("p", { class: "faint" }, `Not counted: ${error.message}`)));
  const to = moment?.sealed;
  get("leaders", { history: 0, to }, { signal }).then((said) => put(led, leadersPart(said))).catch(
    (error) => put(led, el("p", { class: "faint" }, `Not counted: ${error.message}`)));
  get("announcements", { limit: 200, to }, { signal }).then((said) => put(runs, versions(said)))
    .catch((error) => put(runs, el("p", { class: "faint" }, error.message)));
  return {};
}

function leadersPart(said) {
  return el("div", { class: "columns" }, ["batches", "requests"].map((kind) => {
    const shares = said[kind]?.shares;
    if (!shares?.count) return el("p", { class: "faint" }, `No ${kind} were led yet.`);
    const rows = shares.validators.map((row) => ({
      ...row, expectedCount: row.predicted_share * shares.count,
      // What the node gives is led less expected, in standard deviations.
      spread: row.deviation ? Math.abs((row.led - row.predicted_share * shares.count) / row.deviation)
        : Math.sqrt(shares.count * row.predicted_share * (1 - row.predicted_share)),
    }));
    return el("div", null, el("h3", null, `${words(kind)}: ${count(shares.count)}`,
      shares.passed_over ? `, and ${count(shares.passed_over)} by one who stood in` : ""),
    shareChart(`Share of ${kind} that each led, against what its weight predicts`, rows.map((row) => ({
      name: row.name ?? String(row.validator), href: address(["validator", row.validator]),
      share: row.share, expected: row.predicted_share, deviation: row.spread / shares.count,
    })), (share) => percent(share, 0)),
    el("p", { class: "faint" }, "Dot: share led. Line across: share predicted from stake and reputation. ",
      "Band: two standard deviations of chance; a dot outside of it comes by chance once in twenty."),
    el("details", null, el("summary", null, "As a table"), table(`Led ${kind}`, [
      { name: "Validator", of: name },
      { name: "Led", cls: "number", of: (row) => count(row.led) },
      { name: "Expected", cls: "number", of: (row) => row.expectedCount.toFixed(1) },
      { name: "± (1 σ)", cls: "number", of: (row) => row.spread.toFixed(1) },
      { name: "Off by", cls: "number", of: (row) =>
        row.deviation === undefined ? "" : `${row.deviation.toFixed(2)} σ` },
    ], rows)));
  }));
}

function versions({ announcements }) {
  const newest = new Map(announcements.map((row) => [row.validator, row]));
  const rows = [...newest.values()].sort((a, b) => a.validator - b.validator);
  if (!rows.length) return el("p", { class: "faint" }, "Nobody has announced what it runs.");
  return table("What each announced last", [
    { name: "Validator", of: name }, { name: "Program", of: (row) => row.program },
    { name: "Engine", of: (row) => row.engine ? `${row.engine} ${row.engine_version}` : "none" },
    { name: "Journal", of: (row) => row.journal_is_new ? mark("missed") && "begun anew" : "kept" },
    { name: "Said in", cls: "number", of: (row) => entryLink(row.entry) },
  ], rows);
}
