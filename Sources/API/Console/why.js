// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Why something is as it is, in the sentences of `recount why`.

import { el } from "./dom.js";
import { count, entryLink } from "./words.js";

/** An explanation in sentences, each with the entry that it comes from. */
export function whyPart(why) {
  return [
    el("ol", { class: "steps" }, why.sentences.map((one) => el("li", null, one.text,
      one.rule ? el("span", { class: "faint" }, ` (${one.rule})`) : null,
      one.entry === undefined ? null : [" ", entryLink(one.entry, `entry ${count(one.entry)}`)]))),
    el("p", { class: `say ${why.holds ? "good" : "bad"}` },
      el("strong", null, why.holds ? "Recounted." : "It does not come out."),
      why.holds ? `The log says the same: ${why.stated ?? "nothing yet"}.`
        : `The log says ${why.stated ?? "nothing"}, and counting gives ${why.recounted ?? "nothing"}.`),
  ];
}
