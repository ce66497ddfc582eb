// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// One entry: every field with its name, and the proof that it is in the log, checked here.

import { bytes, get, found, text } from "./api.js";
import { el, facts, put, section } from "./dom.js";
import { hex, inclusionSteps, isSame, leafHash, unhex } from "./merkle.js";
import { parseNote } from "./note.js";
import { fieldList } from "./fields.js";
import { count, entryLink, link, words } from "./words.js";
import { whyPart } from "./why.js";

export const title = (where) => `Entry ${where.parts[0] ?? ""}`;

export async function show({ body, parts, moment, signal, title: heading }) {
  const entry = Number(parts[0]);
  const said = await get(`entries/${parts[0]}`, { form: "json" }, { signal });
  put(heading, `Entry ${count(entry)}: ${words(said.kind)}`);
  const size = moment ? moment.sealed + 1 : null;
  if (size !== null && entry >= size) {
    put(body, el("p", { class: "say note" }, "The log did not hold this entry yet."));
    return {};
  }
  const proof = el("div", null, el("p", { class: "faint" }, "Checking …"));
  const reasons = el("details", { on: { toggle: (event) => {
    if (event.target.open && !reasons.dataset.asked) {
      reasons.dataset.asked = "yes";
      explain(entry, reasons, signal);
    }
  } } }, el("summary", null, "Why it is there"));
  put(body, el("div", { class: "bar" },
    entry > 0 ? entryLink(entry - 1, "Entry before") : null, entryLink(entry + 1, "Entry after"),
    link("On the tape", ["log"], { from: Math.max(0, entry - 200) })),
  el("div", { class: "columns" },
    section("What it says", fieldList(said.fields)),
    section("That it is in the log", facts([
      ["Bytes", el("a", { href: `/entries/${entry}`, download: `entry-${entry}.borsh` },
        count(said.bytes))],
      ["Leaf hash", el("span", { class: "id" }, said.leaf_hash)],
    ], "facts wide"), proof)), reasons);
  check(entry, size, proof, signal);
  return {};
}

/** Computes the root from the bytes of the entry and the hashes beside its path, here. */
async function check(entry, size, place, signal) {
  try {
    const newest = size === null ? await checkpoint(signal) : null;
    const under = newest && entry < newest.size ? newest.size : size;
    const [raw, proof] = await Promise.all([
      bytes(`entries/${entry}`, {}, { signal }),
      get("proof/inclusion", { entry, size: under }, { signal }),
    ]);
    const leaf = leafHash(raw);
    const steps = inclusionSteps(entry, proof.size, leaf, proof.proof.map(unhex));
    const root = steps.length ? steps.at(-1).hash : leaf;
    const isRight = isSame(root, unhex(proof.root));
    const isSigned = newest && under === newest.size && isSame(root, newest.root);
    put(place, el("p", { class: `say ${isRight && !(newest && under === newest.size && !isSigned)
      ? "good" : "bad"}`, id: "inclusion" },
    el("strong", null, isRight ? "Included." : "Not included."),
    isRight ? [`Your browser hashed the ${count(raw.length)} bytes of this entry with ${
      count(steps.length)} hashes beside its path, and came to the root of the log of ${
      count(proof.size)} entries`, isSigned
      ? ", which is that of the newest checkpoint of this node. Whether validators signed it, “Check it here” verifies."
      : ", as this node states it."]
      : "The hashes do not come to the root that this node states."),
    el("details", null, el("summary", null, "The path"),
      el("ol", { class: "steps id" }, el("li", null, "leaf ", hex(leaf)),
        steps.map((step) => el("li", null, `with the ${step.side} `, hex(step.other), " → ",
          hex(step.hash))), el("li", null, "root ", proof.root))));
  } catch (error) {
    if (!signal.aborted) put(place, el("p", { class: "faint" }, `Not checked: ${error.message}`));
  }
}

async function checkpoint(signal) {
  try {
    const note = parseNote(new TextEncoder().encode(await text("checkpoint", {}, { signal })));
    return { size: Number(note.size), root: note.root };
  } catch { return null; }
}

async function explain(entry, place, signal) {
  const part = el("div", null, el("p", { class: "faint" }, "The node counts it again …"));
  place.append(part);
  try {
    const why = await found(`why/entry:${entry}`, {}, { signal });
    put(part, why ? whyPart(why) : "Nothing is explained.");
  } catch (error) {
    if (!signal.aborted) put(part, el("p", { class: "faint" }, `Not now: ${error.message}`));
  }
}
