// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

extension PreparedVerifyingKey {
    /// A proof in its compressed form with the public inputs that it is to hold for.
    package struct CompressedItem: Sendable {
        /// The bytes of the proof, whatever they are.
        package let proof: [UInt8]
        /// The public inputs.
        package let inputs: [Fr]

        /// Pairs a proof with its inputs.
        package init(_ proof: [UInt8], inputs: [Fr]) {
            self.proof = proof
            self.inputs = inputs
        }
    }

    /// What becomes of a proof: whether it holds, or why it cannot be read.
    package typealias Answer = Result<Bool, Groth16Error>

    /// A proof whose B may be outside the group.
    private struct Candidate {
        let index: Int
        let a: G1Affine
        let b: TwistPoint
        let c: G1Affine
    }

    /// Returns for each proof the error of `Proof.init(compressed:)`, or else whether it holds: the
    /// verdicts of `verifyTogether` on proofs that were read one by one.
    ///
    /// With the kernels the square roots are taken together, and the Miller loop of each B says
    /// whether it is in the group, which saves a third of the work. Whatever is not plain is read
    /// again one by one, for its error: infinity, bytes that are refused, and points outside.
    /// Throws only `wrongInputCount`, for the first item that has it, before anything is read.
    package func verifyTogether(
        compressed items: [CompressedItem], factors: inout some RandomNumberGenerator
    ) throws(Groth16Error) -> [Answer] {
        for item in items where item.inputs.count != publicInputCount {
            throw .wrongInputCount(expected: publicInputCount, actual: item.inputs.count)
        }
        var answers = [Answer](repeating: .success(false), count: items.count)
        let candidates = Kernels.areThere ? Self.candidates(items) : []
        let verdict = holdTogether(candidates, items, &factors)
        var isPlain = [Bool](repeating: false, count: items.count)
        for (candidate, isMember) in zip(candidates, verdict.areMembers) where isMember {
            isPlain[candidate.index] = true
            if verdict.areHolding { answers[candidate.index] = .success(true) }
        }
        let others = items.indices.filter { !isPlain[$0] }
        try settle(others.map { ($0, read(items[$0])) }, items, false, &answers, &factors)
        if verdict.areHolding { return answers }
        let members = zip(candidates, verdict.areMembers).filter(\.1).map(\.0)
        let proofs = members.map { member -> (Int, Result<Proof, Groth16Error>) in
            let proof = Proof(a: member.a, b: G2Affine(member: member.b), c: member.c)
            return (member.index, .success(proof))
        }
        let isSureToFail = members.count == candidates.count
        if isSureToFail, members.count == 1 { return answers }
        try settle(proofs, items, isSureToFail, &answers, &factors)
        return answers
    }

    private func read(_ item: CompressedItem) -> Result<Proof, Groth16Error> {
        do throws(Groth16Error) {
            return .success(try Proof(compressed: item.proof))
        } catch {
            return .failure(error)
        }
    }

    /// Fills in the answers for some proofs that were read, or not.
    private func settle(
        _ proofs: [(Int, Result<Proof, Groth16Error>)], _ items: [CompressedItem],
        _ isSureToFail: Bool, _ answers: inout [Answer],
        _ factors: inout some RandomNumberGenerator
    ) throws(Groth16Error) {
        var places: [Int] = []
        var plain: [Item] = []
        for (index, proof) in proofs {
            switch proof {
            case .success(let proof):
                places.append(index)
                plain.append(Item(proof, inputs: items[index].inputs))
            case .failure(let error): answers[index] = .failure(error)
            }
        }
        var verdicts = [Bool](repeating: false, count: plain.count)
        try settle(plain[...], knownToFail: isSureToFail, &verdicts, &factors)
        for (place, holds) in zip(places, verdicts) { answers[place] = .success(holds) }
    }

    /// The proofs that can be read but for the order of B, and have no infinity.
    private static func candidates(_ items: [CompressedItem]) -> [Candidate] {
        let whole = items.indices.filter { items[$0].proof.count == Proof.compressedSize }
        func parts(_ range: Range<Int>) -> [[UInt8]] {
            whole.map { Array(items[$0].proof[range]) }
        }
        let points = CompressedPoints(
            first: parts(0..<32) + parts(96..<128), second: parts(32..<96))
        return whole.indices.compactMap { place in
            guard let a = points.first[place], let b = points.second[place],
                let c = points.first[whole.count + place]
            else { return nil }
            return Candidate(index: whole[place], a: a, b: b, c: c)
        }
    }

    /// Returns which points B are in the group, and whether all are and all proofs hold.
    private func holdTogether(
        _ candidates: [Candidate], _ items: [CompressedItem],
        _ factors: inout some RandomNumberGenerator
    ) -> (areHolding: Bool, areMembers: [Bool]) {
        if candidates.isEmpty { return (true, []) }
        let equations = candidates.map {
            Equation(a: $0.a, c: $0.c, inputs: items[$0.index].inputs)
        }
        // One equation needs no factor.
        let isAlone = equations.count == 1
        let sides = isAlone ? plain(equations[0]) : weighted(equations, &factors)
        let pairs = Array(zip(sides.first, candidates.map(\.b)))
        guard let loops = Pairing.inLanes(pairs, prepared: sides.fixed) else {
            fatalError("kernels that were there are gone")
        }
        guard loops.areMembers.allSatisfy({ $0 }) else { return (false, loops.areMembers) }
        let value = Pairing.finalExponentiation(loops.product)
        return (value == (isAlone ? alphaBeta : .one), loops.areMembers)
    }
}
