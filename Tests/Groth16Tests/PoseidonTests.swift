// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Foundation
import Groth16
import TestSupport
import Testing

@Suite("Poseidon", .enabled(if: Vectors.has("poseidon")))
struct PoseidonTests {
    struct Digest: Decodable {
        let RF: Int
        let RP: Int
        let sha256_C_then_M_rowmajor_32B_BE: String
    }

    @Test("The constants of every width have the published digest")
    func constants() throws {
        let digests: [String: Digest] = try Vectors.json("poseidon/constants_digest.json")
        #expect(digests.count == 16)
        for width in PoseidonConstants.widths {
            let digest = try #require(digests["\(width)"])
            let constants = try #require(PoseidonConstants.forWidth(width))
            #expect(constants.width == width && constants.partialRoundCount == digest.RP)
            #expect(PoseidonConstants.fullRoundCount == digest.RF)
            let bytes = (constants.roundConstants + constants.matrix).flatMap(\.bigEndianBytes)
            #expect(bytes.count == 32 * width * (digest.RF + digest.RP + width))
            #expect(sha256(bytes) == hexBytes(digest.sha256_C_then_M_rowmajor_32B_BE), "t \(width)")
        }
        #expect(PoseidonConstants.forWidth(1) == nil && PoseidonConstants.forWidth(18) == nil)
    }

    struct KnownAnswer: Decodable {
        let inputs: [String]
        let init_state: String
        let expected: [String]
    }

    @Test("The known answers of circomlib hold, with initial states and several outputs")
    func knownAnswers() throws {
        let cases: [KnownAnswer] = try Vectors.json("poseidon/kats_circomlib_iden3.json")
        #expect(cases.count == 23)
        for item in cases {
            let inputs = try PublicInputs.parse(decimal: item.inputs)
            let start = try #require(Fr(decimal: item.init_state))
            let state = try Poseidon.permute([start] + inputs)
            let expected = try PublicInputs.parse(decimal: item.expected)
            #expect(Array(state.prefix(expected.count)) == expected)
            if start.isZero { #expect(try Poseidon.hash(inputs) == expected[0]) }
        }
    }

    struct Derived: Decodable {
        struct Item: Decodable {
            let inputs: [String]
            let hash: String
            let hash_le_hex: String
        }
        let cases: [Item]
    }

    @Test("Digests of 1 to 16 inputs")
    func everyWidth() throws {
        let file: Derived = try Vectors.json("poseidon/derived_1_to_n.json")
        #expect(file.cases.count == 16)
        for item in file.cases {
            let hash = try Poseidon.hash(try PublicInputs.parse(decimal: item.inputs))
            #expect(hash.decimal == item.hash)
            #expect(hash.littleEndianBytes == hexBytes(item.hash_le_hex))
        }
    }

    @Test("No input and more than 16 are refused")
    func inputCounts() {
        for count in [0, 17, 100] {
            let inputs = [Fr](repeating: .one, count: count)
            #expect(throws: Groth16Error.hashInputCountOutOfRange(actual: count)) {
                try Poseidon.hash(inputs)
            }
        }
        #expect(throws: Groth16Error.hashInputCountOutOfRange(actual: 17)) {
            try Poseidon.permute([Fr](repeating: .one, count: 18))
        }
        #expect(throws: Groth16Error.hashInputCountOutOfRange(actual: -1)) {
            try Poseidon.permute([])
        }
    }

    struct Tree: Decodable {
        struct Answer: Decodable {
            let what: String
            let le_hex: String?
            let dec: String?
        }
        struct Leaf: Decodable {
            let leaf: String
            let root: String
        }
        let tree_depth: Int
        let zero_hashes_le_hex: [String]
        let empty_root_le_hex: String
        let kats: [Answer]
        let single_leaf_root_le_hex: Leaf
    }

    struct Roots: Decodable {
        struct Item: Decodable {
            let leaves_le_hex: [String]
            let root_le_hex: String
        }
        let cases: [Item]
    }

    static func root(_ leaves: [Fr], _ zeros: [Fr], depth: Int) -> Fr {
        var level = leaves
        for height in 0..<depth {
            if level.count % 2 == 1 { level.append(zeros[height]) }
            level = stride(from: 0, to: level.count, by: 2).map {
                Poseidon.hash(level[$0], level[$0 + 1])
            }
        }
        return level[0]
    }

    static func element(_ text: String) throws -> Fr {
        try #require(Fr(littleEndian: hexBytes(text)))
    }

    @Test("Zero hashes and roots of the trees agree")
    func trees() throws {
        let tree: Tree = try Vectors.json("poseidon/paraloom_tree.json")
        var zeros = [Fr.zero]
        for _ in 0..<tree.tree_depth {
            let last = zeros[zeros.count - 1]
            zeros.append(Poseidon.hash(last, last))
        }
        #expect(try tree.zero_hashes_le_hex.map(Self.element) == zeros)
        #expect(try Self.element(tree.empty_root_le_hex) == zeros[tree.tree_depth])
        let single = tree.single_leaf_root_le_hex
        #expect(
            try Self.root([Self.element(single.leaf)], zeros, depth: tree.tree_depth)
                == Self.element(single.root))
        let file: Roots = try Vectors.json("poseidon/derived_tree_roots.json")
        for item in file.cases {
            let leaves = try item.leaves_le_hex.map(Self.element)
            #expect(
                Self.root(leaves, zeros, depth: tree.tree_depth)
                    == (try Self.element(item.root_le_hex)))
        }
        #expect(tree.kats.count == 4)
        #expect(try Self.element(#require(tree.kats[0].le_hex)) == Poseidon.hash(Fr(1), Fr(2)))
        let owner = try Poseidon.hash([Fr(51)])
        #expect(try Self.element(#require(tree.kats[1].le_hex)) == owner)
        let commitment = try Poseidon.hash([Fr(1000), owner, Fr(5), Fr(0)])
        #expect(try Self.element(#require(tree.kats[2].le_hex)) == commitment)
        #expect(try Poseidon.hash([Fr(1), Fr(2), Fr(3)]).decimal == tree.kats[3].dec)
    }
}

