"""Dumps on their server: status, checksums, and heads cut to complete streams."""

import bz2
import hashlib
import json
import random
import re
import shutil

import pytest

from xlm.config.data.downloads import DownloadSlice, WikipediaSpec
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.wikipedia.dump import cut_to_complete_streams, published_digests
from xlm.corpus.wikipedia.dump_file import DumpFile
from xlm.corpus.wikipedia.pages import PageReader
from xlm.errors import ChecksumError, DataError, SourceError
from xlm.stages.data.download import run

FOLDER = "/dumps.wikimedia.org/swwiki"
HEADER = '<mediawiki><siteinfo><namespaces><namespace key="0" /></namespaces></siteinfo>\n'


def _pages(first, number=10):
    noise = random.Random(first)
    return "".join(
        f"<page><title>Page {n}</title><ns>0</ns><id>{n}</id><revision><text>"
        f"{' '.join(str(noise.random()) for _ in range(20))}</text></revision></page>\n"
        for n in range(first, first + number)
    )


def _multistream(streams=12):
    parts = [HEADER, *(_pages(1 + 10 * n) for n in range(streams)), "</mediawiki>\n"]
    return [bz2.compress(part.encode()) for part in parts]


def _spec(date="20261101", head_bytes=None):
    return WikipediaSpec(title="t", licence="l", wiki="swwiki", date=date, head_bytes=head_bytes)


def _slice(mirror, **spec):
    network = NetworkConfig(attempts=2, first_wait_seconds=0)
    return DownloadSlice(
        source=_spec(**spec), mirrored=True, mirrors=(str(mirror),), network=network
    )


def _status(content, state="done", date="20261101", job="articlesmultistreamdump"):
    name = f"swwiki-{date}-pages-articles-multistream.xml.bz2"
    sha1 = hashlib.sha1(content).hexdigest()
    files = {name: {"size": len(content), "sha1": sha1}} if state == "done" else {}
    return json.dumps({"version": "0.8", "jobs": {job: {"status": state, "files": files}}})


@pytest.fixture
def served(server, new_file):
    """Serves a dump of 120 pages; returns its streams."""
    streams = _multistream()
    content = b"".join(streams)
    folder = f"{FOLDER}/20261101"
    server.files[f"{folder}/dumpstatus.json"] = new_file(_status(content).encode())
    name = "swwiki-20261101-pages-articles-multistream.xml.bz2"
    server.files[f"{folder}/{name}"] = new_file(content)
    return streams


def _fetcher(mirror):
    return Fetcher(open_client(str(mirror), NetworkConfig()), NetworkConfig())


@pytest.mark.slow
def test_a_head_is_a_prefix_of_complete_pages_at_any_cut(server, served, make_context):
    """Twenty random cuts, served by the loopback server."""
    content = b"".join(served)
    ends = [sum(map(len, served[: n + 1])) for n in range(len(served))]
    cuts = random.Random(1).sample(range(10_000, len(content) + 5_000), 20)
    for number, head_bytes in enumerate(cuts):
        context = make_context(_slice(server.base_url, head_bytes=head_bytes), name=f"cut{number}")
        result = run(context)
        (path,) = context.out.iterdir()
        kept = path.read_bytes()
        assert kept == content[: max(end for end in ends if end <= head_bytes)]
        reader = PageReader(DumpFile.open(path))
        pages = list(reader)
        assert [page.id for page in pages] == [str(n + 1) for n in range(len(pages))]
        assert len(pages) % 10 == 0
        assert reader.closed == (len(kept) == len(content))
        assert result.counts["host_bytes"] == len(content)
        assert result.counts["bytes"] == len(kept)
        assert result.sources[0].sha256 == hashlib.sha256(kept).hexdigest()
        if len(kept) < len(content):
            assert result.counts["whole"] == 0
            assert result.counts["streams"] == 1 + len(pages) // 10
        assert server.ranges()[-1] == f"bytes=0-{head_bytes - 1}"


