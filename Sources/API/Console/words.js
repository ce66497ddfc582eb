// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Numbers, times and words as people read them, and links to the places that they come from.

import { el } from "./dom.js";

/** A whole number in groups of three. */
export function count(value) {
  return value === null || value === undefined ? ""
    : String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** Thousandths of a point as points. */
export function points(thousandths) {
  const sign = thousandths < 0 ? "−" : "";
  const whole = Math.abs(Number(thousandths));
  const rest = whole % 1000;
  return sign + count(Math.floor(whole / 1000)) +
    (rest ? "." + String(rest).padStart(3, "0").replace(/0+$/, "") : "");
}

/** A change of a reputation, with its sign. */
export function change(thousandths) {
  return (thousandths > 0 ? "+" : thousandths === 0 ? "±" : "") + points(thousandths);
}

/** A time in UTC; milliseconds only where they are asked for. */
export function time(milliseconds, isExact = false) {
  const text = new Date(Number(milliseconds)).toISOString();
  return text.slice(0, 10) + " " + text.slice(11, isExact ? 23 : 19);
}

/** A time as an element that machines read too. */
export function when(milliseconds, isExact = false) {
  return el("time", { datetime: new Date(Number(milliseconds)).toISOString() },
    time(milliseconds, isExact));
}

/** How long something took. */
export function span(milliseconds) {
  const ms = Math.max(0, Number(milliseconds));
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor(ms / 1000) % 60} s`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.floor(ms / 60_000) % 60} min`;
  return `${Math.floor(ms / 86_400_000)} d ${Math.floor(ms / 3_600_000) % 24} h`;
}

/** A share as a percentage. */
export function percent(share, digits = 1) { return (100 * share).toFixed(digits) + " %"; }

/** The start of an identity. */
export function short(identity, digits = 12) {
  const text = String(identity ?? "");
  return text.length > digits ? text.slice(0, digits) + "…" : text;
}

/** `isRead`, `timedOut`, `is_read` as words. */
export function words(name) {
  return String(name).replace(/_/g, " ").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** One of a number of things: `1 request`, `2 requests`. */
export function many(number, one, more = one + "s") {
  return `${count(number)} ${Number(number) === 1 ? one : more}`;
}

const OUTCOMES = {
  approved: ["✓", "good"], rejected: ["✗", "bad"], timedOut: ["◑", "warn"], open: ["…", "faint"],
  agreed: ["✓", "good"], disagreed: ["≠", "bad"], holds: ["✓", "good"], fails: ["✗", "bad"],
  approve: ["✓", "good"], reject: ["✗", "bad"], abstain: ["○", "warn"], missed: ["–", "warn"],
  settled: ["✓", "good"], failed: ["✗", "bad"], ordered: ["…", "faint"],
};

/** A mark and a word, so that nothing is said by colour alone. */
export function mark(word) {
  const [sign, cls] = OUTCOMES[word] ?? ["", ""];
  return el("span", { class: `mark ${cls}` },
    sign ? el("span", { "aria-hidden": "true" }, sign + " ") : null, words(word));
}

/** The mark of a word alone. */
export function sign(word) { return OUTCOMES[word]?.[0] ?? "?"; }

/** The class of a word. */
export function tone(word) { return OUTCOMES[word]?.[1] ?? ""; }

// Links. Those that show the ledger keep the batch as of which it is looked at.

let moment = null;

/** Has all links made from now on keep the batch as of which pages are looked at. */
export function keepMoment(height) { moment = height; }

/** The address of a place in the console. */
export function address(path, query = {}, isLive = false) {
  const all = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") all.set(key, value);
  }
  if (moment !== null && !isLive && !all.has("at")) all.set("at", moment);
  const text = all.toString();
  return "#/" + path.map((part) => encodeURIComponent(part)).join("/") + (text ? "?" + text : "");
}

export function link(text, path, query, attributes) {
  return el("a", { href: address(path, query), ...attributes }, text);
}

export function entryLink(entry, text) {
  return entry === null || entry === undefined ? ""
    : link(text ?? count(entry), ["entry", entry]);
}

export function batchLink(height, text) {
  return link(text ?? count(height), ["log"], { batch: height });
}

export function requestLink(identity, text) {
  return link(text ?? short(identity), ["request", identity], {}, { class: "id" });
}

export function validatorLink(number, name) {
  return link(name ?? `validator ${number}`, ["validator", number]);
}
