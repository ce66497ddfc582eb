#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Writes a folder as an image of one layer, in an archive of the OCI image layout.

    image.py ROOT ARCHIVE VERSION COMMIT SECONDS

The same folder and the same seconds since 1970 give the same bytes: names are sorted, and owners
and times are none of the machine's. Source: OCI image specification 1.1, image-layout, manifest,
config and layer.
"""

import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import sys
import tarfile

# Whoever runs it; nobody of the machine. Its folders are the two that are written to.
USER = 65532
WRITTEN = {"var/lib/recount", "tmp"}


def add(archive, name, data=None, *, mode=0o644, kind=tarfile.REGTYPE, link="", owner=0, time=0):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime, entry.linkname = kind, mode, time, link
    entry.uid = entry.gid = owner
    entry.size = len(data) if data is not None else 0
    archive.addfile(entry, io.BytesIO(data) if data is not None else None)


def layer(root, time):
    """The folder as a tar file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            owner = USER if name in WRITTEN else 0
            if path.is_symlink():
                add(archive, name, kind=tarfile.SYMTYPE, mode=0o777, link=os.readlink(path),
                    time=time)
            elif path.is_dir():
                mode = 0o750 if name == "var/lib/recount" else 0o755
                add(archive, name, kind=tarfile.DIRTYPE, mode=mode, owner=owner, time=time)
            else:
                mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
                add(archive, name, path.read_bytes(), mode=mode, time=time)
    return out.getvalue()


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    root, target, version, commit, seconds = sys.argv[1:]
    time = int(seconds)
    created = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).isoformat()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    blobs = {}

    def keep(data, media, **more):
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(data), **more}

    def document(value, media, **more):
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return keep(text.encode(), f"application/vnd.oci.image.{media}+json", **more)

    tar = layer(pathlib.Path(root), time)
    labels = {
        "org.opencontainers.image.title": "Recount",
        "org.opencontainers.image.description":
            "An event-sourced ledger for a quorum of validators",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": commit,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.created": created,
    }
    config = document({
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Env": ["PATH=/usr/bin"],
            "Entrypoint": ["/usr/bin/recount"],
            "Cmd": ["--help"],
            "WorkingDir": "/var/lib/recount",
            "Volumes": {"/var/lib/recount": {}},
            "Labels": labels,
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
        "history": [{"created": created, "created_by": "Tools/package"}],
    }, "config.v1")
    packed = keep(
        gzip.compress(tar, compresslevel=9, mtime=0),
        "application/vnd.oci.image.layer.v1.tar+gzip")
    manifest = document({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config, "layers": [packed], "annotations": labels,
    }, "manifest.v1", annotations={"org.opencontainers.image.ref.name": version},
        platform={"architecture": architecture, "os": "linux"})
    index = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest],
    }
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}', time=time)
        add(archive, "index.json", json.dumps(index, sort_keys=True).encode(), time=time)
        for folder in ("blobs", "blobs/sha256"):
            add(archive, folder, kind=tarfile.DIRTYPE, mode=0o755, time=time)
        for digest in sorted(blobs):
            add(archive, f"blobs/sha256/{digest}", blobs[digest], time=time)


if __name__ == "__main__":
    main()
