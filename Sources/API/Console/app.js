// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The frame of all pages: where one is, what one looks for, and as of when.

import { follow, found, get, Refusal } from "./api.js";
import { el, put } from "./dom.js";
import { address, batchLink, count, keepMoment, link, short, when } from "./words.js";

/** The pages by the first part of their addresses, each in a file of its own. */
const PAGES = {
  now: { name: "Now", load: () => import("./now.js") },
  requests: { name: "Requests", load: () => import("./requests.js") },
  request: { of: "requests", load: () => import("./request.js") },
  validators: { name: "Validators", load: () => import("./validators.js") },
  validator: { of: "validators", load: () => import("./validator.js") },
  disputes: { name: "Disagreements", load: () => import("./disputes.js") },
  log: { name: "Log", load: () => import("./log.js") },
  entry: { of: "log", load: () => import("./entry.js") },
  compare: { name: "Compare", load: () => import("./compare.js"), isTimeless: true },
  check: { name: "Check it here", load: () => import("./check.js"), isTimeless: true },
};

const main = document.getElementById("main");
const head = document.getElementById("head");
const foot = document.getElementById("foot");

let current = null;
let height = 0;
const live = el("span", { class: "live", role: "status" }, "connecting …");
const travel = el("div", { id: "travel" });
const results = el("div", { id: "found", "aria-live": "polite" });

