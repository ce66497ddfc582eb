// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Cryptography
import EventLog
import Ledger
import Network
import Node
import Telemetry

/// `recount node`.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Run one validator, an observer, or the bridge in a network of peers.",
        discussion: """
            Opens a home, listens at the addresses that its configuration lists
            ([network] listen), keeps connections to the peers that it lists (peers), and
            agrees with those who answer. Messages for all go by gossip (libp2p: TCP,
            Noise, yamux, gossipsub 1.1), others over a stream to their receiver. The homes
            that recount init makes listen on ports of this machine and list each other:

              recount init net --config Tools/samples/recount.toml
              recount node net/validator-3
              recount node net/bridge
              recount submit net/validator-3 --request one.jsonl --wait

            A home may be moved to another machine: give it and its peers other addresses.
            A peer shows with a signed hello for which party it speaks; a key of the
            ledger never signs a handshake. Behind a firewall a node need not be reachable
            as long as it reaches T others, which pass on what is for all.

            With [api] listen = "127.0.0.1:5100" in the configuration of a validator, or
            --api, it answers programs over HTTP there: submissions, decisions, events,
            views, proofs; GET /openapi.json says all of it. People see it at / in a
            browser. Whoever reaches the address may ask; only signed messages of listed
            submitters get into the ledger.

            An observer (recount init net --observer NAME) follows the ledger, checks all
            of it and passes on what it hears; it has no key of the ledger, and no say.

            It says a line an event: for people, warnings and errors on standard error and
            the rest on standard output; with --json, all as objects on standard output, of
            which one says at the end what was sent and received. What is said has a level;
            [node] log_level or --log-level bounds it: warning says what a person should
            look at, info decisions and payments, debug votes and connections too. Lines
            that nobody takes in time are dropped and counted; the node never waits for
            them. GET /metrics at the API's address is for Prometheus.

            SIGTERM or an interrupt ends it in order, a second one at once, which loses
            nothing. Exit codes: 0 when it was ended; 2 when it could not go on.

            A validator can be told to lie, so that the tolerance of a network can be
            tried, as recount run --help says; with --fellow, which names the homes of
            others that lie, it signs with their keys as well.
            """)

    @Argument(
        help: "The home of a validator, of an observer, or of the bridge.",
        completion: Completions.homes)
    var home: String

    @Option(
        help: ArgumentHelp("A way in which the validator lies.", valueName: "strategy"),
        completion: .list(ByzantineRun.names))
    var byzantine: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "The home of another validator that lies; may be repeated.", valueName: "home"),
        completion: .directory)
    var fellow: [String] = []

    @Option(help: ArgumentHelp("The seed of its lies; 1 unless told.", valueName: "number"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp("The file that unlocks the keys.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Listen here, and not where the configuration says; may be repeated.",
            valueName: "address"))
    var listen: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Start from a peer's snapshot under this checkpoint, which you trust, where the ledger \
            is shorter; what is older is fetched behind it, and checked.
            """, valueName: "file"),
        completion: .file())
    var trust: String?

    @Option(
        help: ArgumentHelp(
            "Answer over HTTP here, and not where the configuration says; off for nowhere.",
            valueName: "address"))
    var api: String?

    @Flag(help: "Take a clock that is an hour or more ahead for right.")
    var acceptClockJump = false

    @Flag(help: "Print JSON Lines.")
    var json = false

    @Flag(help: "Print votes, results, accepted requests and jobs, and all connections too.")
    var verbose = false

    @Option(
        help: ArgumentHelp(
            """
            What is said, and all that weighs more: trace, debug, info, notice, warning or \
            error; not what the configuration says.
            """, valueName: "level"),
        completion: .list(Configuration.logLevels))
    var logLevel: String?

    func validate() throws {
        if byzantine == nil, !fellow.isEmpty {
            throw ValidationError("--fellow is for a validator that lies: give --byzantine")
        }
        if byzantine == nil, seed != nil {
            throw ValidationError("--seed is for a validator that lies: give --byzantine")
        }
        if let logLevel, !Configuration.logLevels.contains(logLevel) {
            let words = Configuration.logLevels.joined(separator: ", ")
            throw ValidationError("--log-level \(logLevel) is no level: give one of \(words)")
        }
    }

    mutating func run() async throws {
        let (signals, ending) = AsyncStream<Void>.makeStream()
        ForeignOutput.ignoreBrokenPipes()
        let metrics = NodeMetrics.registry()
        let log = ProcessLog(json ? .json : .text, metrics: metrics)
        defer { log.finish() }
        let printer = NodePrinter(log, level: logLevel ?? (verbose ? "debug" : nil), isJSON: json)
        let interrupts = Interrupts(
            "ending in order; once more ends at once", say: { printer.notice($0) },
            { ending.yield() })
        let process: NodeProcess
        let server: APIServer?
        do {
            let feed = NodeFeed()
            (process, server) = try await start(printer, feed, metrics, log) {
                feed.changed()
                ending.yield()
            }
        } catch let error as NodeError {
            throw Failure("\(error)")
        }
        await printer.started(process.addresses(), api: server?.address)
        for await _ in signals where interrupts.isRaised || process.ended.isOver { break }
        if let traffic = await process.traffic() { printer.show(traffic) }
        await server?.stop()
        let error = await process.stop()
        interrupts.cancel()
        if let error { throw Failure("\(error)") }
    }

    /// Where to answer over HTTP; nil for nowhere.
    private func answersAt(_ configured: String?) throws(Failure) -> HostPort? {
        guard let text = api ?? configured, text != "off" else { return nil }
        guard let address = HostPort(text) else {
            throw Failure("--api \(text) is no address and port, such as 127.0.0.1:5100")
        }
        return address
    }

    private func start(
        _ printer: NodePrinter, _ feed: NodeFeed, _ metrics: MetricRegistry, _ log: ProcessLog,
        onChange: @escaping @Sendable () -> Void
    ) async throws -> (NodeProcess, APIServer?) {
        var options = NodeProcess.Options()
        options.node.acceptsClockJump = acceptClockJump
        options.node.derivesAgain = FreshProcess.derive
        if !listen.isEmpty {
            options.listen = try listen.map { text in
                do throws(MultiaddrError) { return try Multiaddr(text: text) } catch {
                    throw Failure("--listen \(text) is no address: \(error)")
                }
            }
        }
        if BridgeHome.isHome(home) {
            guard byzantine == nil, trust == nil, api == nil else {
                throw Failure("--byzantine, --trust and --api are not for the home of the bridge")
            }
            let protection = try Passphrase.protection(ofBridge: home, keyFile: keyFile)
            let opened = try BridgeHome.open(at: home, protection: protection)
            printer.configure(opened.configuration.logLevel)
            if let notice = opened.protectionNotice { printer.notice("note: \(notice)") }
            let process = try await NodeProcess(
                bridge: opened, transportKey: opened.openTransportKey(protection),
                options: options, onChange: onChange, tell: printer.show)
            return (process, nil)
        }
        return try await startNode(printer, feed, metrics, log, options, onChange: onChange)
    }

    /// Starts a validator or an observer, and what answers for it.
    private func startNode(
        _ printer: NodePrinter, _ feed: NodeFeed, _ metrics: MetricRegistry, _ log: ProcessLog,
        _ options: NodeProcess.Options, onChange: @escaping @Sendable () -> Void
    ) async throws -> (NodeProcess, APIServer?) {
        var options = options
        let protection = try Passphrase.protection(ofNode: home, keyFile: keyFile)
        let opened = try NodeHome.open(at: home, protection: protection)
        printer.configure(opened.configuration.logLevel)
        if let notice = opened.protectionNotice { printer.notice("note: \(notice)") }
        if let trust {
            let signed = try CheckpointInput.read(trust).signed
            let origin = Checkpoint.origin(ofLedger: opened.ledger.digest)
            guard signed.checkpoint.origin == origin else {
                throw Failure(
                    "\(trust) is of \(signed.checkpoint.origin), and the ledger of \(home) is"
                        + " \(origin)", .wrong)
            }
            options.node.trusted = signed.head
        }
        if let byzantine {
            let fellows = try fellow.map { home throws(NodeError) in
                try NodeHome.open(
                    at: home,
                    protection: try Passphrase.protection(ofNode: home, keyFile: keyFile))
            }
            options.node.misbehaviour = try ByzantineRun.misbehaviour(
                opened, strategy: byzantine, fellows: fellows, seed: seed ?? 1)
        }
        let address = try answersAt(opened.configuration.api.listen)
        let process = try await NodeProcess(
            opened, transportKey: opened.openTransportKey(protection), options: options,
            onChange: onChange,
            tell: { told in
                if case .node(let told) = told { feed.told(told) }
                printer.show(told)
            })
        guard let address, let node = process.node else { return (process, nil) }
        do {
            var around = APISurroundings(parties: { process.parties })
            around.network = { await process.networkReading() }
            around.party = { process.party(of: $0) }
            around.metrics = metrics
            around.samples = { log.samples }
            around.nodes = opened.configuration.api.nodes
            let server = try await APIServer(
                node, feed: feed, listen: address,
                requestsPerSecond: opened.configuration.api.requestsPerSecond, around: around)
            return (process, server)
        } catch {
            await process.stop()
            throw error
        }
    }
}
