// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Checks of what the console computes, run in the browser that it is driven in. One expression: a
// function that takes where the modules are, and gives what does not hold.

async (base) => {
  const load = (name) => import(`${base}/${name}`);
  const [{ sha256 }, merkle, borsh, note, words, dom, chart, now, request, log, compare, api] =
    await Promise.all(["sha256.js", "merkle.js", "borsh.js", "note.js", "words.js", "dom.js",
      "chart.js", "now.js", "request.js", "log.js", "compare.js", "api.js"].map(load));
  const wrong = [];
  const same = (what, found, wanted) => {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (a !== b) wrong.push(`${what}: ${a}, not ${b}`);
  };
  const throws = (what, call) => {
    try { call(); } catch { return; }
    wrong.push(`${what} does not throw`);
  };
  const utf8 = (text) => new TextEncoder().encode(text);
  const { hex, unhex } = merkle;

  // SHA-256 as the browser's own, around the ends of blocks.
  same("sha256 abc", hex(sha256(utf8("abc"))),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, place) => place * 7);
    const theirs = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    same(`sha256 of ${length}`, hex(sha256(bytes.subarray(0, length >> 1), bytes.subarray(length >> 1))),
      hex(theirs));
  }

  // Trees of RFC 6962 against the definition.
  const leaves = Array.from({ length: 19 }, (_, place) => merkle.leafHash(Uint8Array.of(place)));
  const cut = (count) => { let k = 1; while (2 * k < count) k *= 2; return k; };
  const root = (all) => all.length === 1 ? all[0]
    : merkle.nodeHash(root(all.slice(0, cut(all.length))), root(all.slice(cut(all.length))));
  const path = (at, all) => all.length === 1 ? [] : at < cut(all.length)
    ? [...path(at, all.slice(0, cut(all.length))), root(all.slice(cut(all.length)))]
    : [...path(at - cut(all.length), all.slice(cut(all.length))), root(all.slice(0, cut(all.length)))];
  const many = (start, all, wanted) => wanted.length === 0 ? [root(all)] : all.length === 1 ? []
    : [...many(start, all.slice(0, cut(all.length)), wanted.filter((w) => w < start + cut(all.length))),
      ...many(start + cut(all.length), all.slice(cut(all.length)),
        wanted.filter((w) => w >= start + cut(all.length)))];
  for (let size = 1; size <= leaves.length; size += 1) {
    const all = leaves.slice(0, size);
    for (let at = 0; at < size; at += 1) {
      const proof = path(at, all);
      same(`inclusion ${at} of ${size}`, hex(merkle.inclusionRoot(at, size, all[at], proof)),
        hex(root(all)));
      throws(`a long proof of ${at} of ${size}`, () =>
        merkle.inclusionRoot(at, size, all[at], [...proof, all[0]]));
      if (proof.length) {
        throws(`a short proof of ${at} of ${size}`, () =>
          merkle.inclusionRoot(at, size, all[at], proof.slice(1)));
      }
      const wanted = [...new Set([0, at, size - 1])].sort((a, b) => a - b);
      const chosen = wanted.map((index) => ({ index: BigInt(index), hash: all[index] }));
      const proofs = many(0, all, wanted);
      same(`multi-proof ${wanted} of ${size}`, hex(merkle.multiProofRoot(chosen, BigInt(size), proofs)),
        hex(root(all)));
      throws("a long multi-proof", () =>
        merkle.multiProofRoot(chosen, BigInt(size), [...proofs, all[0]]));
    }
    throws("an entry beyond", () => merkle.inclusionRoot(size, size, all[0], []));
  }
  throws("entries twice", () => merkle.multiProofRoot(
    [{ index: 0n, hash: leaves[0] }, { index: 0n, hash: leaves[0] }], 2n, []));

  // Borsh: a vote, cut at every byte, and lengths that promise more than there is.
  const vote = borsh.join(Uint8Array.of(3), borsh.number(7n, 8), borsh.number(2, 2),
    Uint8Array.of(1, 0), borsh.number(1767225600000n, 8), new Uint8Array(64));
  const read = borsh.readEvent(vote);
  same("a vote", [read.kind, String(read.request), read.validator, read.vote, read.reason],
    ["voteCast", "7", 2, "reject", "proofHolds"]);
  for (let length = 0; length < vote.length; length += 1) {
    throws(`a vote of ${length} bytes`, () => borsh.readEvent(vote.subarray(0, length)));
  }
  throws("a vote and a byte", () => borsh.readEvent(borsh.join(vote, Uint8Array.of(0))));
  throws("a vote that is none", () => borsh.readEvent(vote.with(11, 3)));
  throws("no event", () => borsh.readEvent(Uint8Array.of(11)));
  throws("a count beyond its bytes", () =>
    new borsh.Reader(Uint8Array.of(255, 255, 255, 255)).list(2 ** 32, (one) => one.u8()));
  throws("neither there nor absent", () =>
    new borsh.Reader(Uint8Array.of(2)).optional((one) => one.u8()));
  same("a number", hex(borsh.number(258n, 4)), "02010000");

  // Notes.
  const rootText = btoa(String.fromCharCode(...leaves[0]));
  const line = btoa(String.fromCharCode(...new Uint8Array(68)));
  const whole = `recount/ab\n7\n${rootText}\n\n— recount/ab ${line}\n`;
  const parsed = note.parseNote(utf8(whole));
  same("a note", [parsed.origin, String(parsed.size), hex(parsed.root), parsed.lines.length],
    ["recount/ab", "7", hex(leaves[0]), 1]);
  for (const bad of [whole.slice(0, -1), whole.replace("\n7\n", "\n07\n"), whole.replace("— ", "- "),
    whole.replace("\n\n", "\n"), whole.replace("\n\n", "\nmore\n\n"), whole.replace("=\n\n", "\n\n"),
    whole.replace(line, line.slice(0, 4)), whole.replace("\n7\n", "\n-7\n"), ""]) {
    throws(`the note ${JSON.stringify(bad)}`, () => note.parseNote(utf8(bad)));
  }

  // Words, drawings and what is told of a node.
  same("points", [0, 1000, 1234, -50000, 2065000].map(words.points),
    ["0", "1", "1.234", "−50", "2\u202f065"]);
  same("spans", [5, 1500, 61000, 3_660_000, 90_000_000].map(words.span),
    ["5 ms", "1.5 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
  same("hidden characters", dom.visible("a\u202eb\u0000\u200b"), "a\\u{202e}b\\u{0}\\u{200b}");
  same("own addresses", ["#/now", "/metrics", "//evil.example", "/\\evil.example",
    "javascript:alert(1)", "http://evil.example", "data:text/html,x", " javascript:x"]
    .map(dom.isOwnAddress), [true, true, false, false, false, false, false, false]);
  same("a link to elsewhere", dom.el("a", { href: "javascript:alert(1)" }, "x").outerHTML, "<a>x</a>");
  same("markup", dom.el("p", null, "<b>&").innerHTML, "&lt;b&gt;&amp;");
  same("names apart", chart.apart([10, 0, 11], 13), [13, 0, 26]);
  same("ticks", chart.ticks(0, 100), [0, 20, 40, 60, 80, 100]);
  const letters = [...api.lettered([{ tag: 1, kind: "voteCast" }, { tag: 2, kind: "voteCount" },
    { tag: 3, kind: "vote" }]).values()].map((kind) => kind.letter);
  same("letters differ", new Set(letters).size, 3);
  const calm = { name: "a", height: 5, round: 0, now: 1000, time: 900, open_rounds: 0, open_jobs: 0,
    reasons: [], is_silent: false, threshold: 2, members: [{ name: "a", validator: 0, is_reached: true },
      { name: "b", validator: 1, is_reached: true }, { name: "c", validator: 2, is_reached: true }],
    queues: [{ name: "q", count: 1, max: 10 }], convictions: 0,
    projections: { entries: 9, behind: 0, is_stopped: false } };
  same("nothing wrong", now.problems(calm, [], []), []);
  const grades = (change, rounds = [], cases = []) =>
    now.problems({ ...calm, ...change }, rounds, cases).map((one) => one.grade);
  same("a case", grades({}, [], [{ status: "open", height: 3 }]), ["bad"]);
  same("a closed case", grades({}, [], [{ status: "closed", height: 3 }]), []);
  same("unready", grades({ reasons: ["joining"] }), ["bad"]);
  same("one away", grades({ members: calm.members.with(2, { name: "c", is_reached: false }) }), ["warn"]);
  same("too many away", grades({ members: calm.members.map((m) => ({ ...m, is_reached: false })) }),
    ["bad"]);
  same("late", grades({ open_rounds: 1, now: 20_000 }), ["bad"]);
  same("idle", grades({ open_rounds: 0, now: 20_000 }), []);
  same("a full queue", grades({ queues: [{ name: "q", count: 9, max: 10 }] }), ["warn"]);
  same("passed over", grades({ round: 1 }), ["warn"]);
  same("convicted, behind the wrong", grades({ convictions: 2, is_silent: true }), ["warn", "note"]);
  same("no projections", grades({ projections: undefined }), ["warn"]);
  same("stopped projections", grades({ projections: { ...calm.projections, is_stopped: true } }), ["bad"]);
  const round = { answers: [{ validator: 1, name: "b", answer: "missed" }] };
  same("silent", grades({}, [round, round]), ["warn"]);
  same("seldom silent", now.silent([round, ...Array(9).fill({ answers: [] })]), []);

  // A request as of an entry, a tape, and the first difference.
  const story = { votes: [{ entry: 3 }, { entry: 5 }], decision_entry: 6, deciding: 5, result: {},
    events: [{ entry: 2, kind: "roundOpened" }, { entry: 9, kind: "roundClosed" }], refused: [],
    spare: 1 };
  same("before the decision", [request.asOf(story, 4).votes.length, request.asOf(story, 4).result],
    [1, undefined]);
  same("before the close", [request.asOf(story, 6).deciding, request.asOf(story, 6).spare],
    [5, undefined]);
  same("closed", request.asOf(story, 9).spare, 1);
  same("a tape", log.batches({ batch: 4, from: 10, tags: [3, 76, 1, 2, 76, 1] }, 1),
    [{ batch: 4, from: 10, tags: [3, 76] }, { batch: 5, from: 12, tags: [1, 2, 76] },
      { batch: 6, from: 15, tags: [1] }]);
  for (const differs of [0, 1, 6, 7, 8]) {
    same(`a difference from ${differs}`, await compare.firstDifference(7, async (at) => at < differs),
      differs === 8 ? null : differs);
  }
  return wrong;
}
