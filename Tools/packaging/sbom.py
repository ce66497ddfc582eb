#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Writes what the program is made of, as SPDX 2.3 in JSON.

    sbom.py RESOLVED ENGINE VERSION COMMIT SECONDS SWIFT DEBIAN... > recount.spdx.json

RESOLVED lists the Swift packages as the build took them; ENGINE is the library that runs jobs;
DEBIAN are packages of Debian: NAME=VERSION=HOW, HOW static, dynamic or tool.
"""

import datetime
import hashlib
import json
import re
import sys

# The licences of what is linked in, as each says it itself; of others none is claimed.
LICENCES = {
    "grdb.swift": "MIT", "swift-argument-parser": "Apache-2.0 WITH Swift-exception",
    "swift-asn1": "Apache-2.0", "swift-atomics": "Apache-2.0 WITH Swift-exception",
    "swift-collections": "Apache-2.0 WITH Swift-exception", "swift-crypto": "Apache-2.0",
    "swift-log": "Apache-2.0", "swift-metrics": "Apache-2.0", "swift-nio": "Apache-2.0",
    "swift-system": "Apache-2.0 WITH Swift-exception",
    "libsodium-dev": "ISC", "liblz4-dev": "BSD-2-Clause", "libsqlite3-dev": "blessing",
    "libstdc++-12-dev": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libc6": "LGPL-2.1-or-later", "libgcc-s1": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "wasmtime": "Apache-2.0 WITH LLVM-exception",
    "swift": "Apache-2.0 WITH Swift-exception",
}


def package(name, version, location="NOASSERTION", supplier="NOASSERTION", **more):
    licence = LICENCES.get(name, "NOASSERTION")
    return {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name,
        "versionInfo": version, "downloadLocation": location, "supplier": supplier,
        "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": licence,
        "copyrightText": "NOASSERTION", **more,
    }


def purl(text):
    return [{
        "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": text}]


def main():
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    resolved, engine, version, commit, seconds, swift, *debian = sys.argv[1:]
    created = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    own = package("recount", version, primaryPackagePurpose="APPLICATION",
                  sourceInfo=f"built from commit {commit}")
    own["licenseConcluded"] = own["licenseDeclared"] = "Apache-2.0"
    packages, links = [own], [("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]

    def add(found, relation):
        packages.append(found)
        if relation == "BUILD_TOOL_OF":
            links.append((found["SPDXID"], relation, own["SPDXID"]))
        else:
            links.append((own["SPDXID"], relation, found["SPDXID"]))

    with open(resolved) as file:
        pins = json.load(file)["pins"]
    for pin in sorted(pins, key=lambda pin: pin["identity"]):
        state, place = pin["state"], re.sub(r"\.git$", "", pin["location"])
        add(package(
            pin["identity"], state["version"], f"git+{place}@{state['revision']}",
            externalRefs=purl("pkg:swift/" + place.split("://")[1] + "@" + state["version"])),
            "STATIC_LINK")
    for item in debian:
        name, found, how = item.split("=")
        relation = {"static": "STATIC_LINK", "dynamic": "DYNAMIC_LINK", "tool": "BUILD_TOOL_OF"}
        add(package(
            name, found, supplier="Organization: Debian",
            externalRefs=purl(f"pkg:deb/debian/{name}@{found}")), relation[how])
    add(package("swift", swift, "https://www.swift.org/install",
                comment="the compiler, and its runtime and Foundation, which are linked in"),
        "STATIC_LINK")
    with open(engine, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    with open(sys.path[0] + "/../setup") as file:
        number = re.search(r"^wasmtime=(\S+)$", file.read(), re.MULTILINE).group(1)
    add(package("wasmtime", number, externalRefs=purl(f"pkg:pypi/wasmtime@{number}"),
                checksums=[{"algorithm": "SHA256", "checksumValue": digest}],
                comment="loaded at run time"), "RUNTIME_DEPENDENCY_OF")
    # Whom it serves stands on the right there.
    left, relation, right = links.pop()
    links.append((right, relation, left))
    json.dump({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"recount-{version}",
        "documentNamespace": f"https://recount.example/spdx/recount-{version}-{commit}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: Recount-package-{version}"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": left, "relationshipType": relation, "relatedSpdxElement": right}
            for left, relation, right in links],
    }, sys.stdout, indent=2, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
