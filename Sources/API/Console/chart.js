// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Drawings in SVG. Lines differ in colour, dashes and the name at their end.

import { svg } from "./dom.js";

const DASHES = ["", "6 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2", "1 4", "8 2 2 2 2 2"];
const SIZE = { width: 900, height: 320, left: 60, right: 150, top: 12, bottom: 30 };

/** Round steps that cover a range, some five of them. */
export function ticks(low, high, wanted = 5) {
  if (!(high > low)) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const all = [];
  for (let n = Math.ceil(low / step) * step; n <= high + step / 1e6; n += step) {
    all.push(Number(n.toPrecision(12)));
  }
  return all;
}

/** Moves names apart so that none covers another. Takes and gives their heights, in order. */
export function apart(heights, least) {
  const order = heights.map((y, place) => ({ y, place })).sort((a, b) => a.y - b.y);
  for (let i = 1; i < order.length; i += 1) {
    order[i].y = Math.max(order[i].y, order[i - 1].y + least);
  }
  const result = [];
  for (const { y, place } of order) result[place] = y;
  return result;
}

/**
 * Lines of steps: each value holds until the next. `lines` are `{name, points: [{x, y, href?}]}`;
 * a point without `y` is a gap.
 */
export function lineChart(title, lines, { nameX, nameY, from, to }) {
  const all = lines.flatMap((line) => line.points).filter((point) => point.y !== null);
  const left = from ?? Math.min(...all.map((p) => p.x));
  const right = to ?? Math.max(...all.map((p) => p.x));
  let low = Math.min(...all.map((p) => p.y));
  let high = Math.max(...all.map((p) => p.y));
  if (!all.length) [low, high] = [0, 1];
  if (low === high) [low, high] = [low - 1, high + 1];
  const x = (value) => SIZE.left +
    (SIZE.width - SIZE.left - SIZE.right) * (right > left ? (value - left) / (right - left) : 0);
  const y = (value) => SIZE.height - SIZE.bottom -
    (SIZE.height - SIZE.top - SIZE.bottom) * (value - low) / (high - low);
  const ends = lines.map((line) => {
    const known = line.points.filter((point) => point.y !== null);
    return known.length ? y(known[known.length - 1].y) : SIZE.height;
  });
  const names = apart(ends, 13);
  const over = Math.max(0, Math.max(...names, 0) - (SIZE.height - 4));
  return svg("svg", {
    class: "chart", viewBox: `0 0 ${SIZE.width} ${SIZE.height + over}`, role: "img",
    "aria-label": title,
  },
  svg("title", null, title),
  ticks(low, high).map((value) => [
    svg("line", { class: "axis", x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: y(value),
      y2: y(value) }),
    svg("text", { class: "tick", x: SIZE.left - 6, y: y(value) + 4, "text-anchor": "end" },
      nameY(value))]),
  [0, 1, 2, 3].map((step) => {
    const value = left + (right - left) * step / 3;
    return svg("text", { class: "tick", x: x(value), y: SIZE.height - 8,
      "text-anchor": step === 0 ? "start" : step === 3 ? "end" : "middle" }, nameX(value));
  }),
  lines.map((line, place) => {
    const style = line.style ?? place;
    let path = "";
    let before = null;
    for (const point of line.points) {
      if (point.y === null) { before = null; continue; }
      path += before === null ? `M${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`
        : `H${x(point.x).toFixed(1)}V${y(point.y).toFixed(1)}`;
      before = point;
    }
    if (!before) return null;
    return svg("g", { class: `s${style % 8}` },
      svg("path", { class: "line", d: path, "stroke-dasharray": DASHES[(style + Math.floor(style / 8)) % 8] || null }),
      svg("line", { class: "axis", x1: x(before.x) + 2, x2: SIZE.width - SIZE.right + 14,
        y1: ends[place], y2: names[place] }),
      svg("a", { href: line.href },
        svg("text", { x: SIZE.width - SIZE.right + 18, y: names[place] + 4 }, line.name)));
  }));
}

/**
 * How often each led against what was to be expected: a dot on a band of two standard deviations.
 * `rows` are `{name, href, share, expected, deviation}` (the last in shares).
 */
export function shareChart(title, rows, nameX) {
  const step = 24;
  const height = rows.length * step + 34;
  const left = 130;
  const width = 620;
  const most = Math.max(0.05, ...rows.map((row) =>
    Math.max(row.share, row.expected + 2 * row.deviation)));
  const x = (share) => left + (width - left - 20) * Math.max(0, share) / most;
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": title },
  svg("title", null, title),
  ticks(0, most).map((value) => [
    svg("line", { class: "axis", x1: x(value), x2: x(value), y1: 4, y2: height - 26 }),
    svg("text", { class: "tick", x: x(value), y: height - 8, "text-anchor": "middle" },
      nameX(value))]),
  rows.map((row, place) => {
    const y = place * step + 16;
    return svg("g", null,
      svg("a", { href: row.href }, svg("text", { x: 4, y: y + 4 }, row.name)),
      svg("line", { class: "band", x1: x(row.expected - 2 * row.deviation),
        x2: x(row.expected + 2 * row.deviation), y1: y, y2: y }),
      svg("line", { class: "expected", x1: x(row.expected), x2: x(row.expected), y1: y - 7, y2: y + 7 }),
      svg("circle", { class: "dot", cx: x(row.share), cy: y, r: 4 }));
  }));
}
