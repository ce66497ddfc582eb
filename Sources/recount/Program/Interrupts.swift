// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Synchronization

/// Calls back at the first interrupt; the second ends the process, which loses nothing.
final class Interrupts {
    private var sources: [any DispatchSourceSignal] = []
    private let flag = InterruptFlag()

    /// Whether there was one.
    var isRaised: Bool { flag.isRaised }

    /// - Parameters:
    ///   - words: What a person is told at the first one.
    ///   - say: Says them.
    init(
        _ words: String, say: @escaping @Sendable (String) -> Void = { Output.notice($0) },
        _ stop: @escaping @Sendable () -> Void
    ) {
        let queue = DispatchQueue(label: "recount.interrupts")
        let flag = flag
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                guard flag.raise() else { Foundation.exit(ExitStatus.unusable.rawValue) }
                say(words)
                stop()
            }
            source.resume()
            sources.append(source)
        }
    }

    func cancel() { for source in sources { source.cancel() } }
}

/// Whether there was an interrupt.
private final class InterruptFlag: Sendable {
    private let raised = Atomic(false)

    var isRaised: Bool { raised.load(ordering: .relaxed) }

    /// Returns whether this is the first time.
    func raise() -> Bool { !raised.exchange(true, ordering: .relaxed) }
}
