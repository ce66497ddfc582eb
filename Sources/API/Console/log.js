// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The log: as a tape of cells, one an entry and a line a batch, or as rows with all that they say.

import { entryKinds, found, get } from "./api.js";
import { el, put, table } from "./dom.js";
import { address, batchLink, count, entryLink, link, when, words } from "./words.js";
import { brief } from "./fields.js";

const CELLS = 1000;
const ROWS = 60;

/** Cuts a tape into batches: `{batch, from, tags}`, the first and the last perhaps not whole. */
export function batches(tape, opens) {
  const lines = [];
  let batch = tape.batch;
  tape.tags.forEach((tag, place) => {
    if (lines.length === 0 || tag === opens) {
      if (lines.length > 0) batch += 1;
      lines.push({ batch, from: tape.from + place, tags: [] });
    }
    lines.at(-1).tags.push(tag);
  });
  return lines;
}

function cell(kind, entry, isFirst) {
  const text = `entry ${count(entry)}: ${words(kind.kind)}`;
  return el("a", {
    class: `cell k${kind.place % 12} ${kind.isDerived ?? kind.is_derived ? "derived" : ""}`,
    href: address(["entry", entry]), title: text, "aria-label": text, tabindex: isFirst ? 0 : -1,
  }, kind.letter);
}

