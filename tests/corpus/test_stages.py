"""The data stages in the DAG: units, inputs, keys, and runs with real files of the mirror."""

import gzip
import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest

from xlm.config.data.downloads import DownloadSlice
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node
from xlm.errors import SourceError
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.data.extract_parallel import EXTRACT_PARALLEL
from xlm.stages.data.extract_wiki import EXTRACT_WIKI
from xlm.stages.data.extract_xnli import EXTRACT_XNLI
from xlm.stages.data.split import SPLIT

NTREX = "https://raw.githubusercontent.com/MicrosoftTranslator/NTREX/main/NTREX-128"
PARALLEL = [
    {
        "kind": "plain",
        "name": "ntrex",
        "title": "NTREX-128",
        "english": f"{NTREX}/newstest2019-src.eng.txt",
        "other": f"{NTREX}/newstest2019-ref.{{code}}.txt",
        "codes": "ntrex",
        "licence": "CC-BY-SA-4.0",
    },
    {"kind": "opus", "corpus": "Tatoeba", "version": "v2022-03-03", "licence": "CC-BY-2.0-FR"},
]


def _config(mirror=None, sample=None, languages=("en", "sw", "zh"), **sources):
    return PipelineConfig(
        languages=languages,
        sample=sample,
        sources={"parallel": PARALLEL, "mirror": mirror, **sources},
    )


def test_the_graph_of_the_data_stages():
    config = _config()
    assert list(EXTRACT_PARALLEL.units(config)) == ["en-sw", "en-zh"]
    assert list(SPLIT.units(config)) == ["en", "sw", "zh", "en-sw", "en-zh"]
    assert list(EXTRACT_WIKI.units(config)) == ["en", "sw", "zh"]
    assert list(EXTRACT_XNLI.units(config)) == ["en", "sw", "zh"]
    assert EXTRACT_WIKI.upstream(config, "sw") == {"dump": Node("download", "wikipedia.sw")}
    assert EXTRACT_PARALLEL.upstream(config, "en-sw") == {
        "ntrex.en": Node("download", "ntrex.en"),
        "ntrex.sw": Node("download", "ntrex.sw"),
        "tatoeba.en-sw": Node("download", "tatoeba.en-sw"),
    }
    assert list(EXTRACT_XNLI.upstream(config, "sw")) == ["xnli"]
    assert list(EXTRACT_XNLI.upstream(config, "en")) == ["xnli", "multinli"]
    assert SPLIT.upstream(config, "sw") == {"text": Node("extract-wiki", "sw")}
    assert SPLIT.upstream(config, "en-sw") == {"text": Node("extract-parallel", "en-sw")}
    units = set(DOWNLOAD.units(config))
    for stage in (EXTRACT_WIKI, EXTRACT_PARALLEL, EXTRACT_XNLI):
        for unit in stage.units(config):
            assert {node.unit for node in stage.upstream(config, unit).values()} <= units


def test_every_unit_has_its_own_slice():
    config = _config()
    for stage in (DOWNLOAD, EXTRACT_WIKI, EXTRACT_PARALLEL, EXTRACT_XNLI, SPLIT):
        keys = [str(stage.slice(config, unit).key_fields()) for unit in stage.units(config)]
        assert len(set(keys)) == len(keys)


def test_only_the_existence_of_a_mirror_is_in_the_key():
    plain, one, two = (_config(mirror) for mirror in (None, "/one", "/two"))
    keys = [DOWNLOAD.slice(c, "xnli").key_fields() for c in (plain, one, two)]
    assert keys[0] != keys[1] == keys[2]
    assert set(keys[0]) == {"source", "mirrored"}


def test_caps_do_not_change_downloads():
    assert (
        DOWNLOAD.slice(_config(), "xnli").key_fields()
        == DOWNLOAD.slice(_config(max_pairs=5, max_eval_rows=5), "xnli").key_fields()
    )
    sw = EXTRACT_XNLI.slice(_config(max_train_rows=5), "sw").key_fields()
    assert sw == EXTRACT_XNLI.slice(_config(), "sw").key_fields()


