#!/usr/bin/env python3
"""Makes vectors.txt: digests by Python's hashlib of the message whose byte number i is (i * 131 + 7) mod 251.

A row is the message's length and its SHA-256. The lengths are all up to three blocks, where padding takes every form,
and some longer ones."""

import hashlib
from pathlib import Path

message = bytes((i * 131 + 7) % 251 for i in range(100_000))
rows = [f"{n} {hashlib.sha256(message[:n]).hexdigest()}" for n in [*range(193), 1000, 4096, 65_535, 100_000]]
Path(__file__).with_name("vectors.txt").write_text("\n".join(rows) + "\n")
