// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// C2SP signed notes that are checkpoints (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature),
// and Ed25519 by WebCrypto.

import { join } from "./borsh.js";
import { isSame } from "./merkle.js";
import { sha256 } from "./sha256.js";

const NOTE_BYTES_MAX = 294_912;
const LINES_MAX = 1100;
const encoder = new TextEncoder();

function base64(text) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw new Error("no base64");
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  if (btoa(String.fromCharCode(...bytes)) !== text) throw new Error("another spelling of base64");
  return bytes;
}

/**
 * Reads a note: `{origin, size, root, text, lines: [{name, id, signature}]}`; throws where it is
 * none.
 */
export function parseNote(bytes) {
  if (bytes.length > NOTE_BYTES_MAX) throw new Error("the note is too long");
  const all = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const cut = all.lastIndexOf("\n\n");
  if (cut < 0 || !all.endsWith("\n")) throw new Error("the note has no signatures");
  const said = all.slice(0, cut + 1);
  const [origin, size, root, ...more] = said.slice(0, -1).split("\n");
  if (more.length || root === undefined) throw new Error("the checkpoint has not three lines");
  if (!/^(0|[1-9]\d{0,19})$/.test(size)) throw new Error("the size of the checkpoint is no number");
  const hash = base64(root);
  if (hash.length !== 32) throw new Error("the root of the checkpoint is no hash");
  const lines = all.slice(cut + 2, -1).split("\n").map((line) => {
    const parts = /^— ([^ +]+) (\S+)$/u.exec(line);
    if (!parts) throw new Error("a line of the note is no signature");
    const value = base64(parts[2]);
    if (value.length < 5) throw new Error("a signature of the note is too short");
    return { name: parts[1], id: value.subarray(0, 4), signature: value.subarray(4) };
  });
  if (lines.length > LINES_MAX) throw new Error("the note has too many signatures");
  return { origin, size: BigInt(size), root: hash, text: encoder.encode(said), lines };
}

/** Whether this page may use the browser's cryptography: over TLS, of this machine, or a file. */
export const canVerify = () => globalThis.crypto?.subtle !== undefined;

const keys = new Map();

/** Whether an Ed25519 signature of a key over a message holds, as the browser judges. */
export async function verifies(key, signature, message) {
  const name = key.join();
  let known = keys.get(name);
  if (!known) {
    known = crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    keys.set(name, known);
  }
  let imported;
  try { imported = await known; } catch { return false; }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

function keyID(name, type, key) {
  return sha256(encoder.encode(name + "\n"), Uint8Array.of(type), key).subarray(0, 4);
}

/** Whether a line of a note is a signature of a key: `null` for a line of other keys. */
export async function judgeLine(note, line, key, hexKey) {
  if (line.name === note.origin && isSame(line.id, keyID(line.name, 1, key))) {
    return line.signature.length === 64 && verifies(key, line.signature, note.text);
  }
  const name = `${note.origin}/${hexKey}`;
  if (line.name === name && isSame(line.id, keyID(name, 4, key))) {
    if (line.signature.length !== 72) return false;
    const view = new DataView(line.signature.buffer, line.signature.byteOffset, 8);
    const head = encoder.encode(`cosignature/v1\ntime ${view.getBigUint64(0)}\n`);
    return verifies(key, line.signature.subarray(8), join(head, note.text));
  }
  return null;
}