def test_downloads_come_from_the_sample_world():
    config = _config(sample={})
    assert DOWNLOAD.upstream(config, "xnli") == {"mirror": Node("make-world", "all")}
    assert DOWNLOAD.upstream(_config(), "xnli") == {}
    found = DOWNLOAD.slice(config, "wikipedia.sw")
    assert found.mirrored
    assert found.mirrors == ()
    assert found.source.licence == "Apache-2.0"
    assert found.source.title.endswith("synthetic sample")


@pytest.fixture
def download(make_context):
    def run(config, unit, cache=None, **inputs):
        context = make_context(DOWNLOAD.slice(config, unit), unit, unit, **inputs)
        context = replace(context, cache=cache)
        return context, DOWNLOAD.run(context)

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "path", "licence"),
    [
        ("ntrex.zh", f"{NTREX[8:]}/newstest2019-ref.zho-CN.txt", "CC-BY-SA-4.0"),
        (
            "tatoeba.en-zh",
            "object.pouta.csc.fi/OPUS-Tatoeba/v2022-03-03/moses/cmn-en.txt.zip",
            "CC-BY-2.0-FR",
        ),
        ("xnli", "dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip", "CC-BY-NC-4.0"),
        ("multinli", "dl.fbaipublicfiles.com/XNLI/XNLI-MT-1.0.zip", "OANC"),
    ],
)
def test_a_file_of_each_source_comes_from_the_mirror(shared, download, unit, path, licence):
    context, result = download(_config(str(shared / "mirror")), unit)
    content = (shared / "mirror" / path).read_bytes()
    (arrived,) = context.out.iterdir()
    assert (arrived.name, arrived.read_bytes()) == (path.rsplit("/", 1)[-1], content)
    (source,) = result.sources
    assert source.url == f"https://{path}"
    assert source.licence == licence
    assert source.sha256 == hashlib.sha256(content).hexdigest()
    assert result.counts == {"bytes": len(content), "host_bytes": len(content)}


def test_the_sample_worlds_mirror_is_read(tmp_path, download):
    folder = tmp_path / "world" / "mirror" / "raw.githubusercontent.com" / NTREX.split("/", 3)[3]
    folder.mkdir(parents=True)
    (folder / "newstest2019-src.eng.txt").write_text("one\n")
    context, _ = download(_config(sample={}), "ntrex.en", mirror=tmp_path / "world")
    assert (context.out / "newstest2019-src.eng.txt").read_text() == "one\n"


@pytest.mark.slow
def test_a_shared_catalogue_is_unpacked_once(shared, tmp_path, download):
    context, _ = download(
        _config(str(shared / "mirror")), "tatoeba.en-sw", cache=tmp_path / "cache"
    )
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["opus-1.9.0.db"]
    assert list(context.scratch.iterdir()) == []


def test_an_error_page_is_not_an_archive(tmp_path, download):
    folder = tmp_path / "dl.fbaipublicfiles.com" / "XNLI"
    folder.mkdir(parents=True)
    (folder / "XNLI-1.0.zip").write_text("<html>please log in</html>")
    with pytest.raises(SourceError, match="is not a zip archive"):
        download(_config(str(tmp_path)), "xnli")


def test_a_file_that_is_not_in_the_mirror_is_one_line(tmp_path, download):
    with pytest.raises(SourceError, match=r"XNLI-1\.0\.zip: the server answered 404"):
        download(_config(str(tmp_path)), "xnli")


