"""Languages, sources and what becomes of them offline."""

import csv

import pytest
from pydantic import ValidationError

from xlm.config.data.corpora import OpusCorpus, PlainCorpus
from xlm.config.data.downloads import parts_of, spec_of
from xlm.config.data.sources import SourcesConfig
from xlm.config.data.split import SplitConfig
from xlm.config.languages.pairs import XNLI_LANGUAGES, language, other_language, pair_of, split_pair
from xlm.corpus.parallel import opus_catalogue
from xlm.corpus.parallel.opus_catalogue import find_moses, unpack_catalogue
from xlm.corpus.sources.resolve import resolve_downloads
from xlm.errors import ConfigError

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


def test_the_fifteen_languages_in_the_order_of_their_ids():
    assert " ".join(XNLI_LANGUAGES) == "ar bg de el en es fr hi ru sw th tr ur vi zh"
    right_to_left = {code for code, e in XNLI_LANGUAGES.items() if e.direction == "rtl"}
    assert right_to_left == {"ar", "ur"}
    ntrex = "arb bul deu ell eng spa fra hin rus swa tha tur urd vie zho-CN"
    assert [entry.ntrex for entry in XNLI_LANGUAGES.values()] == ntrex.split()


@pytest.mark.parametrize(
    ("code", "meant"), [("german", "de"), ("cmn", "zh"), ("swh", "sw"), ("ENG", "en")]
)
def test_an_unknown_language_is_refused_with_the_nearest(code, meant):
    with pytest.raises(ConfigError, match=f"unknown language '{code}'; did you mean '{meant}'"):
        language(code)


def test_a_language_like_no_other_gets_the_list():
    with pytest.raises(ConfigError, match="known are ar bg de"):
        language("qqqqqq")


def test_pairs_are_alphabetical():
    assert [pair_of(code) for code in ("ar", "sw")] == ["ar-en", "en-sw"]
    assert split_pair("ar-en") == ("ar", "en")
    assert [other_language(pair) for pair in ("ar-en", "en-sw")] == ["ar", "sw"]


@pytest.mark.parametrize(
    ("pair", "fix"), [("sw-en", "write en-sw"), ("en-en", "write en-fr"), ("de-fr", "write de-en")]
)
def test_a_wrong_pair_is_refused_with_the_right_one(pair, fix):
    with pytest.raises(ConfigError, match=fix):
        split_pair(pair)


def test_pairs_and_downloads_follow_from_languages_and_corpora():
    sources = SourcesConfig(parallel=(TATOEBA, NTREX_CORPUS))
    assert sources.pairs(("ar", "en", "sw")) == ("ar-en", "en-sw")
    assert sources.pairs(("ar", "sw")) == ()
    assert sources.download_ids(("en", "sw")) == (
        "wikipedia.en",
        "wikipedia.sw",
        "tatoeba.en-sw",
        "ntrex.en",
        "ntrex.sw",
        "xnli",
        "multinli",
    )
    assert [part.downloads for part in parts_of(sources, "en-sw")] == [
        ("tatoeba.en-sw",),
        ("ntrex.en", "ntrex.sw"),
    ]
    assert parts_of(sources, "ar-en")[1].downloads == ("ntrex.ar", "ntrex.en")


def test_a_corpus_may_hold_some_pairs_only():
    corpus = OpusCorpus(corpus="IITB", version="v2.0", pairs=("en-hi",))
    sources = SourcesConfig(parallel=(corpus,))
    assert sources.pairs(("en", "hi", "sw")) == ("en-hi",)


def test_two_releases_of_one_corpus_need_names():
    v15 = OpusCorpus(corpus="GlobalVoices", version="v2015")
    with pytest.raises(ConfigError, match="the id 'globalvoices' is used more than once"):
        SourcesConfig(parallel=(v15, v15.model_copy(update={"version": "v2018q4"})))
    named = v15.model_copy(update={"name": "globalvoices15"})
    assert SourcesConfig(parallel=(v15, named)).downloads_of("en-sw") == (
        "globalvoices.en-sw",
        "globalvoices15.en-sw",
    )


