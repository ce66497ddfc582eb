// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The page that `recount certificate page` writes: one certificate, checked where it is opened.

import { el, put } from "./dom.js";
import { showVerdict } from "./verdict.js";

const main = document.getElementById("main");
const text = document.getElementById("certificate").textContent.trim();
const certificate = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const place = el("div");
const ledger = el("input", { name: "ledger", size: "40", maxlength: "64", class: "mono",
  spellcheck: "false", placeholder: "64 digits, from elsewhere" });
const threshold = el("input", { name: "threshold", type: "number", min: "1", max: "1000",
  placeholder: "as the ledger began" });

const check = () => showVerdict(place, certificate, {
  ledger: ledger.value.trim().toLowerCase() || null,
  threshold: threshold.value === "" ? null : Number(threshold.value),
});

put(main, el("h1", null, "A decision, to be checked"),
  el("p", null, "This file holds a certificate and what verifies it, and asks no network. Who does not ",
    "trust whoever made the file makes it anew from the certificate, or runs ",
    el("code", null, "recount certificate verify"), "."),
  el("form", { class: "bar", "aria-label": "What you bring along", on: { submit: (event) => {
    event.preventDefault();
    check();
  } } }, el("label", null, "Ledger id that you know ", ledger),
  el("label", null, "Signatures asked for ", threshold), el("button", null, "Check again")),
  place);
check().then(() => { document.documentElement.dataset.shown = "page"; });
