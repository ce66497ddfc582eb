// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import TestSupport

extension FuzzTarget {
    /// The outline of a module, which is read before anybody has validated it.
    static let modules = FuzzTarget(
        name: "modules", about: "the outline of a module; equal bytes give equal outlines",
        bytesMax: 8192,
        seeds: {
            [
                Seed(name: "complete", bytes: HostileModules.complete()),
                Seed(name: "log", bytes: HostileModules.logInStart()),
                Seed(name: "table", bytes: HostileModules.elementOutsideTable()),
                Seed(name: "vectors", bytes: HostileModules.vectors()),
            ]
        },
        run: { bytes in
            func verdict() -> String {
                do throws(OutlineError) {
                    return "\(try ModuleOutline(bytes).problem ?? "none")"
                } catch {
                    return "\(error)"
                }
            }
            let first = verdict()
            law(verdict() == first, "equal bytes give equal outlines")
        })
}
