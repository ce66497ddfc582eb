// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// A certificate, verified by the browser without trust in the node that gave it.

import { bytes as fetchBytes, Refusal } from "./api.js";
import { el, put } from "./dom.js";
import { showVerdict } from "./verdict.js";

const BYTES_MAX = 64 << 20;

export async function show({ body, params, signal }) {
  const place = el("div");
  const ledger = el("input", { name: "ledger", size: "30", maxlength: "64", class: "mono",
    spellcheck: "false", value: params.get("ledger") ?? "", placeholder: "64 digits, from elsewhere" });
  const threshold = el("input", { name: "threshold", type: "number", min: "1", max: "1000",
    placeholder: "as it began" });
  const file = el("input", { type: "file", accept: ".rcct" });
  const drop = el("div", { class: "drop" }, el("p", null, "Drop a certificate here, or ",
    el("label", null, "choose a file ", file)), el("p", { class: "faint" },
    "It stays in this browser."));
  let last = null;
  const policy = () => ({
    ledger: ledger.value.trim().toLowerCase() || null,
    threshold: threshold.value === "" ? null : Number(threshold.value),
  });
  const check = async (bytes) => {
    last = bytes;
    await showVerdict(place, bytes, policy());
  };
  const take = async (chosen) => {
    if (!chosen) return;
    if (chosen.size > BYTES_MAX) {
      put(place, el("p", { class: "say bad" }, "The file is too long for a certificate."));
      return;
    }
    await check(new Uint8Array(await chosen.arrayBuffer()));
  };
  file.addEventListener("change", () => take(file.files[0]));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  put(body, el("p", null, "A certificate is one decision with everything that it rests on. Your browser ",
    "counts it again: the entries, their place in the log, who signed the log, the request, every ",
    "vote. Nothing that this node says is believed, except that it gave you these pages: who does not ",
    "trust it with that either uses ", el("code", null, "recount certificate verify"),
    " or a page of its own."),
  drop, el("form", { class: "bar", "aria-label": "What you bring along", on: { submit: (event) => {
    event.preventDefault();
    if (last) check(last);
  } } }, el("label", null, "Ledger id that you know ", ledger),
  el("label", null, "Signatures asked for ", threshold), el("button", null, "Check again")), place);
  const request = params.get("request");
  if (request) {
    try {
      const found = await fetchBytes(`requests/${request}/certificate`, {}, { signal });
      await check(found);
    } catch (error) {
      if (signal.aborted) return {};
      put(place, el("p", { class: "say note" }, error instanceof Refusal && error.status === 409
        ? "There is no certificate yet: no checkpoint covers the decision. Try again in some seconds."
        : `The node gives no certificate: ${error.message}.`));
    }
  }
  return {};
}
