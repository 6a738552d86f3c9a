"""A loopback server with a finished dump and one text file, in place of the network."""

import bz2
import hashlib
import json
import random

import pytest

from xlm.config.pipeline import PipelineConfig

TEXT_URL = "https://host.example/corpus/plain.en.txt"
DUMP = "/dumps.wikimedia.org/swwiki/20261101/swwiki-20261101-pages-articles-multistream.xml.bz2"


@pytest.fixture
def network(server, new_file):
    """Serves a dump of 20 streams and a text; returns the server."""
    noise = random.Random(1)
    content = b"".join(bz2.compress(noise.randbytes(1000)) for _ in range(20))
    sha1, md5 = hashlib.sha1(content).hexdigest(), hashlib.md5(content).hexdigest()
    folder, _, name = DUMP.rpartition("/")
    files = {name: {"size": len(content), "sha1": sha1}}
    jobs = {"articlesmultistreamdump": {"status": "done", "files": files}}
    server.files |= {
        DUMP: new_file(content),
        f"{folder}/dumpstatus.json": new_file(json.dumps({"jobs": jobs}).encode()),
        f"{folder}/swwiki-20261101-md5sums.txt": new_file(f"{md5}  {name}\n".encode()),
        "/host.example/corpus/plain.en.txt": new_file(b"One sentence.\nAnother one.\n"),
    }
    return server


@pytest.fixture
def configured():
    """Builds a configuration with these sources and a plain corpus."""

    def build(**sources):
        plain = {
            "kind": "plain",
            "name": "plain",
            "title": "Plain",
            "english": TEXT_URL,
            "other": "https://host.example/corpus/plain.{code}.txt",
            "licence": "CC0",
        }
        settings = {"attempts": 2, "timeout_seconds": 10, "first_wait_seconds": 0}
        return PipelineConfig(
            languages=("en", "sw"), sources={"parallel": [plain], "network": settings, **sources}
        )

    return build
