// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The choice of a protocol for a connection or a stream, on one side.
///
/// The dialer proposes in its order; the listener takes the first that it speaks. Either side may
/// send its header first, or both at once.
/// Source: multiformats, multistream-select 1.0.
package struct MultistreamNegotiation: Sendable {
    /// What was agreed on.
    package struct Agreement: Equatable, Sendable {
        /// The protocol.
        package let name: String
        /// What came behind the last line, for the protocol.
        package let rest: [UInt8]

        /// An agreement on this protocol.
        package init(name: String, rest: [UInt8]) {
            self.name = name
            self.rest = rest
        }
    }

    /// The most proposals that a listener answers.
    package static let triesMax = 32

    private let role: Role
    private let protocols: [String]
    private var input: [UInt8] = []
    private var hasHeader = false
    /// The proposals so far, from the first on.
    private var tryCount = 0

    /// A negotiation of these: in the order of wishes for a dialer, in any order for a listener.
    package init(role: Role, protocols: [String]) {
        self.role = role
        self.protocols = protocols
    }

    /// What is sent before anything has come.
    package func start() -> [UInt8] {
        let header = MultistreamLines.encode(MultistreamLines.header)
        guard role == .dialer, let first = protocols.first else { return header }
        return header + MultistreamLines.encode(first)
    }

    /// Takes bytes in; appends what is to be sent to `output`, also where it throws.
    ///
    /// Not to be called after an agreement or an error.
    package mutating func receive(
        _ bytes: some Collection<UInt8>, output: inout [UInt8]
    ) throws(MultistreamError) -> Agreement? {
        input.append(contentsOf: bytes)
        while let line = try MultistreamLines.popLine(from: &input) {
            guard hasHeader else {
                guard line == MultistreamLines.header else { throw .header(line) }
                hasHeader = true
                continue
            }
            let name: String?
            switch role {
            case .dialer: name = try answered(line, output: &output)
            case .listener: name = try asked(line, output: &output)
            }
            guard let name else { continue }
            defer { input = [] }
            return Agreement(name: name, rest: input)
        }
        return nil
    }

    private mutating func answered(
        _ line: String, output: inout [UInt8]
    ) throws(MultistreamError) -> String? {
        guard tryCount < protocols.count else { throw .refused }
        if line == protocols[tryCount] { return line }
        guard line == MultistreamLines.notAvailable else { throw .notAsked(line) }
        tryCount += 1
        guard tryCount < protocols.count else { throw .refused }
        output += MultistreamLines.encode(protocols[tryCount])
        return nil
    }

    private mutating func asked(
        _ line: String, output: inout [UInt8]
    ) throws(MultistreamError) -> String? {
        if protocols.contains(line) {
            output += MultistreamLines.encode(line)
            return line
        }
        output += MultistreamLines.encode(MultistreamLines.notAvailable)
        tryCount += 1
        guard tryCount < Self.triesMax else { throw .tooManyTries }
        return nil
    }
}
