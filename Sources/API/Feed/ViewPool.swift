// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOHTTP1
internal import Projections
internal import Synchronization

/// Connections to the projections of a ledger, each used by one question at a time.
final class ViewPool: Sendable {
    private struct Contents {
        var readers: [ProjectionsReader] = []
        var isClosed = false
    }

    /// As many as there are threads that ask.
    private static let keptMax = 5
    /// How often a question looks for projections that are being built, as at the start of a node,
    /// and how long it waits between.
    private static let waitsMax = 100
    private static let waitSeconds = 0.05

    private let directory: String
    private let contents = Mutex(Contents())

    init(_ directory: String) { self.directory = directory }

    /// Asks a question, all of it answered from one moment.
    func ask<Value>(_ question: (LedgerViews) throws(ViewError) -> Value) throws -> Value {
        let reader = try popReader()
        defer { keep(reader) }
        do throws(ViewError) { return try LedgerViews.read(reader.database, question) } catch {
            throw Self.error(error)
        }
    }

    /// Closes those that nobody uses.
    func close() {
        contents.withLock { contents in
            contents.readers = []
            contents.isClosed = true
        }
    }

    private func popReader() throws -> ProjectionsReader {
        while let reader = contents.withLock({ $0.readers.popLast() }) {
            // They may have been built anew.
            if reader.isInUse { return reader }
        }
        var waits = 0
        while true {
            do throws(ProjectionsError) {
                return try Projections.followed(ledgerDirectory: directory)
            } catch {
                guard case .unsettled = error, waits < Self.waitsMax, !isClosed else {
                    throw APIError.busy("the projections cannot be read yet: \(error)")
                }
                waits += 1
                Thread.sleep(forTimeInterval: Self.waitSeconds)
            }
        }
    }

    private var isClosed: Bool { contents.withLock(\.isClosed) }

    private func keep(_ reader: ProjectionsReader) {
        contents.withLock { contents in
            guard !contents.isClosed, contents.readers.count < Self.keptMax else { return }
            contents.readers.append(reader)
        }
    }

    private static func error(_ error: ViewError) -> APIError {
        switch error {
        case .notFound: .notFound("nothing is called so")
        case .notAName, .ambiguous:
            APIError(
                status: .badRequest, reason: "notAName", message: "\(error)", field: "id")
        case .changed: .busy("\(error)")
        case .database, .unreadable: .failed("\(error)")
        }
    }
}
