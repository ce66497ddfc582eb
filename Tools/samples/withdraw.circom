// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0
//
// The withdrawal circuit of the samples. It proves: "I know a note that is a leaf of the tree with
// this root; it holds exactly this amount; this is its nullifier; pay it to this recipient."
//
//     commitment = Poseidon(1, secret, amount)       the leaf
//     node       = Poseidon(left, right)             20 levels above the leaf
//     nullifier  = Poseidon(2, secret, leafIndex)    one for each leaf, whatever is spent from it
//
// Public inputs, in this order: root, nullifier, recipient, amount. There are no outputs.

pragma circom 2.0.0;

include "poseidon.circom";
include "bitify.circom";

/// Computes the root above `leaf`. Bit i of the leaf's index is 1 where the node on level i is the
/// right child; `siblings[i]` is the other child.
template RootAbove(depth) {
    signal input leaf;
    signal input bits[depth];
    signal input siblings[depth];
    signal output root;

    component hash[depth];
    signal node[depth + 1];
    signal shift[depth];

    node[0] <== leaf;
    for (var i = 0; i < depth; i++) {
        bits[i] * (bits[i] - 1) === 0;
        // One multiplication exchanges the children: left + right stays node + sibling.
        shift[i] <== bits[i] * (siblings[i] - node[i]);
        hash[i] = Poseidon(2);
        hash[i].inputs[0] <== node[i] + shift[i];
        hash[i].inputs[1] <== siblings[i] - shift[i];
        node[i + 1] <== hash[i].out;
    }
    root <== node[depth];
}

template Withdraw(depth) {
    signal input root;
    signal input nullifier;
    signal input recipient;
    signal input amount;

    signal input secret;
    signal input bits[depth];
    signal input siblings[depth];

    // The amount is an integer of 64 bits, so that no sum of a few amounts wraps round the field.
    component range = Num2Bits(64);
    range.in <== amount;

    component commitment = Poseidon(3);
    commitment.inputs[0] <== 1;
    commitment.inputs[1] <== secret;
    commitment.inputs[2] <== amount;

    component tree = RootAbove(depth);
    tree.leaf <== commitment.out;
    for (var i = 0; i < depth; i++) {
        tree.bits[i] <== bits[i];
        tree.siblings[i] <== siblings[i];
    }
    root === tree.root;

    var leafIndex = 0;
    for (var i = 0; i < depth; i++) {
        leafIndex += bits[i] * (1 << i);
    }
    component spent = Poseidon(3);
    spent.inputs[0] <== 2;
    spent.inputs[1] <== secret;
    spent.inputs[2] <== leafIndex;
    nullifier === spent.out;

    // Nothing else speaks of the recipient. A public input in no constraint would have a zero in
    // the verifying key, and any value would pass; so it is squared.
    signal recipientSquared;
    recipientSquared <== recipient * recipient;
}

component main {public [root, nullifier, recipient, amount]} = Withdraw(20);