/// The bytes of a hexadecimal text of the vectors, empty where it is none.
func hexBytes(_ text: String) -> [UInt8] { bytes(hex: text) ?? [] }

/// Returns the SHA-256 of a message, plainly: the modules under test have no hash of bytes.
///
/// Source: FIPS 180-4, with its constants computed as the roots of the first primes.
func sha256(_ message: [UInt8]) -> [UInt8] {
    let primes = (2..<312).filter { n in !(2..<n).contains { n % $0 == 0 } }
    let fraction = { (value: Double) in
        UInt32((value - value.rounded(.down)) * 4_294_967_296)
    }
    let table = primes.prefix(64).map { fraction(cbrt(Double($0))) }
    var state = primes.prefix(8).map { fraction(sqrt(Double($0))) }
    var padded = message + [0x80]
    while padded.count % 64 != 56 { padded.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
        padded.append(UInt8(truncatingIfNeeded: (message.count * 8) >> shift))
    }
    let rotate = { (word: UInt32, by: UInt32) in word >> by | word << (32 - by) }
    for block in stride(from: 0, to: padded.count, by: 64) {
        var words = (0..<16).map { index in
            padded[(block + index * 4)..<(block + index * 4 + 4)].reduce(UInt32(0)) {
                $0 << 8 | UInt32($1)
            }
        }
        for index in 16..<64 {
            let low = words[index - 15]
            let high = words[index - 2]
            let small = rotate(low, 7) ^ rotate(low, 18) ^ low >> 3
            let large = rotate(high, 17) ^ rotate(high, 19) ^ high >> 10
            words.append(words[index - 16] &+ small &+ words[index - 7] &+ large)
        }
        var v = state
        for index in 0..<64 {
            let choice = v[4] & v[5] ^ ~v[4] & v[6]
            let large = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)
            let first = v[7] &+ large &+ choice &+ table[index] &+ words[index]
            let majority = v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]
            let small = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)
            v = [first &+ small &+ majority] + v.prefix(3) + [v[3] &+ first] + v[4..<7]
        }
        for index in 0..<8 { state[index] &+= v[index] }
    }
    return state.flatMap { word in
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> ($0 as UInt32)) }
    }
}
