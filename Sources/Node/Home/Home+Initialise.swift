// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Groth16
internal import Hosting
package import Ledger

extension Home {
    /// Makes the folder of a node: keys, ledger, journals' folder and vault.
    ///
    /// Everything is made under a temporary name beside `path` and renamed at the end, so that the
    /// folder is there whole or not at all. An existing folder is refused unless it is empty. A key
    /// file that is named and absent is made, with thirty-two random bytes.
    package static func initialise(
        configuration: Configuration, at path: String, protection: HomeProtection,
        startTime: Time
    ) throws(NodeError) -> Home {
        let path = Files.absolute(path)
        guard try isFree(path) else { throw .homeExists(path: path) }
        if protection == .passphrase("") { throw .emptyPassphrase }
        let temporary = "\(path).new-\(randomBytes(6).hex)"
        do throws(NodeError) {
            try Files.makeFolder(temporary, isSecret: true)
            try build(configuration, in: temporary, protection, startTime)
            try Files.syncFolder(temporary)
            if Files.exists(path) { Files.discard(path) }
            try Files.onDisk { () throws(DiskError) in
                try POSIXDisk().rename(temporary, to: path)
                try POSIXDisk().syncDirectory((path as NSString).deletingLastPathComponent)
            }
        } catch {
            Files.discard(temporary)
            throw error
        }
        return try open(at: path, protection: protection)
    }

    private static func isFree(_ path: String) throws(NodeError) -> Bool {
        guard Files.exists(path) else { return true }
        do throws(DiskError) {
            return try POSIXDisk().list(path).isEmpty
        } catch .failed {
            // A file, or a folder of somebody else.
            return false
        } catch {
            throw .disk(error)
        }
    }

    private static func build(
        _ configuration: Configuration, in folder: String, _ protection: HomeProtection,
        _ startTime: Time
    ) throws(NodeError) {
        var copy = configuration
        let circuits = try copyCircuits(&copy, to: folder)
        try Files.write(Array(copy.toml.utf8), to: configurationFile(folder))
        try Files.makeFolder("\(folder)/keys", isSecret: true)
        try Files.makeFolder("\(folder)/journals")
        try makeUnlockKey(protection, folder)
        let sealing = try keyProtection(protection, home: folder)
        let validators = try makeKeys(copy.validators.map(\.name), folder, sealing)
        let submitters = try makeKeys(copy.submitters.map(\.name), folder, sealing)
        let bridge = try makeKeys(["bridge"], folder, sealing)[0]
        try Files.syncFolder("\(folder)/keys")
        for validator in copy.validators {
            do throws(JournalError) {
                try VoteJournal.create(
                    directory: "\(folder)/journals/\(validator.name)", disk: POSIXDisk())
            } catch {
                throw LocalValidator.error(error, validator.name)
            }
        }
        let opened = LedgerOpened(
            name: copy.name, ordering: copy.ordering, parameters: copy.parameters,
            validators: zip(copy.validators, validators).map { entry, key in
                GenesisValidator(key: key.publicKey, stake: Stake(entry.stake))
            },
            submitters: zip(copy.submitters, submitters).map { entry, key in
                GenesisSubmitter(key: key.publicKey, quota: entry.quota)
            },
            bridge: bridge.publicKey, circuits: circuits, time: startTime)
        let state = try openLedger(opened, at: ledgerFolder(folder))
        let vault = try SingleVault.create(
            path: vaultFile(folder), opened: opened, ledger: state.ledger,
            balance: copy.vaultBalance, key: bridge)
        try vault.close()
    }

