// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The zero-knowledge proof, by the ledger's own verifier compiled to WebAssembly
// (`Tools/console/proof`). It is given bytes and gives a number; it can reach nothing else.

let compiled = null;

/** The module; from the page itself where that holds it, else from beside this file. */
async function load() {
  const here = globalThis.document?.getElementById("proof-module")?.textContent.trim();
  if (here) return Uint8Array.from(atob(here), (c) => c.charCodeAt(0));
  const response = await fetch(new URL("./proof.wasm", import.meta.url));
  if (!response.ok) throw new Error("the verifier of proofs is not there");
  return new Uint8Array(await response.arrayBuffer());
}

/** Verifies one proof: true, false, or null where proof or key cannot be read. */
export async function judgeProof(circuit, request) {
  compiled ??= load().then((bytes) => WebAssembly.compile(bytes));
  const { exports } = await WebAssembly.instantiate(await compiled, {});
  const hand = (bytes) => {
    const place = exports.reserve(Math.max(1, bytes.length)) >>> 0;
    new Uint8Array(exports.memory.buffer).set(bytes, place);
    return place;
  };
  const count = request.publicInputs.length;
  const inputs = new Uint8Array(32 * count);
  request.publicInputs.forEach((input, place) => inputs.set(input, 32 * place));
  const bound = Uint8Array.from(circuit.inputs, (one) => one.kind === "free" ? 0 : 1);
  const said = exports.verify(hand(circuit.verifyingKey), circuit.verifyingKey.length,
    hand(request.proof), request.proof.length, hand(inputs), hand(bound), count);
  return said === 1 ? true : said === 0 ? false : null;
}

/** What judges a proof under a circuit: true, false, or null where it cannot be verified here. */
export async function proofJudge() {
  try {
    compiled ??= load().then((bytes) => WebAssembly.compile(bytes));
    await compiled;
    return judgeProof;
  } catch {
    compiled = null;
    return async () => null;
  }
}
