#!/usr/bin/env python3
"""Writes the list of parts of a static program as SPDX 2.3 JSON: our package, the Swift packages, and Debian's static libraries.

Usage: sbom.py --program FILE --arch ARCHITECTURE --version VERSION --time SECONDS --swift-packages FILE --debian-packages FILE
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import sys

SWIFT = "Apache-2.0 WITH Swift-exception"

# What the program is linked with. A part that is not here has no licence that anyone looked at, and is an error.
SWIFT_LICENCES = {
    "swift-argument-parser": SWIFT,
    "swift-atomics": SWIFT,
    "swift-collections": SWIFT,
    "swift-nio": "Apache-2.0",
    "swift-numerics": SWIFT,
    "swift-system": SWIFT,
}
DEBIAN_LICENCES = {
    "swiftlang": SWIFT,
    "libc6-dev": "LGPL-2.1-or-later",
    "libgcc-15-dev": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libstdc++-15-dev": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "liblz4-dev": "BSD-2-Clause",
    "libpcre2-dev": "BSD-3-Clause",
    "libxxhash-dev": "BSD-2-Clause",
}


def part(name, version, licence, location, purl=None):
    """One package of the document."""
    described = {
        "SPDXID": "SPDXRef-" + name.replace("+", "."),
        "name": name,
        "versionInfo": version,
        "downloadLocation": location,
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
    }
    if purl:
        described["externalRefs"] = [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
        ]
    return described


def swift_parts(path):
    """The Swift packages at the versions that a release pins."""
    for pin in json.loads(path.read_text())["pins"]:
        name, version = pin["identity"], pin["state"]["version"]
        if name not in SWIFT_LICENCES:
            sys.exit(f"sbom.py: {path} has {name}, whose licence SWIFT_LICENCES does not have")
        location = pin["location"].removesuffix(".git")
        purl = f"pkg:swift/{location.removeprefix('https://')}@{version}"
        yield part(name, version, SWIFT_LICENCES[name], f"git+{location}@{pin['state']['revision']}", purl)


def debian_parts(path, architecture):
    """Debian's static libraries, at the versions in the cross root."""
    versions = dict(line.split("\t")[:2] for line in path.read_text().splitlines())
    for name, licence in sorted(DEBIAN_LICENCES.items()):
        if name not in versions:
            sys.exit(f"sbom.py: {path} has no {name}, which the program is linked with")
        purl = f"pkg:deb/debian/{name.replace('+', '%2B')}@{versions[name].replace('+', '%2B')}?arch={architecture}"
        yield part(name, versions[name], licence, "NOASSERTION", purl)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--arch", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--time", type=int, required=True, help="the document's time, in seconds since 1970")
    parser.add_argument("--swift-packages", type=pathlib.Path, required=True, help="the versions that a release pins")
    parser.add_argument("--debian-packages", type=pathlib.Path, required=True, help="those that setup-root unpacked")
    options = parser.parse_args()

    digest = hashlib.sha256(options.program.read_bytes()).hexdigest()
    program = part("dera", options.version, "Apache-2.0", "NOASSERTION")
    program["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    program["comment"] = f"The checksum is of the program dera for {options.arch}."
    parts = [*swift_parts(options.swift_packages), *debian_parts(options.debian_packages, options.arch)]
    created = datetime.datetime.fromtimestamp(options.time, datetime.timezone.utc)
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", program["SPDXID"])]
    relations += [(program["SPDXID"], "STATIC_LINK", each["SPDXID"]) for each in parts]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"dera-{options.version}-{options.arch}",
        "documentNamespace": f"urn:dera:spdx:{options.version}:{options.arch}:{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: tools/release/sbom.py"]},
        "packages": [program, *parts],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other} for one, kind, other in relations
        ],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


main()