def test_a_mirror_in_a_folder_gives_the_same_head_as_a_server(shared, make_context):
    source = shared / "mirror" / "dumps.wikimedia.org" / "swwiki" / "20261101"
    name = "swwiki-20261101-pages-articles-multistream.xml.bz2"
    context = make_context(_slice(shared / "mirror", head_bytes=100_000))
    result = run(context)
    kept = (context.out / name).read_bytes()
    assert (source / name).read_bytes().startswith(kept)
    assert 0 < len(kept) <= 100_000
    assert result.counts["host_bytes"] == (source / name).stat().st_size
    complete = make_context(_slice(shared / "mirror", head_bytes=1_000_000), name="whole")
    assert run(complete).counts["whole"] == 1
    assert (complete.out / name).read_bytes() == (source / name).read_bytes()


def test_a_head_without_pages_is_refused(tmp_path):
    path = tmp_path / "head.bz2"
    path.write_bytes(b"".join(_multistream())[:1000])
    with pytest.raises(
        DataError,
        match=r"no complete stream of pages in the first .* bytes; raise .*head_bytes",
    ):
        cut_to_complete_streams(path)


def test_a_head_of_other_data_is_refused(tmp_path):
    path = tmp_path / "head.bz2"
    path.write_bytes(b"<html>")
    with pytest.raises(DataError, match="no bzip2 data at byte 0"):
        cut_to_complete_streams(path)


def test_a_complete_file_is_verified(server, served, new_file, make_context):
    path = f"{FOLDER}/20261101/swwiki-20261101-pages-articles-multistream.xml.bz2"
    server.files[path] = new_file(b"".join(served)[:-1] + b"!")
    for head_bytes in (None, 10_000_000):
        context = make_context(_slice(server.base_url, head_bytes=head_bytes))
        with pytest.raises(ChecksumError, match="sha1 is"):
            run(context)
        assert list(context.out.iterdir()) == []


def test_a_dump_in_parts_uses_the_job_that_joins_them(server, served, new_file):
    content = b"".join(served)
    joined = json.loads(_status(content, job="articlesmultistreamdumprecombine"))
    joined["jobs"]["articlesmultistreamdump"] = {"status": "done", "files": {"part1": {}}}
    server.files[f"{FOLDER}/20261101/dumpstatus.json"] = new_file(json.dumps(joined).encode())
    digests = published_digests(_fetcher(server.base_url), _spec())
    assert digests == {"sha1": hashlib.sha1(content).hexdigest()}


def test_lists_and_status_must_agree_on_checksums(server, served, new_file):
    name = "swwiki-20261101-pages-articles-multistream.xml.bz2"
    sums = f"{'0' * 40}  other.bz2\n{'1' * 40}  {name}\n"
    server.files[f"{FOLDER}/20261101/swwiki-20261101-sha1sums.txt"] = new_file(sums.encode())
    with pytest.raises(SourceError, match=r"differs from dumpstatus\.json"):
        published_digests(_fetcher(server.base_url), _spec())


def test_checksums_may_come_from_the_lists_alone(server, served, new_file):
    status = json.loads(_status(b"".join(served)))
    (file,) = status["jobs"]["articlesmultistreamdump"]["files"].values()
    del file["sha1"]
    server.files[f"{FOLDER}/20261101/dumpstatus.json"] = new_file(json.dumps(status).encode())
    fetcher = _fetcher(server.base_url)
    with pytest.raises(SourceError, match="has no checksums"):
        published_digests(fetcher, _spec())
    name = "swwiki-20261101-pages-articles-multistream.xml.bz2"
    server.files[f"{FOLDER}/20261101/swwiki-20261101-md5sums.txt"] = new_file(
        f"{'AB' * 16}  {name}".encode()
    )
    assert published_digests(fetcher, _spec()) == {"md5": "ab" * 16}


