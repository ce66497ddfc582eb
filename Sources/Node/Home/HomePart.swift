// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A part of a home without which its node does not start.
enum HomePart {
    case configuration, keys, journal, ledger

    /// Where it is in a home.
    func path(in home: String) -> String {
        switch self {
        case .configuration: NodeHome.configurationFile(home)
        case .keys: KeyFolder(home: home).path
        case .journal: NodeHome.journalFolder(home)
        case .ledger: NodeHome.ledgerFolder(home)
        }
    }

    /// What is to be said where it is lost: what it is, and what helps, or that nothing does.
    func loss(in home: String) -> NodeError {
        let path = path(in: home)
        switch self {
        case .configuration:
            return .cannot(
                "\(path) is missing: which ledger and which validator the home is of; take it from"
                    + " home/ in a copy that `recount backup` made of it, or take another"
                    + " validator's and write the name of this one under [node]")
        case .keys:
            return .cannot(
                "\(path) is missing: what this validator signs with, which nobody can make again;"
                    + " find a copy of the folder. Without it the others can go on where they are"
                    + " T, have this one leave and another join (`recount govern propose --help`)")
        case .journal:
            let ledger =
                NodeHome.hasLedger(home)
                ? ""
                : "\(HomePart.ledger.path(in: home)) is missing too, and is rebuilt in the same go:"
                    + " "
            return .cannot(
                "\(path) is missing: what this validator has signed; restore the newest copy, or"
                    + " begin it anew. \(ledger)`recount recover \(home)"
                    + (ledger.isEmpty ? "" : " --from HOME --trust CHECKPOINT")
                    + " --new-journals`")
        case .ledger:
            return .cannot(
                "\(path) is missing: rebuild it from another validator's with `recount recover"
                    + " \(home) --from HOME --trust CHECKPOINT`, where CHECKPOINT is one that you"
                    + " kept, or the newest in HOME/ledger/checkpoints; or restore a copy")
        }
    }

    /// Throws where it is not there.
    func check(in home: String) throws(NodeError) {
        guard Files.exists(path(in: home)) else { throw loss(in: home) }
    }
}

extension NodeHome {
    /// Checks that a node will start once its ledger is whole, as far as can be seen from outside:
    /// that its configuration, its keys and its journal are there.
    ///
    /// A folder that is no home passes: there a ledger is all that is wanted.
    /// - Parameter beginsJournal: The journal is begun anew where it is gone.
    package static func checkRest(
        of path: String, beginsJournal: Bool
    ) throws(NodeError) {
        let path = Files.absolute(path)
        guard isHome(path) else { return }
        try HomePart.configuration.check(in: path)
        let configuration = try configuration(of: path)
        let isNamed = configuration.validator != nil || configuration.observer != nil
        guard isNamed else { return }
        try HomePart.keys.check(in: path)
        guard !Files.exists(journalFolder(path)), !beginsJournal else { return }
        throw .cannot(
            "\(journalFolder(path)) is missing too: what this validator has signed; restore the"
                + " newest copy of it first, or begin it anew in the same go: `recount recover"
                + " \(path) --from HOME --trust CHECKPOINT --new-journals`")
    }
}
