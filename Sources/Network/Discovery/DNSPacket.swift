// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A packet of DNS: questions, and records in three sections.
///
/// Source: RFC 1035, section 4.1; RFC 6762, section 18.
package struct DNSPacket: Equatable, Sendable {
    /// The kinds of records that are told apart here.
    package enum Kind {
        /// An address of IPv4.
        package static let a: UInt16 = 1
        /// A name that a name stands for.
        package static let ptr: UInt16 = 12
        /// Texts.
        package static let txt: UInt16 = 16
        /// Where a service is.
        package static let srv: UInt16 = 33
        /// In a question: all kinds.
        package static let any: UInt16 = 255
    }

    /// What is asked.
    package struct Question: Equatable, Sendable {
        /// About which name.
        package let name: DNSName
        /// For which kind of records.
        package let kind: UInt16
        /// The class; its top bit asks for an answer to the asker alone.
        package let group: UInt16

        /// A question of the class of the Internet.
        package init(_ name: DNSName, kind: UInt16, group: UInt16 = 1) {
            self.name = name
            self.kind = kind
            self.group = group
        }
    }

    /// What a record says.
    package enum Content: Equatable, Sendable {
        /// PTR.
        case pointer(DNSName)
        /// TXT: strings of at most 255 bytes.
        case texts([[UInt8]])
        /// SRV, without priority and weight.
        case service(port: UInt16, host: DNSName)
        /// A.
        case address(UInt32)
        /// Another kind, in bytes.
        case other([UInt8])
    }

    /// A record.
    package struct Record: Equatable, Sendable {
        /// Of which name.
        package let name: DNSName
        /// Of which kind.
        package let kind: UInt16
        /// The class; its top bit says that there are no other records of name and kind.
        package let group: UInt16
        /// For how many seconds it holds.
        package let seconds: UInt32
        /// What it says.
        package let content: Content

        /// A record of these.
        package init(
            _ name: DNSName, kind: UInt16, group: UInt16 = 1, seconds: UInt32, _ content: Content
        ) {
            self.name = name
            self.kind = kind
            self.group = group
            self.seconds = seconds
            self.content = content
        }
    }

    /// The number by which an answer is found again; zero in multicast DNS, but not from everybody.
    package var id: UInt16 = 0
    /// Bit 15 is set in a response; the others are of no weight here.
    package var flags: UInt16 = 0
    /// What is asked.
    package var questions: [Question] = []
    /// What is answered, or in a query what the asker knows already.
    package var answers: [Record] = []
    /// Records about authority, which have no use here.
    package var authorities: [Record] = []
    /// What an asker would ask next.
    package var additionals: [Record] = []

    /// An empty query.
    package init() {}

    /// The flags of an answer that is sent by whoever knows it.
    package static let responseFlags: UInt16 = 0x8400

    /// Whether it answers.
    package var isResponse: Bool { flags & 0x8000 != 0 }

    /// The most bytes of a packet (RFC 6762, section 17).
    package static let bytesMax = 9000
    /// The most questions and records of a packet.
    package static let entriesMax = 128
}

/// Why bytes are no packet of DNS.
package enum DNSError: Error, Equatable {
    /// More than `DNSPacket.bytesMax` bytes.
    case tooLong(Int)
    /// More than `DNSPacket.entriesMax` questions and records.
    case tooMany(Int)
    /// The bytes end before what they announce does.
    case truncated
    /// A name that is too long, points forwards, or holds a label of an unknown kind.
    case name(offset: Int)
    /// A record whose content does not fill its length.
    case content(kind: UInt16)
}
