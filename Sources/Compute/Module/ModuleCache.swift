// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Synchronization

/// What became of the modules that were compiled last, by their hashes.
///
/// A module is compiled once, also where several threads ask at once. What was refused, or failed,
/// is kept as well: a hostile module costs its compilation once.
final class ModuleCache: Sendable {
    fileprivate struct Contents {
        /// The last used at the end.
        var kept: [Kept] = []
        var bytes = 0
        var underWay: Set<Digest> = []
    }

    struct Kept {
        let hash: Digest
        let compilation: Compilation
        /// When it is forgotten: a compilation that failed may have failed for want of time or
        /// memory on a busy machine, and says nothing of the module. Nil for what is known of it.
        let end: ContinuousClock.Instant?
    }

    private let contents = Mutex(Contents())
    private let condition = NSCondition()
    private let now: @Sendable () -> ContinuousClock.Instant
    private let compile: @Sendable ([UInt8]) -> Compilation

    init(
        now: @escaping @Sendable () -> ContinuousClock.Instant,
        compile: @escaping @Sendable ([UInt8]) -> Compilation
    ) {
        self.now = now
        self.compile = compile
    }

    /// Returns what became of a module, after compiling it where that is not known.
    func module(_ bytes: [UInt8], _ hash: Digest) -> Compilation {
        condition.lock()
        while true {
            let known: Compilation?? = contents.withLock { contents in
                if let known = contents.use(hash, at: now()) { return .some(known) }
                return contents.underWay.insert(hash).inserted ? .some(nil) : nil
            }
            switch known {
            case .some(.some(let compilation)):
                condition.unlock()
                return compilation
            case .some(nil):
                condition.unlock()
                return compileNow(bytes, hash)
            case nil: condition.wait()
            }
        }
    }

    private func compileNow(_ bytes: [UInt8], _ hash: Digest) -> Compilation {
        let compilation = compile(bytes)
        condition.lock()
        contents.withLock { $0.keep(compilation, hash, at: now()) }
        condition.broadcast()
        condition.unlock()
        return compilation
    }
}

extension ModuleCache.Contents {
    fileprivate mutating func use(
        _ hash: Digest, at now: ContinuousClock.Instant
    ) -> Compilation? {
        guard let place = kept.firstIndex(where: { $0.hash == hash }) else { return nil }
        let found = kept.remove(at: place)
        if let end = found.end, now >= end {
            bytes -= found.compilation.bytes
            return nil
        }
        kept.append(found)
        return found.compilation
    }

    fileprivate mutating func keep(
        _ compilation: Compilation, _ hash: Digest, at now: ContinuousClock.Instant
    ) {
        underWay.remove(hash)
        let end: ContinuousClock.Instant? =
            if case .failed = compilation {
                now + .seconds(EngineLimits.failedCompilationSeconds)
            } else { nil }
        kept.append(ModuleCache.Kept(hash: hash, compilation: compilation, end: end))
        bytes += compilation.bytes
        while kept.count > 1,
            kept.count > EngineLimits.cachedModulesMax || bytes > EngineLimits.cachedBytesMax
        {
            bytes -= kept.removeFirst().compilation.bytes
        }
    }
}
