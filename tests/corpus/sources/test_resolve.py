"""Downloads are resolved offline, for `xlm plan`."""

import pytest

from xlm.config.data.corpora import OpusCorpus, PlainCorpus
from xlm.config.data.sources import SourcesConfig
from xlm.corpus.sources.resolve import resolve_download, resolve_downloads

NTREX = "https://raw.githubusercontent.com/MicrosoftTranslator/NTREX/main/NTREX-128"
TATOEBA = OpusCorpus(corpus="Tatoeba", version="v2022-03-03", licence="CC-BY-2.0-FR")
NTREX_CORPUS = PlainCorpus(
    name="ntrex",
    title="NTREX-128",
    english=f"{NTREX}/newstest2019-src.eng.txt",
    other=f"{NTREX}/newstest2019-ref.{{code}}.txt",
    codes="ntrex",
    licence="CC-BY-SA-4.0",
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
def test_all_downloads_resolve_offline(cache):
    sources = SourcesConfig(parallel=(TATOEBA, NTREX_CORPUS), wikipedia={"head_bytes": 20_000_000})
    found = {d.id: d for d in resolve_downloads(sources, ("en", "sw", "zh"), cache)}
    assert list(found) == list(sources.download_ids(("en", "sw", "zh")))
    opus = "https://object.pouta.csc.fi/OPUS-Tatoeba/v2022-03-03/moses"
    assert found["tatoeba.en-zh"].url == f"{opus}/cmn-en.txt.zip"
    assert found["tatoeba.en-sw"].url == f"{opus}/en-swh.txt.zip"
    assert found["tatoeba.en-sw"].size_text == "about 16.4 kB"
    assert found["tatoeba.en-sw"].licence == "CC-BY-2.0-FR"
    assert found["wikipedia.sw"].size_text == "at most 20.0 MB"
    assert found["wikipedia.sw"].url == (
        "https://dumps.wikimedia.org/swwiki/20261101/"
        "swwiki-20261101-pages-articles-multistream.xml.bz2"
    )
    assert found["ntrex.sw"].size_text == "unknown until online"
    assert all(d.url.startswith("https://") and d.licence for d in found.values())


@pytest.mark.parametrize(
    ("download_id", "size"),
    [("xnli", "unknown until online"), ("multinli", "about 445.0 MB")],
)
def test_archives_of_tasks_resolve_offline(cache, download_id, size):
    found = resolve_download(SourcesConfig(), download_id, cache)
    assert found.size_text == size
    assert found.url.startswith("https://")


def test_a_complete_dump_has_no_size_offline(cache):
    assert resolve_downloads(SourcesConfig(), ("sw",), cache)[0].size_text == "unknown until online"
