// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Foundation
import Ledger
import Node
import TestSupport
import Testing

/// The error that a text gives, or nil where it can be used.
private func fault(_ toml: String) -> ConfigurationError? {
    do throws(ConfigurationError) {
        _ = try Configuration(toml: toml, folder: "/folder")
        return nil
    } catch {
        return error
    }
}

@Suite struct ConfigurationTests {
    @Test func emptyTextGivesTheDefaults() throws {
        let configuration = try Configuration(toml: "", folder: "/")
        #expect(configuration == .standard)
        #expect(configuration.parameters.threshold == 7)
        #expect(configuration.validators.count == 10)
        #expect(configuration.validators.first?.name == "validator-1")
        #expect(Set(configuration.validators.map(\.stake)).count == 1)
        #expect(configuration.parameters.verificationMilliseconds == 30_000)
        #expect(configuration.parameters.reputationMin == Reputation(100_000))
        #expect(configuration.parameters.reputationMax == Reputation(10_000_000))
        #expect(configuration.parameters.stakeWeight == 700_000)
        #expect(configuration.parameters.reputationWeight == 300_000)
        #expect(configuration.network.gossipsubHeartbeatMilliseconds == 1000)
        #expect(configuration.network.peerDiscovery == "mdns")
        #expect(configuration.network.connectionsMax == 50)
    }

