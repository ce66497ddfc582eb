// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger
import Node
import Synchronization

/// Prints what happens in a run, as it happens.
///
/// To people: what they may have to look at, a line each, and on a terminal one line that counts
/// the rest; to machines every event.
final class RunPrinter: Sendable {
    /// How much is said before the summary.
    enum Volume: Sendable {
        /// Errors and warnings alone.
        case quiet
        /// What is not as it should be, or is rare.
        case usual
        /// Every event.
        case verbose
    }

    private let volume: Volume
    private let isJSON: Bool
    private let isDrawn: Bool
    private let progress = Mutex(RunProgress())

    init(_ volume: Volume, isJSON: Bool) {
        self.volume = volume
        self.isJSON = isJSON
        isDrawn = volume == .usual && !isJSON && Output.isErrorTerminal
    }

    /// Takes an event.
    func show(_ event: NodeEvent) {
        guard isDrawn else { return say(event) }
        progress.withLock { progress in
            progress.count(event)
            if isSaid(event) { progress.clear() }
            say(event)
            progress.draw()
        }
    }

    /// Takes the line with the counts away; the summary has them too.
    func end() { progress.withLock { $0.clear() } }

    private func say(_ event: NodeEvent) {
        guard isSaid(event) else { return }
        switch event {
        case _ where isJSON: Output.line(event.json)
        case .warning(let text): Output.warning(text)
        case .projectionsStopped: Output.error(event.description)
        default: Output.line(event.description.visible)
        }
        Output.flush()
    }

    private func isSaid(_ event: NodeEvent) -> Bool {
        switch event {
        case .warning, .projectionsStopped: true
        case _ where volume == .quiet: false
        case _ where isJSON || volume == .verbose: true
        default: !event.isRoutine
        }
    }
}

extension NodeEvent {
    /// Whether it is what a run consists of, of which there are several for each request.
    fileprivate var isRoutine: Bool {
        switch self {
        case .voted, .accepted, .answered, .decided, .settled: true
        case .jobSubmitted, .jobAssigned, .jobReported: true
        default: false
        }
    }
}

/// What a run did so far, on one line of a terminal.
private struct RunProgress {
    private var accepted = 0
    private var refused = 0
    private var decided = 0
    private var settled = 0
    private var jobs = 0
    private var isShown = false

    mutating func count(_ event: NodeEvent) {
        switch event {
        case .accepted: accepted += 1
        case .refused: refused += 1
        case .decided: decided += 1
        case .settled: settled += 1
        case .jobDecided: jobs += 1
        default: break
        }
    }

    mutating func draw() {
        isShown = true
        let jobs = jobs == 0 ? "" : ", \(Text.count(UInt64(jobs), "job"))"
        Output.standardError(
            "\r\u{1B}[K\(accepted) accepted, \(refused) refused, \(decided) decided,"
                + " \(settled) paid\(jobs)")
    }

    mutating func clear() {
        if isShown { Output.standardError("\r\u{1B}[K") }
        isShown = false
    }
}
