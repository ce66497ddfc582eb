// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The fields of entries, with their names, and links where a number is a place.

import { el } from "./dom.js";
import { batchLink, count, entryLink, time, validatorLink, when, words } from "./words.js";

/** What the numbers in fields of these names are. */
const LEADS = {
  request: entryLink, about: entryLink, deciding: entryLink, job: entryLink, conflicting: entryLink,
  evidence: entryLink, height: batchLink,
  validator: (number) => validatorLink(number, String(number)),
  leader: (number) => validatorLink(number, String(number)),
  proposer: (number) => validatorLink(number, String(number)),
};
const TIMES = new Set(["time", "timestamp", "deadline", "next_turn", "final_timestamp"]);

function value(name, said) {
  if (typeof said === "number" && LEADS[name]) return LEADS[name](said);
  if (typeof said === "number" && TIMES.has(name) && said > 1e11) {
    return [count(said), " (", when(said, true), " UTC)"];
  }
  if (Array.isArray(said)) {
    if (said.every((one) => typeof one !== "object" || one === null)) {
      return said.length === 0 ? "none" : said.map((one, place) =>
        [place ? ", " : "", name === "validators" && typeof one === "number"
          ? validatorLink(one, String(one)) : String(one)]);
    }
    return el("ol", null, said.map((one) => el("li", null, value("", one))));
  }
  if (said !== null && typeof said === "object") return fieldList(said);
  if (typeof said === "string" && /^[0-9a-f]{16,}$/.test(said)) {
    return el("span", { class: "id" }, said);
  }
  return String(said);
}

/** All fields, with their names. */
export function fieldList(fields) {
  return el("dl", { class: "fields" }, Object.entries(fields).map(([name, said]) =>
    [el("dt", null, words(name)), el("dd", null, value(name, said))]));
}

/** The fields on one line, long ones cut. */
export function brief(fields) {
  const parts = [];
  for (const [name, said] of Object.entries(fields)) {
    if (parts.length >= 7) { parts.push([" …"]); break; }
    let shown = value(name, said);
    if (typeof said === "string" && said.length > 20) shown = said.slice(0, 16) + "…";
    if (said !== null && typeof said === "object") {
      shown = Array.isArray(said) ? `${said.length} of them` : "…";
    }
    parts.push([parts.length ? " · " : "", el("span", { class: "faint" }, words(name) + " "),
      TIMES.has(name) && typeof said === "number" && said > 1e11 ? time(said) : shown]);
  }
  return parts;
}