/** Moves among cells by arrows: left and right to the neighbour, up and down to another batch. */
function moveByKeys(event) {
  const cells = [...event.currentTarget.querySelectorAll(".cell")];
  const at = cells.indexOf(document.activeElement);
  if (at < 0) return;
  const lines = [...event.currentTarget.querySelectorAll(".batch")];
  const line = lines.indexOf(cells[at].closest(".batch"));
  const beside = (step) => lines[line + step]?.querySelector(".cell");
  const to = { ArrowRight: cells[at + 1], ArrowLeft: cells[at - 1], ArrowDown: beside(1),
    ArrowUp: beside(-1), Home: cells[0], End: cells.at(-1) }[event.key];
  if (!to) return;
  event.preventDefault();
  cells[at].tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

function legend(kinds, there) {
  return el("ul", { class: "legend", "aria-label": "What the letters mean" },
    [...kinds.values()].filter((kind) => there.has(kind.tag)).map((kind) => el("li", null,
      el("span", { class: `cell k${kind.place % 12} ${kind.is_derived ? "derived" : ""}` },
        kind.letter),
      link(words(kind.kind), ["log"], { view: "rows", kind: kind.kind }))));
}

export async function show({ body, params, moment, signal }) {
  const kinds = await entryKinds();
  const opens = [...kinds.values()].find((kind) => kind.kind === "batchOpened")?.tag;
  const view = params.get("view") === "rows" ? "rows" : "tape";
  const kind = params.get("kind") ?? "";
  let from = params.get("from");
  const batch = params.get("batch");
  let about = null;
  if (batch !== null) {
    about = await found(`batches/${batch}`, {}, { signal });
    if (about) from = String(about.entry);
  }
  const limit = view === "rows" ? ROWS : CELLS;
  const size = moment ? moment.sealed + 1 : null;
  if (from === null && size !== null && kind === "") from = String(Math.max(0, size - limit));
  if (from === null && kind !== "" && view === "rows") from = "0";
  const content = el("div");
  const pager = el("div", { class: "bar" });
  const go = (query) => { location.hash = address(["log"], query); };
  const place = el("input", { name: "from", value: from ?? "", size: "20", maxlength: "40",
    placeholder: "entry or 2026-01-01T12:00:00Z" });
  const only = el("select", { name: "kind", on: { change: (event) =>
    go({ view: "rows", kind: event.target.value, from: event.target.value ? 0 : null }) } },
  el("option", { value: "" }, "every kind"), [...kinds.values()].map((one) =>
    el("option", { value: one.kind, selected: one.kind === kind }, words(one.kind))));
  put(body, el("form", { class: "bar", "aria-label": "Where", on: { submit: (event) => {
    event.preventDefault();
    go({ view, kind, from: place.value.trim() });
  } } },
  link("Tape", ["log"], { from, view: "tape" }, { "aria-current": view === "tape" ? "true" : null }),
  link("Rows", ["log"], { from, view: "rows" }, { "aria-current": view === "rows" ? "true" : null }),
  el("label", null, "From ", place), el("label", null, "Only ", only), el("button", null, "Show")),
  about ? batchPart(about) : null, content, pager);

  const neighbours = (first, last, next) => put(pager,
    first > 0 && kind === "" ? link("Earlier", ["log"], { view, from: Math.max(0, first - limit) },
      { rel: "prev" }) : null,
    el("span", { class: "faint" }, last >= first ? ["entries ", entryLink(first), " to ",
      entryLink(last)] : "no entry"),
    next !== undefined && (size === null || next < size)
      ? link("Later", ["log"], { view, kind, from: next }, { rel: "next" }) : null,
    from === null ? null : link("Newest", ["log"], { view }));

  async function tape() {
    const start = from !== null && /^\d+$/.test(from) ? from : from === null ? null
      : (await get("log", { from, limit: 1 }, { signal })).entries[0]?.entry;
    const said = await get("tape", { from: start, limit }, { signal });
    if (size !== null) said.tags.length = Math.max(0, Math.min(said.tags.length, size - said.from));
    let isFirst = true;
    put(content, el("p", { class: "faint" }, "A cell is an entry, a line a batch. Round cells the rules ",
      "derived; square ones somebody said. Arrows move among them."),
    legend(kinds, new Set(said.tags)),
    el("div", { class: "tape", role: "group", "aria-label": "Entries", on: { keydown: moveByKeys } },
      batches(said, opens).map((line) => el("div", { class: "batch" },
        link(count(line.batch), ["log"], { batch: line.batch },
          { "aria-label": `batch ${line.batch}` }),
        el("div", { class: "cells" }, line.tags.map((tag, at) => {
          const made = cell(kinds.get(tag) ?? { kind: "unknown", letter: "?", place: 0 },
            line.from + at, isFirst);
          isFirst = false;
          return made;
        }))))));
    neighbours(said.from, said.from + said.tags.length - 1, said.next);
  }

  async function rows() {
    const said = await get("log", { from, kind, limit }, { signal });
    const all = said.entries.filter((row) => size === null || row.entry < size);
    put(content, all.length ? table("Entries", [
      { name: "Entry", of: (row) => entryLink(row.entry) },
      { name: "Batch", of: (row) => batchLink(row.batch) },
      { name: "Kind", cls: "kind", of: (row) => words(row.kind) },
      { name: "What it says", cls: "long", of: (row) => brief(row.fields) },
    ], all) : el("p", { class: "say note" },
      said.next === undefined ? "No such entry." : "No such entry among these; look further on."));
    const first = all[0]?.entry ?? Number(from ?? 0);
    neighbours(first, all.at(-1)?.entry ?? first - 1, said.next);
  }

  const load = view === "rows" ? rows : tape;
  await load();
  let isLoading = false;
  return { async update() {
    if (from !== null || isLoading || signal.aborted || content.contains(document.activeElement)) return;
    isLoading = true;
    try { await load(); } catch { /* The next entry tries again. */ }
    isLoading = false;
  } };
}

function batchPart(batch) {
  return el("p", { class: "say note" }, el("strong", null, `Batch ${count(batch.batch)}.`),
    when(batch.time), " UTC, entries ", entryLink(batch.entry), " to ", entryLink(batch.sealed),
    batch.proposer === undefined ? "" : [", proposed by ",
      link(batch.proposer_name, ["validator", batch.proposer])],
    batch.round ? `, in round ${batch.round}` : "",
    `; ${count(batch.votes)} votes, ${count(batch.requests.length)} requests. `,
    batch.batch > 0 ? [batchLink(batch.batch - 1, "The batch before"), ", "] : "",
    batchLink(batch.batch + 1, "the batch after"), ". State root ",
    el("span", { class: "id" }, batch.state_root));
}