def test_an_id_of_ours_is_no_corpus_name():
    with pytest.raises(ConfigError, match="'xnli' is used more than once"):
        SourcesConfig(parallel=(TATOEBA.model_copy(update={"name": "xnli"}),))


def test_an_unknown_pair_of_a_corpus_is_refused():
    with pytest.raises(ConfigError, match="unknown language 'xx'"):
        SourcesConfig(
            parallel=({"kind": "opus", "corpus": "A", "version": "1", "pairs": ["en-xx"]},)
        )


def test_codes_of_sources_are_theirs():
    sources = SourcesConfig(parallel=(TATOEBA, NTREX_CORPUS))
    assert spec_of(sources, "ntrex.zh").url == f"{NTREX}/newstest2019-ref.zho-CN.txt"
    assert spec_of(sources, "ntrex.en").url == f"{NTREX}/newstest2019-src.eng.txt"
    ours = NTREX_CORPUS.model_copy(update={"codes": "ours"})
    assert spec_of(SourcesConfig(parallel=(ours,)), "ntrex.zh").url.endswith("ref.zh.txt")
    assert spec_of(sources, "tatoeba.en-sw").codes[1][:2] == ("sw", "swh")


def test_an_unknown_download_is_refused():
    with pytest.raises(ConfigError, match=r"no source has the id 'europarl\.en-fr'"):
        spec_of(SourcesConfig(), "europarl.en-fr")


def test_what_only_moves_bytes_is_in_no_key():
    sources = SourcesConfig(mirror="/m")
    assert not {"mirror", "network"} & sources.key_fields().keys()
    assert "size_bytes" not in sources.key_fields()["xnli"]


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
    assert found["xnli"].size_text == "unknown until online"
    assert found["multinli"].size_text == "about 445.0 MB"
    assert all(d.url.startswith("https://") and d.licence for d in found.values())


def test_a_whole_dump_has_no_size_offline(cache):
    assert resolve_downloads(SourcesConfig(), ("sw",), cache)[0].size_text == "unknown until online"


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


def test_a_release_without_the_pair_names_those_with_it(cache):
    with pytest.raises(ConfigError, match=r"no en-sw in Tatoeba v1; releases .* v2022-03-03"):
        find_moses(cache, "Tatoeba", "v1", (("en",), ("sw", "swh")))
    with pytest.raises(ConfigError, match="NoSuchCorpus has it in no release"):
        find_moses(cache, "NoSuchCorpus", "v1", (("en",), ("sw",)))


def test_unknown_counts_of_the_catalogue_stay_unknown():
    row = {"url": "u", "source": "a", "target": "b", "size": "", "alignment_pairs": ""}
    found = opus_catalogue._moses_file(row)
    assert (found.pairs, found.size_bytes) == (None, None)


def test_a_catalogue_that_was_cut_while_unpacking_is_not_used(cache, tmp_path, monkeypatch):
    def cut(packed, file, length):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(opus_catalogue.shutil, "copyfileobj", cut)
        with pytest.raises(KeyboardInterrupt):
            unpack_catalogue(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert unpack_catalogue(cache) == unpack_catalogue(cache)


def test_a_missing_opustools_is_said(monkeypatch):
    monkeypatch.setattr(opus_catalogue, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="opustools is not installed"):
        opus_catalogue._packed_catalogue()


def test_a_split_must_leave_something_to_train_on():
    with pytest.raises(ConfigError, match="more than half"):
        SplitConfig(valid_fraction=0.3, test_fraction=0.3)
    with pytest.raises(ValidationError):
        SplitConfig(valid_fraction=0)


@pytest.mark.slow
def test_a_damaged_catalogue_is_unpacked_anew(tmp_path):
    """It lies in a cache: whatever is in its place, a plan or run must not fail for ever."""
    path = unpack_catalogue(tmp_path)
    whole = path.stat().st_size
    path.write_bytes(b"half a catalogue" * 1000)
    found = find_moses(tmp_path, "Tatoeba", "v2022-03-03", (("en",), ("sw", "swh")))
    assert found.url.endswith("en-swh.txt.zip")
    assert path.stat().st_size == whole
