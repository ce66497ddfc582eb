// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import Ledger
import Logging
import Network
import Node
import Synchronization
import Telemetry

/// Says what a node tells, as it comes: a line an event, each with its level.
final class NodePrinter: Sendable {
    private let log: ProcessLog
    private let isJSON: Bool
    /// The level that the command line names.
    private let named: Logger.Level?
    private let logger: Mutex<Logger>

    /// - Parameter level: The level that the command line names, where it does.
    init(_ log: ProcessLog, level: String?, isJSON: Bool) {
        self.log = log
        self.isJSON = isJSON
        named = level.flatMap { Logger.Level(rawValue: $0) }
        logger = Mutex(log.logger("node", level: named ?? Self.standard(isJSON)))
    }

    /// What is said where nobody decides: all of it to machines.
    private static func standard(_ isJSON: Bool) -> Logger.Level { isJSON ? .trace : .info }

    /// Takes what the configuration says of the level; the command line goes before it.
    func configure(_ level: String?) {
        guard named == nil, let level = level.flatMap({ Logger.Level(rawValue: $0) }) else {
            return
        }
        logger.withLock { $0.logLevel = level }
    }

    // MARK: What is told

    /// Says something of the process itself.
    func notice(_ text: String) { log.note(text) }

    /// Says where the node listens and answers.
    func started(_ addresses: [Multiaddr], api: HostPort?) {
        let api = api.map { "http://\($0)" }
        if isJSON {
            return say(
                .notice, "", Listening(addresses: addresses.map(\.description), api: api))
        }
        let logger = logger.withLock { $0 }
        for address in addresses { logger.notice("listening at \(address)") }
        if let api { logger.notice("answering at \(api)") }
    }

    /// Says what a node tells.
    func show(_ told: NodeProcess.Told) {
        switch told {
        case .network(let event): show(event)
        case .node(.event(let event)): show(event)
        case .node(.batch(let height, let size, let root, let events, _)):
            for event in events { show(event) }
            say(
                .debug, "batch \(height.rawValue): \(size) entries, root \(root.hex)",
                Batch(height: height.rawValue, size: size, root: root.hex))
        }
    }

    /// Says what was sent and received since the start; to machines alone.
    func show(_ traffic: Traffic) {
        if isJSON { say(.notice, "", TrafficSums(traffic)) }
    }

    private func show(_ event: NodeEvent) {
        let logger = logger.withLock { $0 }
        guard logger.logLevel <= event.level else { return }
        guard isJSON else { return logger.log(level: event.level, "\(event.description)") }
        logger.log(
            level: event.level, "",
            metadata: [LogRecord.key: .stringConvertible(LogRecord(json: event.json))])
    }

    private func show(_ event: NetworkEvent) {
        let (name, peer, about): (String, PeerID, String) =
            switch event {
            case .connected(let peer, let address):
                ("connected", peer, address.map(\.description) ?? "")
            case .disconnected(let peer): ("disconnected", peer, "")
            case .party(let key, let peer): ("party", peer, key.hex)
            case .refused(let peer, let answer):
                (
                    "sent away", peer,
                    answer.map { "\($0)" } ?? "what it says of itself cannot be read"
                )
            }
        let level: Logger.Level = if case .refused = event { .info } else { .debug }
        say(
            level, "peer \(peer): \(name) \(about)",
            Peer(event: name, peer: peer.description, about: about))
    }

    private func say(
        _ level: Logger.Level, _ text: @autoclosure () -> String,
        _ record: @autoclosure () -> some Encodable
    ) {
        let logger = logger.withLock { $0 }
        guard logger.logLevel <= level else { return }
        guard isJSON else { return logger.log(level: level, "\(text())") }
        let json: String
        do { json = try AnswerJSON.encode(record()) } catch {
            return logger.error("a line could not be made: \(error)")
        }
        logger.log(
            level: level, "",
            metadata: [LogRecord.key: .stringConvertible(LogRecord(json: json))])
    }

    // MARK: Lines for machines

    private struct Listening: Encodable {
        let event = "listening"
        let addresses: [String]
        var api: String?
    }

    private struct Peer: Encodable {
        let event: String
        let peer: String
        let about: String
    }

    private struct Batch: Encodable {
        let event = "batch"
        let height: UInt64
        let size: UInt64
        let root: String
    }
}

/// What was sent and received, as machines read it.
private struct TrafficSums: Encodable {
    struct Line: Encodable {
        var sentMessages: UInt64
        var sentBytes: UInt64
        var receivedMessages: UInt64
        var receivedBytes: UInt64
        var publishedMessages: UInt64?
        var publishedBytes: UInt64?
        var deliveredMessages: UInt64?
        var deliveredBytes: UInt64?

        init(_ line: Traffic.Line, isTopic: Bool = false) {
            (sentMessages, sentBytes) = (line.sent.messages, line.sent.bytes)
            (receivedMessages, receivedBytes) = (line.received.messages, line.received.bytes)
            guard isTopic else { return }
            (publishedMessages, publishedBytes) = (line.published.messages, line.published.bytes)
            (deliveredMessages, deliveredBytes) = (line.delivered.messages, line.delivered.bytes)
        }
    }

    let event = "traffic"
    var topics: [String: Line] = [:]
    var protocols: [String: Line] = [:]
    var gossipControl: Line
    var sockets: Line

    init(_ traffic: Traffic) {
        for (topic, line) in traffic.topics {
            topics[topic.description] = Line(line, isTopic: true)
        }
        protocols = traffic.protocols.mapValues { Line($0) }
        gossipControl = Line(traffic.control)
        sockets = Line(traffic.wire)
    }
}

extension NodeEvent {
    /// How much it weighs.
    fileprivate var level: Logger.Level {
        switch self {
        case .projectionsStopped: .error
        case .warning, .equivocation: .warning
        case .recovered, .changed: .notice
        case .refused, .answered, .decided, .settled, .jobDecided, .jobRefused, .waiting: .info
        case .accepted, .jobSubmitted, .jobAssigned, .jobReported: .debug
        // Ten for each request, in each node.
        case .voted: .trace
        }
    }
}
