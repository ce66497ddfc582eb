// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Two nodes side by side, to the first difference. The browser asks the other node itself: one that
// the operator of this node lists ([api] nodes), and whose operator lists this one.

import { found, get } from "./api.js";
import { el, facts, put, section, table } from "./dom.js";
import { fieldList } from "./fields.js";
import { batchLink, count, entryLink, link, many, short, when, words } from "./words.js";

/**
 * The first height at which two histories differ: `null` where none up to `last` does. `isSameAt`
 * says it of one height; roots cover all that came before, so that halves can be left out.
 */
export async function firstDifference(last, isSameAt) {
  if (await isSameAt(last)) return null;
  let [low, high] = [0, last];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await isSameAt(middle)) low = middle + 1; else high = middle;
  }
  return low;
}

export async function show({ body, params, signal }) {
  const own = await get("overview", {}, { signal });
  const place = el("div");
  const other = own.nodes.includes(params.get("with")) ? params.get("with") : null;
  if (own.nodes.length === 0) {
    put(body, el("p", { class: "say note" }, "This node may be compared with nobody: its operator lists no ",
      "other. Name their addresses in its configuration, and this address in theirs: ",
      el("code", null, '[api] nodes = ["http://192.0.2.1:5100"]'), "."));
    return {};
  }
  put(body, el("p", null, "Your browser asks both nodes, and looks for the first batch in which their ",
    "logs differ. What it shows is the word of each; certificates prove single decisions."),
  el("p", { class: "bar" }, own.nodes.map((node) => link(node.replace(/^https?:\/\//, ""), ["compare"],
    { with: node }, { "aria-current": node === other ? "true" : null }))), place);
  if (other === null) return {};
  put(place, el("p", { class: "faint", role: "status" }, `Asking ${other} …`));
  try {
    await compare(place, own, other, signal);
  } catch (error) {
    if (signal.aborted) return {};
    put(place, el("p", { class: "say bad", id: "difference" }, el("strong", null, "Not compared."),
      `${error.message} Either ${other} does not run, or its operator does not list this node, ${
        location.origin}.`));
  }
  return {};
}

function side(name, status, where) {
  return el("div", null, el("h2", null, name), facts([
    ["Address", where], ["Height", count(status.height)], ["Entries", count(status.size)],
    ["Last batch", when(status.time)], ["Version", status.version],
    ["Root", el("span", { class: "id" }, status.root ?? "older entries are lacking")],
  ], "facts wide"));
}

async function compare(place, own, other, signal) {
  const there = { signal, node: other };
  const theirs = await get("status", {}, there);
  const said = el("div");
  put(place, said, el("div", { class: "sides" }, side(`This node: ${own.name}`, own, location.origin),
    side(`The other: ${theirs.name}`, theirs, other)));
  if (own.ledger !== theirs.ledger) {
    put(said, el("p", { class: "say bad", id: "difference" }, el("strong", null, "Other ledgers."),
      `The other node holds the ledger ${short(theirs.ledger, 16)}.`));
    return;
  }
  const last = Math.min(own.height, theirs.height);
  const roots = async (height) => Promise.all([
    get(`batches/${height}`, {}, { signal }), get(`batches/${height}`, {}, there)]);
  const first = await firstDifference(last, async (height) => {
    const [a, b] = await roots(height);
    return a.root === b.root && a.state_root === b.state_root && a.sealed === b.sealed;
  });
  if (first === null) {
    const apart = own.height - theirs.height;
    put(said, el("p", { class: "say good", id: "difference" }, el("strong", null, "No difference."),
      "Up to batch ", batchLink(last), " both state the same roots of log and state.",
      apart === 0 ? "" : ` ${apart > 0 ? "The other" : "This"} node is ${
        many(Math.abs(apart), "batch", "batches")} behind.`));
    return;
  }
  await showDifference(said, first, await roots(first), signal, there);
}

async function showDifference(place, height, [own, theirs], signal, there) {
  put(place, el("p", { class: "say bad", id: "difference" }, el("strong", null, "They differ."),
    "The first difference is in batch ", batchLink(height), "."));
  // The root of a log of so many entries covers them all, and so finds the first that differs.
  const root = async (size, options) =>
    (await get("proof/consistency", { from: size, to: size }, options)).from_root;
  const begin = Math.min(own.entry, theirs.entry);
  const both = Math.min(own.sealed, theirs.sealed) + 1;
  const within = await firstDifference(both - begin, async (count) =>
    await root(begin + count, { signal }) === await root(begin + count, there));
  const entry = within === null ? both : begin + within - 1;
  const [a, b] = await Promise.all([
    entry <= own.sealed ? found(`entries/${entry}`, { form: "json" }, { signal }) : null,
    entry <= theirs.sealed ? found(`entries/${entry}`, { form: "json" }, there) : null]);
  const part = (said, name) => el("div", null, el("h3", null, name), said
    ? [el("p", null, el("strong", null, words(said.kind))), fieldList(said.fields)]
    : el("p", null, "has no such entry in this batch"));
  place.append(section("The first entry that differs", el("p", null, "Entry ", entryLink(entry), "."),
    el("div", { class: "sides" }, part(a, "This node"), part(b, "The other"))));
  const [sealA, sealB] = await Promise.all([
    found(`entries/${own.sealed}`, { form: "json" }, { signal }),
    found(`entries/${theirs.sealed}`, { form: "json" }, there)]);
  const components = sealA?.fields.components ?? {};
  const differing = Object.keys(components).filter((name) =>
    components[name] !== sealB?.fields.components?.[name]);
  if (differing.length) {
    place.append(table("Parts of the state that differ after it", [
      { name: "Part", of: (name) => words(name) },
      { name: "This node", of: (name) => el("span", { class: "id" }, short(components[name], 16)) },
      { name: "The other", of: (name) => el("span", { class: "id" },
        short(sealB?.fields.components?.[name], 16)) },
    ], differing));
  }
  place.append(el("p", null, "Who is right, and whose signatures tell: ",
    el("code", null, "recount diff"), " with both ledgers."));
}
