// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Makes what is shown. Everything from outside becomes a text node or an attribute here, and
// nothing is ever read as HTML; links lead to this console, or to the node that serves it.

const SVG = "http://www.w3.org/2000/svg";

// Characters that would change how a text looks, or hide in it.
// deno-lint-ignore no-control-regex
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A text with its hidden characters spelt out. */
export function visible(text) {
  return String(text).replace(HIDDEN, (c) =>
    "\\u{" + c.codePointAt(0).toString(16) + "}");
}

/** Whether an address may stand in a link: a place of the console, or a path of the node. */
export function isOwnAddress(address) {
  return /^(#|\/(?!\/|\\))/.test(address) || /^blob:/.test(address);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, call] of Object.entries(value)) node.addEventListener(event, call);
    } else if (name === "href" && !isOwnAddress(value)) {
      continue;
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  add(node, children);
  return node;
}

function add(node, child) {
  if (Array.isArray(child)) {
    for (const part of child) add(node, part);
  } else if (child instanceof Node) {
    node.append(child);
  } else if (child !== null && child !== undefined && child !== false) {
    node.append(visible(child));
  }
}

/** An element of HTML. */
export function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Puts children in the place of those that a node has. */
export function put(node, ...children) {
  node.replaceChildren();
  add(node, children);
  return node;
}

/**
 * A table. Columns are `{name, title?, of(row), cls?}`; on a narrow screen each row becomes a card
 * whose lines carry the names of the columns, so what a cell says is one part of it.
 */
export function table(caption, columns, rows, attributes) {
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { class: "cards", ...attributes },
      el("caption", null, caption),
      el("thead", null, el("tr", null, columns.map((column) =>
        el("th", { scope: "col", class: column.cls, title: column.title }, column.name)))),
      el("tbody", null, rows.map((row) => el("tr", null, columns.map((column, place) =>
        el(place === 0 ? "th" : "td", {
          scope: place === 0 ? "row" : null, class: column.cls, "data-name": column.name,
        }, el("div", null, column.of(row)))))))));
}

/** A list of names and what they stand for. Pairs without a value are left out. */
export function facts(pairs, cls = "facts") {
  return el("dl", { class: cls }, pairs.filter(([, value]) =>
    value !== null && value !== undefined && value !== "").map(([name, value]) =>
    el("div", null, el("dt", null, name), el("dd", null, value))));
}

/** A part of a page under a heading. */
export function section(title, ...children) {
  const id = "s-" + title.toLowerCase().replace(/[^a-z]+/g, "-");
  return el("section", { "aria-labelledby": id }, el("h2", { id }, title), children);
}