/** What stands behind the `#` of the address: a page, what it is about, and how it is shown. */
function read(text) {
  const [path, query] = text.replace(/^#\/?/, "").split("?", 2);
  const parts = path.split("/").filter((part) => part !== "").map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  const params = new URLSearchParams(query ?? "");
  const at = params.get("at");
  return {
    page: Object.hasOwn(PAGES, parts[0] ?? "now") ? parts[0] ?? "now" : null,
    parts: parts.slice(1), params,
    at: at !== null && /^\d{1,15}$/.test(at) ? Number(at) : null,
  };
}

// The head

function showHead(status) {
  const input = el("input", {
    type: "search", name: "name", "aria-label": "Find by the start of an id, a name or a number",
    placeholder: "start of an id, name or number", maxlength: "64", autocomplete: "off",
    spellcheck: "false", accesskey: "s",
  });
  put(head,
    el("div", { class: "top" },
      el("span", { class: "node" }, status.name),
      el("span", { class: "faint" }, "ledger ",
        link(short(status.ledger, 8), ["entry", 0], {}, { title: status.ledger, class: "id" })),
      live,
      el("form", { role: "search", on: { submit: (event) => {
        event.preventDefault();
        search(input.value.trim());
      }, keydown: (event) => {
        if (event.key === "Escape") put(results);
      } } }, input, el("button", null, "Find"), results)),
    el("nav", { "aria-label": "Pages" }, el("ul", null,
      Object.entries(PAGES).filter(([, page]) => page.name).map(([key, page], place) =>
        el("li", null, el("a", {
          href: `#/${key}`, "data-page": key, accesskey: String(place + 1),
        }, page.name))))));
  head.after(travel);
  put(foot, el("p", null, "Recount ", status.version, ". These pages ask this node and nobody else; ",
    "what they show is its word, except what “Check it here” verifies in the browser. ",
    el("a", { href: "/openapi.json" }, "The API"), " says the same to programs."));
}

async function search(text) {
  if (text === "") return put(results);
  put(results, "looking …");
  try {
    const { found: all } = await get("search", { name: text });
    if (all.length === 1) {
      put(results);
      location.hash = place(all[0]);
      return;
    }
    put(results, all.length === 0 ? el("p", null, `Nothing is called “${text}”.`)
      : el("ul", null, all.map((thing) => el("li", null,
        el("a", { href: place(thing), on: { click: () => put(results) } },
          `${thing.kind} ${thing.name ? short(thing.name, 24) : count(thing.number)}`)))));
    results.querySelector("a")?.focus();
  } catch (error) { put(results, el("p", null, said(error))); }
}

/** Where something that was found is shown. */
function place(thing) {
  switch (thing.kind) {
    case "request": return address(["request", thing.name]);
    case "nullifier": return address(["request", thing.number]);
    case "validator": return address(["validator", thing.number]);
    case "batch": return address(["log"], { batch: thing.number });
    default: return address(["entry", thing.number]);
  }
}

// As of when

async function showTravel(where) {
  const at = where.at;
  travel.hidden = PAGES[where.page]?.isTimeless === true;
  travel.className = at === null ? "" : "past";
  const here = (value) => {
    const query = new URLSearchParams(where.params);
    if (value === null || value >= height) query.delete("at"); else query.set("at", value);
    const text = query.toString();
    return `#/${[where.page, ...where.parts].map(encodeURIComponent).join("/")}${text ? "?" + text : ""}`;
  };
  const go = (value) => { location.hash = here(value); };
  const number = el("input", {
    type: "number", min: "0", max: String(height), value: String(at ?? height),
    "aria-label": "Batch as of which everything is shown",
    on: { change: (event) => go(Math.max(0, Number(event.target.value))) },
  });
  const slider = el("input", {
    type: "range", min: "0", max: String(height), value: String(at ?? height),
    "aria-label": "As of batch", on: {
      input: (event) => { number.value = event.target.value; },
      change: (event) => go(Number(event.target.value)),
    },
  });
  put(travel, el("label", null, "As of batch ", number), slider,
    at === null ? el("span", { class: "faint" }, "the newest")
      : el("a", { href: here(null) }, "back to now"));
  if (at === null) return null;
  const batch = await found(`batches/${at}`);
  if (!batch) {
    travel.append(el("span", { class: "note" }, `The ledger has no batch ${at} yet.`));
    return null;
  }
  travel.append(el("span", { class: "note" }, "Everything below is as it was after batch ",
    batchLink(at), " at ", when(batch.time), " UTC. What a node knows only of the present (queues,",
    " peers, checkpoints) is left out."));
  return { height: at, entry: batch.entry, sealed: batch.sealed, time: batch.time };
}

// Pages

function said(error) {
  if (!(error instanceof Refusal)) return `This page failed: ${error.message}`;
  switch (error.status) {
    case 0: return "The node cannot be reached. It is asked again when you open a page.";
    case 404: return `There is nothing here: ${error.message}.`;
    case 429: case 503: return `The node has too much to do: ${error.message}. Try again.`;
    default: return `The node answers: ${error.message}.`;
  }
}

async function show() {
  current?.abort.abort();
  current?.page?.end?.();
  const abort = new AbortController();
  const where = read(location.hash);
  const self = { abort, page: null };
  current = self;
  keepMoment(where.at);
  put(results);
  const entry = PAGES[where.page];
  for (const tab of head.querySelectorAll("nav a")) {
    const isHere = tab.dataset.page === (entry?.of ?? where.page);
    tab.toggleAttribute("aria-current", isHere);
    if (isHere) tab.setAttribute("aria-current", "page");
    tab.setAttribute("href", address([tab.dataset.page]));
  }
  main.setAttribute("aria-busy", "true");
  const title = el("h1", { tabindex: "-1" });
  const body = el("div");
  try {
    if (!entry) throw new Refusal(404, "notFound", "the console has no such page");
    const moment = await showTravel(where);
    const page = await entry.load();
    if (abort.signal.aborted) return;
    put(title, page.title?.(where) ?? entry.name);
    self.page = await page.show({ ...where, moment, body, title, signal: abort.signal }) ?? {};
    if (abort.signal.aborted) return self.page.end?.();
  } catch (error) {
    if (abort.signal.aborted) return;
    if (title.textContent === "") put(title, "Not shown");
    put(body, el("p", { class: "say bad", role: "alert" }, said(error)));
  }
  put(main, title, body);
  main.setAttribute("aria-busy", "false");
  document.title = `${title.textContent} · Recount`;
  if (show.wasShown) title.focus({ preventScroll: false });
  show.wasShown = true;
  const { dataset } = document.documentElement;
  dataset.shown = location.hash;
  dataset.took ??= Math.round(performance.now());
}

// What comes

let isQueued = false;

/** Tells the page of new entries, at most twice a second. */
function told(entry) {
  if (entry.kind === "batchSealed") height = Math.max(height, entry.fields.height ?? 0);
  current?.page?.entry?.(entry);
  if (isQueued) return;
  isQueued = true;
  setTimeout(() => {
    isQueued = false;
    if (current?.page && read(location.hash).at === null) {
      for (const input of travel.querySelectorAll("input")) {
        input.max = String(height);
        if (document.activeElement !== input) input.value = String(height);
      }
      current.page.update?.();
    }
  }, 500);
}

async function start() {
  // The page is fetched while the node says what it is.
  PAGES[read(location.hash).page]?.load().catch(() => {});
  const status = get("status");
  try {
    const known = await status;
    height = known.height;
    showHead(known);
  } catch (error) {
    put(main, el("p", { class: "say bad", role: "alert" }, said(error)));
    return;
  }
  addEventListener("hashchange", show);
  await show();
  follow(told, (isOpen) => put(live, isOpen ? "● live" : "○ not connected: trying again")).catch(
    () => put(live, "○ not live"));
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
start();
