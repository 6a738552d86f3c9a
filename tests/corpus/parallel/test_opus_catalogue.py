"""The OPUS catalogue: URLs, sizes, a damaged cache."""

import csv

import pytest

from xlm.corpus.parallel import opus_catalogue
from xlm.corpus.parallel.opus_catalogue import find_moses, unpack_catalogue
from xlm.errors import ConfigError


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
def test_the_corpora_of_the_paper_resolve_to_their_files(shared, cache):
    with (shared / "golden" / "xlm15_pairs.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        found = find_moses(
            cache,
            row["corpus"],
            row["version"],
            tuple((code,) for code in row["pair"].split("-")),
        )
        assert found.url == row["moses_url"]
        assert found.pairs == int(row["moses_pairs"])
        assert found.size_bytes == int(row["moses_kib"]) * 1024


@pytest.mark.slow
def test_a_release_without_the_pair_names_those_with_it(cache):
    with pytest.raises(ConfigError, match=r"no en-sw in Tatoeba v1; releases .* v2022-03-03"):
        find_moses(cache, "Tatoeba", "v1", (("en",), ("sw", "swh")))
    with pytest.raises(ConfigError, match="no release of NoSuchCorpus has this pair"):
        find_moses(cache, "NoSuchCorpus", "v1", (("en",), ("sw",)))


def test_unknown_counts_of_the_catalogue_stay_unknown():
    row = {"url": "u", "source": "a", "target": "b", "size": "", "alignment_pairs": ""}
    found = opus_catalogue.moses_file(row)
    assert (found.pairs, found.size_bytes) == (None, None)


def test_an_interrupted_unpacking_leaves_nothing(cache, tmp_path, monkeypatch):
    def cut(packed, file, length):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(opus_catalogue.shutil, "copyfileobj", cut)
        with pytest.raises(KeyboardInterrupt):
            unpack_catalogue(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert unpack_catalogue(cache) == unpack_catalogue(cache)


def test_a_missing_opustools_is_one_line(monkeypatch):
    monkeypatch.setattr(opus_catalogue, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="opustools is not installed"):
        opus_catalogue._packed_catalogue()


@pytest.mark.slow
def test_a_damaged_catalogue_is_unpacked_again(tmp_path):
    """The cache may contain anything; a plan or run must not fail forever because of it."""
    path = unpack_catalogue(tmp_path)
    size_bytes = path.stat().st_size
    path.write_bytes(b"half a catalogue" * 1000)
    found = find_moses(tmp_path, "Tatoeba", "v2022-03-03", (("en",), ("sw", "swh")))
    assert found.url.endswith("en-swh.txt.zip")
    assert path.stat().st_size == size_bytes
