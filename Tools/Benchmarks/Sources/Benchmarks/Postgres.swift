// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The same entries copied into a table of PostgreSQL, in a cluster made for it and removed again.
enum Postgres {
    /// Entries a second of each run; nothing where PostgreSQL is not installed.
    ///
    /// Each transaction copies `batch` entries and is durable: the settings are those of a new
    /// cluster. The client is psql, and the data is written before the clock starts.
    static func copy(
        _ votes: [[UInt8]], by batch: Int, runs: Int, in folder: URL, _ note: (String) -> Void
    ) throws -> [Double] {
        let place = folder.appendingPathComponent("postgres")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let script = place.appendingPathComponent("copy.sql")
        try Data(sql(votes, by: batch).utf8).write(to: script)
        guard let text = Shell.output(commands(place.path, script.path, runs)) else {
            note("PostgreSQL is not installed or did not start, so it does not stand beside")
            return []
        }
        return text.split(separator: "\n").compactMap { Double($0) }.map {
            Double(votes.count) / $0
        }
    }

    private static func sql(_ votes: [[UInt8]], by batch: Int) -> String {
        var text = "TRUNCATE event;\n"
        for start in stride(from: 0, to: votes.count, by: batch) {
            text += "COPY event FROM STDIN;\n"
            for position in start..<min(start + batch, votes.count) {
                text += "\(position)\t\\\\x"
                for byte in votes[position] {
                    text += byte < 16 ? "0" : ""
                    text += String(byte, radix: 16)
                }
                text += "\n"
            }
            text += "\\.\n"
        }
        return text
    }

    /// Makes a cluster that listens on a socket in the folder, times the script, removes it.
    ///
    /// The server refuses to run as root, and runs as the user postgres then.
    private static func commands(_ place: String, _ script: String, _ runs: Int) -> String {
        """
        bin=$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb | tail -1)
        bin=$(dirname "$(readlink -f "$bin")")
        as=; user=$(id -un)
        if [ "$(id -u)" = 0 ]; then
            as='setpriv --reuid=postgres --regid=postgres --clear-groups --'; user=postgres
            chown -R postgres '\(place)'; chmod o+x "$(dirname '\(place)')"
        fi
        cd '\(place)'
        $as "$bin/initdb" -D data -A trust -N >/dev/null
        trap '$as "$bin/pg_ctl" -D data -m immediate stop >/dev/null' EXIT
        $as "$bin/pg_ctl" -D data -w -o "-c listen_addresses= -k '\(place)'" -l log start >/dev/null
        psql="$as $bin/psql -q -v ON_ERROR_STOP=1 -h \(place) -U $user postgres"
        $psql -c 'CREATE TABLE event (position bigint PRIMARY KEY, data bytea)'
        for run in $(seq \(runs)); do
            start=$(date +%s%N)
            $psql -f '\(script)' >/dev/null
            end=$(date +%s%N)
            echo "$start $end" | awk '{ printf "%.6f\\n", ($2 - $1) / 1e9 }'
        done
        """
    }
}
