// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Requests: those that pass a filter, or whose identity starts so.

import { get, Refusal } from "./api.js";
import { el, put, table } from "./dom.js";
import {
  address, count, entryLink, link, many, mark, requestLink, short, span, validatorLink, when, words,
} from "./words.js";

const OUTCOMES = ["", "open", "approved", "rejected", "timedOut"];
const PAGE = 50;

/** Columns of a table of requests. */
const columns = [
  { name: "Request", of: (row) => requestLink(row.request_id) },
  { name: "Entry", cls: "number", of: (row) => entryLink(row.entry) },
  { name: "Submitted", of: (row) => when(row.time) },
  { name: "Circuit", of: (row) => row.circuit },
  { name: "From", of: (row) => row.submitter_name },
  { name: "Amount", cls: "number", of: (row) => count(row.amount) },
  { name: "Outcome", of: (row) => row.decided === undefined ? mark(row.outcome)
    : el("a", { href: address(["entry", row.decided]) }, mark(row.outcome)) },
  { name: "Yes · no · abstained", cls: "number", title: "votes at the decision, or so far",
    of: (row) => `${row.approvals} · ${row.rejections} · ${row.abstentions}` },
  { name: "Spare", cls: "number",
    title: "how many of those who made the decision could have failed without another outcome",
    of: (row) => row.spare ?? "" },
  { name: "Why", of: (row) => row.reason ? words(row.reason) : "" },
  { name: "Took", cls: "number", title: "from its batch to that of the decision",
    of: (row) => row.decided_time === undefined ? "" : span(row.decided_time - row.time) },
  { name: "Leader", of: (row) => validatorLink(row.leader, row.leader_name) },
  { name: "Payment", of: (row) => row.settlement ? mark(row.settlement) : "" },
];

export async function show({ body, params, at, signal, parts }) {
  const filter = {
    outcome: params.get("outcome"), from: params.get("from"), to: params.get("to"),
  };
  const start = params.get("id") ?? parts[0] ?? "";
  const apply = (changes) => {
    location.hash = address(["requests"], { ...filter, ...changes });
  };
  const outcome = el("select", { name: "outcome", on: {
    change: (event) => apply({ outcome: event.target.value, to: null }) } },
  OUTCOMES.map((word) => el("option", { value: word, selected: word === (filter.outcome ?? "") },
    word === "" ? "all" : words(word))));
  const id = el("input", { name: "id", value: start, size: "18", maxlength: "64",
    spellcheck: "false", class: "mono", placeholder: "first digits" });
  const from = el("input", { name: "from", value: filter.from ?? "", size: "12",
    placeholder: "2026-01-01" });
  const to = el("input", { name: "to", value: filter.to ?? "", size: "12",
    placeholder: "2026-01-31" });
  const count_ = el("span", { class: "faint" });
  const rows = el("div");
  const pager = el("div", { class: "bar" });
  put(body, el("form", { class: "bar", "aria-label": "Filter", on: { submit: (event) => {
    event.preventDefault();
    apply({ outcome: outcome.value, id: id.value.trim().toLowerCase(), from: from.value.trim(),
      to: to.value.trim() });
  } } }, el("label", null, "Outcome ", outcome), el("label", null, "Id starts with ", id),
  el("label", null, "From ", from), el("label", null, "to ", to),
  el("button", null, "Show"), count_), rows, pager);
  if (start !== "") return byStart(start, rows, at, signal);

  async function load() {
    let page;
    try {
      page = await get("requests", { ...filter, at, limit: PAGE }, { signal });
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 400) throw error;
      put(rows, el("p", { class: "say bad", role: "alert" },
        `The filter cannot be read: ${error.message}`));
      return;
    }
    const all = page.requests.reverse();
    put(rows, all.length ? table("Requests, the newest first", columns, all)
      : el("p", { class: "say note" }, "No request passes the filter."));
    put(pager,
      filter.to !== null ? link("Newest", ["requests"], { ...filter, to: null }) : null,
      page.older === undefined ? null
        : el("a", { href: address(["requests"], { ...filter, to: page.older }), rel: "next" },
          `Older than entry ${count(all.at(-1).entry)}`));
  }

  await load();
  get("requests", { ...filter, to: null, at, limit: 1, count: "yes" }, { signal }).then((said) =>
    put(count_, many(said.count, "request passes", "requests pass"))).catch(() => {});
  let isLoading = false;
  return { async update() {
    if (isLoading || filter.to !== null || signal.aborted) return;
    isLoading = true;
    try { await load(); } catch { /* The next entry tries again. */ }
    isLoading = false;
  } };
}

/** The few requests whose identity starts so; one of them is shown at once. */
async function byStart(start, rows, at, signal) {
  const { found } = await get("search", { name: start }, { signal });
  const all = found.filter((thing) => thing.kind === "request" && thing.name);
  if (all.length === 0) {
    put(rows, el("p", { class: "say note" }, `No identity of a request starts with “${start}”.`));
    return {};
  }
  const found_ = await Promise.all(all.map((thing) =>
    get(`requests/${thing.name}`, {}, { signal })));
  put(rows, table(`Requests whose identity starts with ${short(start, 20)}, six at most`, columns,
    found_));
  return {};
}
