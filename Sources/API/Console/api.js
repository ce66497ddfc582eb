// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Asks the node. There is nothing here that others could not ask as well.

/** Why a node did not answer what was asked. */
export class Refusal extends Error {
  constructor(status, reason, message) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

const wait = (milliseconds, signal) => new Promise((done, fail) => {
  const timer = setTimeout(done, milliseconds);
  signal?.addEventListener("abort", () => {
    clearTimeout(timer);
    fail(signal.reason);
  }, { once: true });
});

function target(path, query, node) {
  const all = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== "") all.set(key, value);
  }
  const text = all.toString();
  const parts = path.split("/").map((part) => encodeURIComponent(part)).join("/");
  return (node ?? "") + "/" + parts + (text ? "?" + text : "");
}

/** Asks, and once or twice again where the node has too much to do. */
async function ask(path, query, { signal, node } = {}) {
  for (let turn = 0; ; turn += 1) {
    let response;
    try {
      response = await fetch(target(path, query, node), { signal, credentials: "omit" });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Refusal(0, "unreachable", "The node cannot be reached.");
    }
    if (response.ok) return response;
    let said = {};
    try { said = await response.json(); } catch { /* It says nothing that can be read. */ }
    if ((response.status === 503 || response.status === 429) && turn < 2 && said.error) {
      const seconds = Math.min(5, Number(response.headers.get("Retry-After") ?? 1));
      await wait(1000 * seconds, signal);
      continue;
    }
    throw new Refusal(response.status, said.error ?? "", said.message ?? response.statusText);
  }
}

/** The JSON that stands at a path. */
export async function get(path, query, options) {
  return (await ask(path, query, options)).json();
}

/** The bytes that stand at a path. */
export async function bytes(path, query, options) {
  return new Uint8Array(await (await ask(path, query, options)).arrayBuffer());
}

/** The text that stands at a path. */
export async function text(path, query, options) {
  return (await ask(path, query, options)).text();
}

/** The answer, or null where the node knows of no such thing. */
export async function found(path, query, options) {
  try { return await get(path, query, options); } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

/**
 * The newest rounds, oldest first; of an earlier time those that were closed then. Convictions are
 * left out of these, since the evidence may have come later.
 */
export async function rounds(limit, moment, options) {
  const [said, then] = await Promise.all([
    get("rounds", { limit, to: moment?.sealed }, options),
    moment ? get("requests", { limit, at: moment.height }, options) : null,
  ]);
  if (!then) return said.rounds;
  const closed = new Set(then.requests.filter((row) => row.closed !== undefined)
    .map((row) => row.entry));
  return said.rounds.filter((round) => closed.has(round.request)).map((round) => ({
    ...round, answers: round.answers.map((one) => ({ ...one, is_convicted: false })),
  }));
}

let kinds = null;

/** The kinds of entries by their tags, each with a letter of its own for small cells. */
export async function entryKinds() {
  kinds ??= get("kinds").then((said) => lettered(said.kinds));
  try { return await kinds; } catch (error) {
    kinds = null;
    throw error;
  }
}

/** Gives each kind the first letter of its words that no kind before it has. */
export function lettered(all) {
  const taken = new Set();
  return new Map(all.map((kind, place) => {
    const starts = kind.kind.split(/(?=[A-Z])/).map((word) => word[0]);
    const candidates = [...starts, ...kind.kind, ...kind.kind.toUpperCase(), "?"];
    const letter = candidates.find((one) => !taken.has(one)) ?? "?";
    taken.add(letter);
    return [kind.tag, { ...kind, letter, place }];
  }));
}

/** Follows the entries as they come; the browser connects again by itself, and misses none. */
export async function follow(take, say) {
  const names = [...(await entryKinds()).values()].map((kind) => kind.kind);
  const source = new EventSource("/events");
  source.addEventListener("open", () => say(true));
  source.addEventListener("error", () => say(false));
  for (const name of names) source.addEventListener(name, (event) => take(JSON.parse(event.data)));
  return source;
}