    @Test func everyKeyIsReadAndWrittenBack() throws {
        let text = """
            [node]
            validator = "b"
            log_level = "debug"
            [ledger]
            name = "a \\"name\\""
            [consensus]
            threshold = 3
            total_validators = 4
            verification_timeout = 12.5
            reputation_bounds = [0, 50000]
            job_timeout = 1
            settlement_timeout = 0.001
            unclosed_max = 77
            refusals_per_minute = 3
            [leader_selection]
            stake_weight = 0.123456
            reputation_weight = 0.876544
            normalisation = "raw"
            [api]
            listen = "[::1]:5100"
            requests_per_second = 0
            nodes = ["http://192.0.2.1:5100", "https://node-3.example"]
            [network]
            gossipsub_heartbeat = 0.5
            peer_discovery = "off"
            max_connections = 9
            listen = ["/ip4/0.0.0.0/tcp/4100"]
            peers = [
                "/ip4/192.0.2.1/tcp/1/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5",
            ]
            [compute]
            jobs_at_once = 3
            memory = 268435456
            [vault]
            balance = 9223372036854775807
            [[circuits]]
            name = "c"
            verifying_key = "k.json"
            public_inputs = ["root", "nullifier", "amount", "negated_amount", "recipient",
                "external_data_hash", "constant:7", "free"]
            roots = ["0", "21"]
            [[validators]]
            name = "a"
            stake = 1
            [[validators]]
            name = "b"
            stake = 0
            [[validators]]
            name = "c"
            stake = 5
            [[validators]]
            name = "d"
            stake = 9223372036854775807
            [[submitters]]
            name = "s"
            quota = 12
            [[submitters]]
            name = "t"
            """
        let configuration = try Configuration(toml: text, folder: "/folder")
        #expect(configuration.name == "a \"name\"")
        #expect(configuration.logLevel == "debug")
        #expect(configuration.parameters.verificationMilliseconds == 12_500)
        #expect(configuration.parameters.settlementMilliseconds == 1)
        #expect(configuration.parameters.stakeWeight == 123_456)
        #expect(configuration.parameters.normalisation == .raw)
        #expect(configuration.parameters.unclosedMax == 77)
        #expect(configuration.network.gossipsubHeartbeatMilliseconds == 500)
        #expect(configuration.api.listen == "[::1]:5100")
        #expect(configuration.api.requestsPerSecond == 0)
        #expect(configuration.api.nodes == ["http://192.0.2.1:5100", "https://node-3.example"])
        #expect(configuration.vaultBalance == 9_223_372_036_854_775_807)
        #expect(configuration.compute.runnerOptions.jobsAtOnce == 3)
        #expect(configuration.compute.runnerOptions.memoryBytes == 268_435_456)
        #expect(configuration.circuits[0].verifyingKey == "/folder/k.json")
        #expect(configuration.circuits[0].publicInputs.count == 8)
        #expect(configuration.submitters.map(\.quota) == [12, 1000])
        #expect(try Configuration(toml: configuration.toml, folder: "/other") == configuration)
        var observing = configuration
        (observing.validator, observing.observer) = (nil, "c")
        #expect(try Configuration(toml: observing.toml, folder: "/other") == observing)
        // Every key that is documented stands in the text, and in what is written.
        for key in Configuration.keys {
            let name = try #require(key.name.split(separator: ".").last)
            #expect(
                (configuration.toml + observing.toml).contains("\(name) = "), "\(key.name)")
            #expect(!key.meaning.isEmpty && !key.type.isEmpty && !key.defaultText.isEmpty)
        }
    }

    @Test(
        "an address to listen at is an address and a port",
        arguments: [
            ("127.0.0.1:5100", true), ("0.0.0.0:0", true), ("[::1]:65535", true),
            ("localhost:1", true), ("[fe80::1:2]:80", true), ("", false), ("5100", false),
            (":5100", false), ("127.0.0.1", false), ("127.0.0.1:", false),
            ("127.0.0.1:65536", false), ("127.0.0.1:05", false), ("127.0.0.1:-1", false),
            ("127.0.0.1:+1", false), ("127.0.0.256:1", false), ("127.0.0:1", false),
            ("127.0.0.01:1", false), ("example.org:80", false), ("::1:80", false),
            ("[]:80", false), ("[1]:80", false), ("[::1:80", false), ("http://[::1]:80", false),
            ("[::g]:80", false), (" 127.0.0.1:80", false),
        ])
    func listening(text: String, isAddress: Bool) {
        #expect((HostPort(text) != nil) == isAddress)
        if isAddress { #expect(HostPort(text)?.description == text) }
        let toml = "[api]\nlisten = \"\(text)\""
        if isAddress {
            #expect(throws: Never.self) { try Configuration(toml: toml, folder: "/") }
        } else {
            #expect(throws: ConfigurationError.self) { try Configuration(toml: toml, folder: "/") }
        }
    }

    @Test(
        "origins are read as browsers write them, and nothing that would end a list of them",
        arguments: [
            ("http://127.0.0.1:5100", true), ("https://node-3.example", true),
            ("http://[::1]:5100", true), ("http://localhost:1", true),
            ("http://127.0.0.1:80", false), ("https://node-3.example:443", false),
            ("http://node/", false), ("http://node;script-src", false), ("http://", false),
            ("http://a b", false), ("*", false), ("null", false), ("ftp://node", false),
            ("http://Node", false), ("http://node:0", false), ("http://node:05", false),
            ("http://user@node", false), ("http://*.example", false), ("http://'self'", false),
        ])
    func origins(text: String, isOne: Bool) throws {
        #expect(WebOrigin.isOne(text) == isOne)
        let toml = "[api]\nnodes = [\"\(text)\"]"
        if isOne {
            #expect(try Configuration(toml: toml, folder: "/").api.nodes == [text])
        } else {
            #expect(throws: ConfigurationError.self) { try Configuration(toml: toml, folder: "/") }
        }
    }

    @Test("the validators of a local network answer on ports that follow each other, or nowhere")
    func apiPorts() throws {
        let folder = try TemporaryFolder()
        var configuration = Configuration.standard
        configuration.api.listen = "127.0.0.1:5100"
        _ = try LocalNetwork.initialise(
            configuration: configuration, at: folder.file("net"), protection: .keyFile(path: nil),
            startTime: Samples.start)
        for place in 1...10 {
            let path = folder.file("net/validator-\(place)/recount.toml")
            let api = try Configuration.load(path: path).api
            #expect(api.listen == "127.0.0.1:\(5099 + place)")
            #expect(api.nodes.count == 9)
            #expect(!api.nodes.contains("http://127.0.0.1:\(5099 + place)"))
        }
        let bridge = try Configuration.load(path: folder.file("net/bridge/recount.toml"))
        #expect(bridge.api.listen == nil)
        configuration.api.listen = "127.0.0.1:65530"
        #expect(throws: NodeError.self) {
            try LocalNetwork.initialise(
                configuration: configuration, at: folder.file("other"),
                protection: .keyFile(path: nil), startTime: Samples.start)
        }
    }

    @Test(arguments: [
        ("[consensus]\ntreshold = 7", "consensus.treshold", "consensus.threshold"),
        ("[concensus]", "concensus", "consensus"),
        ("[network]\nmax_conections = 3", "network.max_conections", "network.max_connections"),
        ("[[validators]]\nstakes = 3", "validators.stakes", "validators.stake"),
        ("threshold = 7", "threshold", ""),
    ])
    func unknownKeysAreRefusedByFullName(text: String, name: String, meant: String) throws {
        let error = try #require(fault(text))
        guard case .unknownKey(name, let suggestion) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(meant.isEmpty ? suggestion.isEmpty : suggestion.contains(meant))
        #expect("\(error)".contains(name))
    }

    @Test func decimalsBecomeExactIntegersAndMoreThanSixAreRefused() {
        #expect(Decimals.millionths("0.7") == 700_000)
        #expect(Decimals.millionths("1") == 1_000_000)
        #expect(Decimals.millionths("0.000001") == 1)
        #expect(Decimals.millionths("0.0000001") == nil)
        #expect(Decimals.millionths("-1") == nil)
        #expect(Decimals.millionths(".5") == nil)
        #expect(Decimals.millionths("1e3") == nil)
        #expect(Decimals.text(millionths: 12_340_000) == "12.34")
        #expect(
            fault("[leader_selection]\nstake_weight = 0.7000001")
                == .notExact("leader_selection.stake_weight", value: "0.7000001"))
        #expect(
            fault("[leader_selection]\nstake_weight = 0.3\nreputation_weight = 0.7") == nil)
    }

    @Test func unsafeThresholdSaysTheSmallestSafeOne() throws {
        #expect(
            fault("[consensus]\nthreshold = 6")
                == .unsafeThreshold(threshold: 6, validators: 10, smallestSafe: 7))
        #expect(
            fault("[consensus]\nthreshold = 11")
                == .unsafeThreshold(threshold: 11, validators: 10, smallestSafe: 7))
        let text = try #require(fault("[consensus]\nthreshold = 6")).description
        #expect(text.contains("smallest safe threshold is 7"))
        for count in 1...30 {
            let smallest = Configuration.smallestSafeThreshold(of: count)
            func tried(_ threshold: Int) -> ConfigurationError? {
                fault("[consensus]\nthreshold = \(threshold)\ntotal_validators = \(count)")
            }
            #expect(tried(smallest) == nil)
            if smallest > 1 { #expect(tried(smallest - 1) != nil) }
        }
    }

    @Test(arguments: [
        ("[leader_selection]\nstake_weight = 0.8", "add up to 1.1"),
        ("[consensus]\nreputation_bounds = [1001, 5000]", "1000"),
        ("[consensus]\nreputation_bounds = [1, 999]", "1000"),
        ("[consensus]\nreputation_bounds = [1, 100001]", "100000"),
        ("[consensus]\nreputation_bounds = [1]", "two numbers"),
        ("[consensus]\nreputation_bounds = [-1, 2]", "reputation_bounds[0]"),
        ("[consensus]\nreputation_bounds = 5", "a list of two"),
        ("[consensus]\nverification_timeout = 0", "above 0"),
        ("[consensus]\nverification_timeout = 86401", "86400"),
        ("[consensus]\nverification_timeout = 0.0001", "three decimals"),
        ("[consensus]\nverification_timeout = \"30\"", "a decimal number, and is a text"),
        ("[consensus]\nthreshold = 7.0", "a whole number, and is a decimal number"),
        ("[consensus]\nthreshold = -7", "from 0"),
        ("[consensus]\ntotal_validators = 0", "from 1 to 1000"),
        ("[consensus]\ntotal_validators = 1001", "from 1 to 1000"),
        ("[consensus]\nunclosed_max = 0", "from 1"),
        ("[consensus]\nrefusals_per_minute = 100001", "100000"),
        ("[consensus]\njob_timeout = -1", "from 0"),
        ("[consensus]\nsettlement_timeout = nan", "from 0"),
        ("[consensus]\nsettlement_timeout = inf", "from 0"),
        ("[leader_selection]\nnormalisation = \"shares\"", "did you mean share?"),
        ("[leader_selection]\nreputation_weight = 2", "from 0 to 1"),
        ("[network]\ngossipsub_heartbeat = 0", "above 0"),
        ("[network]\npeer_discovery = \"mdn\"", "did you mean mdns?"),
        ("[network]\nmax_connections = 0", "from 1"),
        ("[network]\nlisten = [\"here\"]", "tcp/4100"),
        ("[network]\npeers = [\"/ip4/192.0.2.1/tcp/1\"]", "p2p"),
        ("[vault]\nbalance = -1", "from 0"),
        ("[ledger]\nordering = \"single\"", "ordering"),
        ("[ledger]\nname = \"\"", "1 to 64"),
        ("[ledger]\nname = 5", "a text, and is a whole number"),
        ("[[validators]]\nname = \"a\"\nstake = 1", "set total_validators = 1"),
        ("[[validators]]\nname = \"a\"", "validators.stake is missing"),
        ("[[validators]]\nstake = 1", "validators.name is missing"),
        ("[[validators]]\nname = \"../a\"\nstake = 1", "a-z, 0-9"),
        ("[[submitters]]\nname = \"bridge\"", "neither unlock nor bridge"),
        ("[[submitters]]\nname = \"validator-1\"", "stands twice"),
        ("[[submitters]]\nname = \"a\"\nquota = 0", "from 1"),
        ("[[circuits]]\nname = \"c\"", "circuits.verifying_key is missing"),
        ("[[circuits]]\nname = \"c\"\nverifying_key = \"k\"", "circuits.public_inputs is missing"),
        (
            "[[circuits]]\nname = \"c\"\nverifying_key = \"k\"\npublic_inputs = [\"rot\"]",
            "did you mean root?"
        ),
        (
            "[[circuits]]\nname = \"c\"\nverifying_key = \"k\"\npublic_inputs = [\"constant:x\"]",
            "constant:<decimal>"
        ),
        (
            "[[circuits]]\nname = \"c\"\nverifying_key = \"k\"\npublic_inputs = []\n"
                + "roots = [\"-1\"]",
            "below the group order"
        ),
        (
            "[[circuits]]\nname = \"c\"\nverifying_key = \"k\"\npublic_inputs = [3]",
            "circuits.public_inputs[0]"
        ),
        ("consensus = 3", "[consensus]"),
        ("validators = 3", "[[validators]]"),
        ("validators = [3]", "validators[0]"),
        ("[consensus\nthreshold = 7", "line 1"),
        ("a = 1\na = 2", "line 2"),
        ("[consensus]\nthreshold = 99999999999999999999", "line 2"),
        ("a\u{0}", "not text"),
    ])
    func everyOtherErrorSaysWhatWouldBeRight(text: String, says: String) throws {
        let error = try #require(fault(text), "\(text) was accepted")
        #expect("\(error)".contains(says), "\(error)")
    }

    @Test func stakesMustAddUpToSomethingThatFits() {
        func stakes(_ list: [Int]) -> String {
            "[consensus]\nthreshold = \(list.count)\ntotal_validators = \(list.count)\n"
                + list.enumerated().map { "[[validators]]\nname = \"v\($0)\"\nstake = \($1)\n" }
                .joined()
        }
        #expect(fault(stakes([0, 0])) == .stakeTotal)
        #expect(fault(stakes([.max, .max, .max])) == .stakeTotal)
        #expect(fault(stakes([.max, .max, 1])) == nil)
    }

    @Test func namesOfOneKindDiffer() {
        let twice = """
            [consensus]
            threshold = 2
            total_validators = 2
            [[validators]]
            name = "a"
            stake = 1
            [[validators]]
            name = "a"
            stake = 1
            """
        #expect(fault(twice) == .duplicateName("validators.name", name: "a"))
    }

    @Test func deepNestingAndGarbageNeverTrap() throws {
        for text in ["[", "[[", "[[[", "[\n", "[=]", "[!", "[ ", "[]", "[[]]", "[.a]", "[\"a", "a"]
        {
            #expect(fault(text) != nil, "\(text)")
        }
        var random = SplitMix64(seed: 11)
        let whole = Array(try Samples.configuration().toml.utf8)
        let marks = Array("[]=\"'.#\n\\{},_-+0x1eE \t".utf8)
        for _ in 0..<3000 {
            var bytes = Array(whole.prefix(Int(random.next() % UInt64(whole.count))))
            for _ in 0...Int(random.next() % 4) where !bytes.isEmpty {
                bytes[Int(random.next() % UInt64(bytes.count))] =
                    marks[Int(random.next() % UInt64(marks.count))]
            }
            _ = fault(String(decoding: bytes, as: UTF8.self))
        }
        #expect(fault(String(repeating: "[", count: 100_000)) != nil)
        #expect(fault("a = " + String(repeating: "[", count: 100_000)) != nil)
        #expect(fault(String(repeating: "x", count: 2 << 20)) == .tooLong(max: 1 << 20))
    }
}