@pytest.mark.slow
@pytest.mark.parametrize("line", [
    "{digest}  {name}\r\n", "\ufeff{digest}  {name}\n", "{digest} *{name}\n", "{digest}\t{name}\n",
    "x\n\n{digest}  {name}", "  {digest}  {name}  \n", "{digest}  {name}\rx  y\r",
])  # fmt: skip
def test_lists_of_checksums_of_other_programs_are_read(server, served, new_file, line):
    """If dumpstatus.json has no checksums, such a list must be understood."""
    path = f"{FOLDER}/20261101/dumpstatus.json"
    status = json.loads(server.files[path].content)
    (file,) = status["jobs"]["articlesmultistreamdump"]["files"].values()
    del file["sha1"]
    server.files[path] = new_file(json.dumps(status).encode())
    name = "swwiki-20261101-pages-articles-multistream.xml.bz2"
    listed = line.format(digest="AB" * 16, name=name).encode()
    server.files[f"{FOLDER}/20261101/swwiki-20261101-md5sums.txt"] = new_file(listed)
    assert published_digests(_fetcher(server.base_url), _spec()) == {"md5": "ab" * 16}


@pytest.mark.slow
@pytest.mark.parametrize("digest", ["²" * 32, "ü" * 32, "0" * 31, "g" * 32, "0x" + "0" * 30, 7])
@pytest.mark.parametrize("origin", ["status", "list"])
def test_an_invalid_digest_is_one_line(server, served, new_file, digest, origin):
    name = "swwiki-20261101-pages-articles-multistream.xml.bz2"
    path = f"{FOLDER}/20261101/dumpstatus.json"
    if origin == "status":
        status = json.loads(server.files[path].content)
        status["jobs"]["articlesmultistreamdump"]["files"][name]["md5"] = digest
        server.files[path] = new_file(json.dumps(status).encode())
    else:
        listed = f"{digest}  {name}".encode()
        server.files[f"{FOLDER}/20261101/swwiki-20261101-md5sums.txt"] = new_file(listed)
    with pytest.raises(SourceError, match="is not the md5 of swwiki") as caught:
        published_digests(_fetcher(server.base_url), _spec())
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "why"),
    [
        (_status(b"", "in-progress", "20261120"), "in-progress"),
        ('{"jobs": {}}', "no multistream job"),
        ("<html>", "not readable"),
        ("[]", "not readable"),
        (_status(b"", "done", "20201010"), "no file swwiki-20261120"),
    ],
)
def test_an_unfinished_dump_is_refused_with_the_newest_finished_one(
    server, served, new_file, status, why
):
    listing = b'<a href="20261101/">x</a><a href="/swwiki/20261120/">y</a><a href="latest/">'
    server.files[f"{FOLDER}/"] = new_file(listing)
    server.files[f"{FOLDER}/20261120/dumpstatus.json"] = new_file(status.encode())
    with pytest.raises(
        SourceError,
        match=rf"^the swwiki dump of 20261120 is not finished \(.*{re.escape(why)}.*"
        r"set sources\.wikipedia\.date=20261101, the newest",
    ):
        published_digests(_fetcher(server.base_url), _spec("20261120"))


def test_a_date_that_is_no_longer_on_the_server_is_refused(server, served, new_file):
    server.files[f"{FOLDER}/"] = new_file(b'<a href="20261101/">')
    with pytest.raises(SourceError, match=r"is not on the server; set .*date=20261101"):
        published_digests(_fetcher(server.base_url), _spec("20200101"))


def test_a_wiki_without_dumps_is_reported(server):
    with pytest.raises(SourceError, match="there is no finished dump"):
        published_digests(_fetcher(server.base_url), _spec("20200101"))


def test_the_unfinished_dump_of_the_shared_mirror_is_refused(shared, make_context):
    for date in ("20261120", "20250101"):
        with pytest.raises(SourceError, match="date=20261101, the newest finished dump"):
            run(make_context(_slice(shared / "mirror", date=date)))


def test_a_truncated_dump_in_a_mirror_is_detected(shared, tmp_path, make_context):
    folder = tmp_path / "dumps.wikimedia.org" / "swwiki"
    shutil.copytree(shared / "mirror" / "dumps.wikimedia.org" / "swwiki", folder)
    name = "swwiki-20261101-pages-articles-multistream.xml.bz2"
    path = folder / "20261101" / name
    path.chmod(0o644)
    path.parent.chmod(0o755)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ChecksumError):
        run(make_context(_slice(tmp_path)))
