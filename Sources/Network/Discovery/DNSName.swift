// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A name of DNS: labels of 1 to 63 bytes, 255 bytes in all. Letters count the same in both cases.
///
/// Source: RFC 1035, section 3.1; RFC 6762, section 16.
package struct DNSName: Hashable, Sendable {
    /// The labels, from the first to that before the root, as they came.
    package let labels: [[UInt8]]

    /// The most bytes of a name, with the lengths of its labels and that of the root.
    static let bytesMax = 255
    /// The most bytes of a label.
    static let labelBytesMax = 63

    /// The name of these labels; nil where one is empty or too long, or all of them are too long.
    package init?(labels: [[UInt8]]) {
        let size = labels.reduce(1) { $0 + $1.count + 1 }
        guard size <= Self.bytesMax,
            labels.allSatisfy({ (1...Self.labelBytesMax).contains($0.count) })
        else { return nil }
        self.labels = labels
    }

    /// The name of a constant text of ours, with dots between its labels.
    init(known text: StaticString) {
        labels = "\(text)".split(separator: ".").map { Array($0.utf8) }
    }

    private init(unchecked labels: [[UInt8]]) { self.labels = labels }

    /// Whether the name is of a label and another name.
    func isChild(of parent: DNSName) -> Bool {
        labels.count == parent.labels.count + 1
            && DNSName(unchecked: Array(labels.dropFirst())) == parent
    }

    /// The name of one label before this name; nil where that is too long.
    func child(_ label: [UInt8]) -> DNSName? { DNSName(labels: [label] + labels) }

    package static func == (left: DNSName, right: DNSName) -> Bool {
        left.labels.elementsEqual(right.labels) { $0.elementsEqual($1) { lower($0) == lower($1) } }
    }

    package func hash(into hasher: inout Hasher) {
        for label in labels {
            hasher.combine(label.count)
            for byte in label { hasher.combine(Self.lower(byte)) }
        }
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
