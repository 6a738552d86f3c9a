"""The downloads that follow from languages and configured sources."""

import pytest

from xlm.config.data.corpora import OpusCorpus, PlainCorpus
from xlm.config.data.downloads import part_of, spec_of
from xlm.config.data.sources import SourcesConfig
from xlm.config.pipeline import PipelineConfig
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
    )
    assert part_of(TATOEBA, "en-sw").downloads == ("tatoeba.en-sw",)
    assert part_of(NTREX_CORPUS, "en-sw").downloads == ("ntrex.en", "ntrex.sw")
    assert part_of(NTREX_CORPUS, "ar-en").downloads == ("ntrex.ar", "ntrex.en")


def test_a_corpus_may_have_only_some_pairs():
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


def test_a_corpus_cannot_have_the_id_of_another_source():
    with pytest.raises(ConfigError, match="'xnli' is used more than once"):
        SourcesConfig(parallel=(TATOEBA.model_copy(update={"name": "xnli"}),))


def test_an_unknown_pair_of_a_corpus_is_refused():
    unknown = {"kind": "opus", "corpus": "A", "version": "1", "pairs": ["en-xx"]}
    with pytest.raises(ConfigError, match="unknown language 'xx'"):
        PipelineConfig(languages=("en",), sources=SourcesConfig(parallel=(unknown,)))


def test_sources_use_their_own_language_codes():
    sources = SourcesConfig(parallel=(TATOEBA, NTREX_CORPUS))
    assert spec_of(sources, "ntrex.zh").url == f"{NTREX}/newstest2019-ref.zho-CN.txt"
    assert spec_of(sources, "ntrex.en").url == f"{NTREX}/newstest2019-src.eng.txt"
    ours = NTREX_CORPUS.model_copy(update={"codes": "ours"})
    assert spec_of(SourcesConfig(parallel=(ours,)), "ntrex.zh").url.endswith("ref.zh.txt")
    assert spec_of(sources, "tatoeba.en-sw").codes[1][:2] == ("sw", "swh")


def test_an_unknown_download_is_refused():
    with pytest.raises(ConfigError, match=r"no source has the id 'europarl\.en-fr'"):
        spec_of(SourcesConfig(), "europarl.en-fr")


def test_network_settings_are_in_no_key():
    sources = SourcesConfig(mirror="/m")
    assert not {"mirror", "network"} & sources.key_fields().keys()
    assert "size_bytes" not in sources.key_fields()["xnli"]


def test_a_language_that_ntrex_lacks_is_refused() -> None:
    ntrex = PlainCorpus(
        name="ntrex",
        title="NTREX-128",
        licence="CC-BY-SA-4.0",
        english=f"{NTREX}/newstest2019-src.eng.txt",
        other=f"{NTREX}/newstest2019-ref.{{code}}.txt",
        codes="ntrex",
    )
    sources = SourcesConfig(parallel=(ntrex,))
    with pytest.raises(ConfigError, match=r"no file in Acehnese \(ace\); list the pairs of ntrex"):
        spec_of(sources, "ntrex.ace")
    assert spec_of(sources, "ntrex.rw").url.endswith("ref.kin.txt")


def test_a_language_that_opus_lacks_is_refused() -> None:
    opus = OpusCorpus(kind="opus", corpus="Tatoeba", version="v2022-03-03")
    sources = SourcesConfig(parallel=(opus,))
    with pytest.raises(ConfigError, match=r"no text in Amis \(ami\); list the pairs of Tatoeba"):
        spec_of(sources, "tatoeba.ami-en")