    /// Copies the verifying keys into the folder and reads them.
    private static func copyCircuits(
        _ configuration: inout Configuration, to folder: String
    ) throws(NodeError) -> [GenesisCircuit] {
        try Files.makeFolder("\(folder)/circuits")
        var circuits: [GenesisCircuit] = []
        for (number, entry) in configuration.circuits.enumerated() {
            let bytes = try Files.read(
                entry.verifyingKey, max: NodeLimits.verifyingKeyJSONBytesMax)
            let key = try verifyingKey(bytes, path: entry.verifyingKey)
            guard key.publicInputCount == entry.publicInputs.count else {
                throw .configuration(
                    path: entry.verifyingKey,
                    .wrongValue(
                        "circuits.public_inputs", value: "\(entry.publicInputs.count) bindings",
                        wanted: "the key of circuit \(entry.name) has \(key.publicInputCount)"
                            + " public inputs, and each needs a binding"))
            }
            let circuit = Circuit(
                name: entry.name, verifyingKey: key.bytes, inputs: entry.publicInputs)
            guard circuit.isBound else {
                throw .configuration(
                    path: entry.verifyingKey,
                    .wrongValue(
                        "circuits.public_inputs",
                        value: "\(entry.publicInputs.map(\.configurationName))",
                        wanted: "circuit \(entry.name) must bind root, a nullifier, the amount and"
                            + " the recipient, or a proof could be used for another withdrawal"))
            }
            // Numbered: a name of a circuit need not be the name of a file.
            let copy = "circuits/\(number).json"
            try Files.write(bytes, to: "\(folder)/\(copy)")
            configuration.circuits[number].verifyingKey = copy
            circuits.append(
                GenesisCircuit(
                    circuit: circuit, roots: entry.roots.compactMap { FieldText.bytes(decimal: $0) }
                ))
        }
        try Files.syncFolder("\(folder)/circuits")
        return circuits
    }

    /// Reads a verifying key as snarkjs writes it.
    static func verifyingKey(
        _ bytes: [UInt8], path: String
    ) throws(NodeError) -> VerifyingKey {
        let form: SnarkjsVerifyingKey
        do {
            form = try StrictJSON.decode(
                SnarkjsVerifyingKey.self, from: bytes, free: ["vk_alphabeta_12"])
        } catch let problem as JSONProblem {
            throw .configuration(
                path: path,
                .wrongValue("circuits.verifying_key", value: path, wanted: "JSON: \(problem)"))
        } catch {
            throw .configuration(
                path: path,
                .wrongValue(
                    "circuits.verifying_key", value: path,
                    wanted: "a verifying key as snarkjs writes it is wanted"))
        }
        do throws(Groth16Error) {
            return try VerifyingKey(snarkjs: form)
        } catch {
            throw .configuration(
                path: path,
                .wrongValue("circuits.verifying_key", value: path, wanted: "\(error)"))
        }
    }

    private static func makeUnlockKey(
        _ protection: HomeProtection, _ folder: String
    ) throws(NodeError) {
        guard case .keyFile(let named) = protection else { return }
        let path = named ?? unlockFile(folder)
        guard !Files.exists(path) else { return }
        try Files.writeSecret(SecretBytes(random: 32).hexLine, to: path)
    }

    private static func makeKeys(
        _ names: [String], _ folder: String, _ protection: KeyProtection
    ) throws(NodeError) -> [SigningKey] {
        var keys: [SigningKey] = []
        for name in names {
            let key = SigningKey()
            let path = keyFile(folder, name)
            let sealed: [UInt8]
            do throws(SealedKeyError) {
                sealed = try SealedKey.seal(key, with: protection)
            } catch {
                throw .key(path: path, error)
            }
            try Files.writeSecret(sealed, to: path)
            keys.append(key)
        }
        return keys
    }

    /// Makes the log of a ledger: batch 0, in one commit.
    private static func openLedger(
        _ opened: LedgerOpened, at directory: String
    ) throws(NodeError) -> LedgerState {
        var state = LedgerState()
        do {
            let log = try EventLog.create(directory: directory, disk: POSIXDisk())
            try state.append(.openLedger(opened), to: log)
            try state.append(.seal(size: log.stagedSize, root: log.stagedRoot), to: log)
            try log.commit()
            try log.close()
        } catch AppendError.refused(let refusal) {
            throw .genesisRefused(refusal)
        } catch AppendError.log(let error) {
            throw .log(of: "the ledger", path: directory, error)
        } catch let error as LogError {
            throw .log(of: "the ledger", path: directory, error)
        } catch {
            fatalError("an error of an unknown kind: \(error)")
        }
        return state
    }
}
