// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger
import Testing

/// By how much the votes of a closed round decided it, and numbers as they are written.
struct ClosingTallyTests {
    /// Of ten, of whom seven must approve.
    private func spare(_ approvals: UInt32, _ others: UInt32, _ reason: OutcomeReason?) -> Int64? {
        ClosingTally(approvals: approvals, others: others, members: 10, threshold: 7)
            .spare(reason)
    }

    @Test func `what could have failed is counted from those who made the decision`() {
        #expect(spare(7, 0, .quorumApproved) == 0)
        #expect(spare(7, 3, .quorumApproved) == 0)
        #expect(spare(10, 0, .quorumApproved) == 3)
        // Four of ten put seven approvals out of reach.
        #expect(spare(6, 4, .approvalOutOfReach) == 0)
        #expect(spare(0, 4, .approvalOutOfReach) == 0)
        #expect(spare(0, 10, .approvalOutOfReach) == 6)
        for reason in [
            OutcomeReason.deadlineWithQuorum, .deadlineWithoutQuorum, .nullifierSpent, nil,
        ] {
            #expect(spare(5, 2, reason) == nil)
        }
        let most = ClosingTally(approvals: .max, others: .max, members: 0, threshold: .max)
        #expect(most.spare(.quorumApproved) == 0)
        #expect(most.spare(.approvalOutOfReach) == Int64(UInt32.max) * 2 - 1)
    }

    @Test func `every reason has its name`() {
        #expect(OutcomeReason.allCases == (0...4).compactMap { OutcomeReason(rawValue: $0) })
        #expect(OutcomeReason(rawValue: 5) == nil)
        #expect(Set(OutcomeReason.allCases.map(\.jsonName)).count == 5)
    }

    @Test(
        arguments: [
            ("0", 0), ("5", 5), ("18446744073709551615", UInt64.max), ("18446744073709551616", nil),
            ("+5", nil), ("-0", nil), ("05", nil), ("00", nil), ("", nil), (" 5", nil), ("5 ", nil),
            ("0x5", nil), ("5.0", nil), ("1e3", nil), ("\u{0665}", nil), ("5\u{301}", nil),
        ] as [(String, UInt64?)])
    func `a whole number is written in one way`(_ text: String, _ value: UInt64?) {
        #expect(UInt64(plain: text) == value)
        #expect(UInt64(plain: "x\(text)".dropFirst()) == value)
    }
}