def test_a_hit_goes_stale_when_the_mirrors_file_changes(tmp_path):
    folder = tmp_path / "dl.fbaipublicfiles.com" / "XNLI"
    folder.mkdir(parents=True)
    (folder / "XNLI-1.0.zip").write_bytes(b"1234")
    url = "https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip"
    manifest = {"counts": {"host_bytes": 4}, "sources": [{"address": url}]}
    mirrored: DownloadSlice = DOWNLOAD.slice(_config(str(tmp_path)), "xnli")
    assert DOWNLOAD.stale(mirrored, manifest) is None
    manifest["counts"]["host_bytes"] = 5
    assert "now has 4 bytes, not 5" in DOWNLOAD.stale(mirrored, manifest)
    assert DOWNLOAD.stale(DOWNLOAD.slice(_config(), "xnli"), manifest) is None


@pytest.mark.parametrize("ending", ["", ".gz", ".txt"])
def test_a_plain_corpus_may_have_any_file_names(tmp_path, make_context, ending):
    """Two aligned files from a mirror are downloaded and extracted, as in the DAG."""
    folder = tmp_path / "mirror" / "texts.example.org" / "v1"
    folder.mkdir(parents=True)
    for code, line in (("en", "A line %d"), ("sw", "Mstari %d")):
        text = "".join(f"{line % i}\n" for i in range(10)).encode()
        content = gzip.compress(text) if ending == ".gz" else text
        (folder / f"train.{code}{ending}").write_bytes(content)
    corpus = {
        "kind": "plain", "name": "mine", "title": "Mine", "licence": "CC0-1.0",
        "english": f"https://texts.example.org/v1/train.en{ending}",
        "other": f"https://texts.example.org/v1/train.{{code}}{ending}",
    }  # fmt: skip
    mirror = str(tmp_path / "mirror")
    config = _config(mirror, languages=("en", "sw"), parallel=[corpus])
    inputs = {}
    for unit in ("mine.en", "mine.sw"):
        context = make_context(DOWNLOAD.slice(config, unit), unit, unit)
        DOWNLOAD.run(context)
        inputs[unit] = context.out
    context = make_context(EXTRACT_PARALLEL.slice(config, "en-sw"), "en-sw", **inputs)
    assert EXTRACT_PARALLEL.run(context).counts["pairs"] == 10
    assert (context.out / "text.sw.txt").read_text().startswith("Mstari 0\nMstari 1\n")


@pytest.mark.slow
def test_three_real_languages_from_mirror_to_split(shared, make_context):
    config = _config(str(shared / "mirror"), max_pairs=1700, max_train_rows=100)
    outputs = {}

    def build(stage, unit):
        if (stage.name, unit) not in outputs:
            upstream = stage.upstream(config, unit)
            inputs = {
                role: build(by_name[node.stage], node.unit) for role, node in upstream.items()
            }
            context = make_context(stage.slice(config, unit), unit, f"{stage.name}.{unit}")
            context.inputs.update(inputs)
            outputs[stage.name, unit] = context.out
            stage.run(context)
        return outputs[stage.name, unit]

    stages = (DOWNLOAD, EXTRACT_WIKI, EXTRACT_PARALLEL, EXTRACT_XNLI, SPLIT)
    by_name = {stage.name: stage for stage in stages}
    for unit in SPLIT.units(config):
        names = {path.name for path in build(SPLIT, unit).iterdir()}
        assert {"train", "valid", "test"} == {name.split(".")[0] for name in names}
    for unit in EXTRACT_XNLI.units(config):
        build(EXTRACT_XNLI, unit)
    pair = outputs["split", "en-zh"]
    english = (pair / "train.00000.en.txt").read_text(encoding="utf-8").split("\n")
    chinese = (pair / "train.00000.zh.txt").read_text(encoding="utf-8").split("\n")
    assert len(english) == len(chinese) > 1800


@pytest.mark.slow
def test_the_stage_files_are_light():
    """`xlm --help` and `xlm plan` import them: no HTTP client, no archive reader, no torch."""
    code = (
        "import sys\n"
        "import xlm.stages.data.download, xlm.stages.data.split, xlm.stages.data.extract_wiki\n"
        "import xlm.stages.data.extract_parallel, xlm.stages.data.extract_xnli\n"
        "heavy = {'httpx', 'opustools', 'torch', 'pyarrow', 'fsspec'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
