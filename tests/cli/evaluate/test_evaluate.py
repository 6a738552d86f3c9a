"""`xlm evaluate`: results of each task; wrong options, files and models are refused in one line."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.inference.small_models import LANGUAGES, TEXTS
from xlm.cli.evaluate.options import Options
from xlm.cli.evaluate.tasks import prepare
from xlm.errors import ConfigError, DataError, XlmError
from xlm.inference.load import load
from xlm.inference.model import Model

LABELS = ("contradiction", "neutral", "entailment")
PAIRS = [f"{one}\t{other}" for one, other in zip(TEXTS["en"], TEXTS["sw"], strict=True)]


def evaluate(model: Model, **options: Any) -> None:
    chosen = Options(**options)
    chosen.check()
    prepare(chosen)(model)


def results(model: Model, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    evaluate(model, as_json=True, **options)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def xnli(tmp_path: Path) -> Path:
    """XNLI with four pairs in each language."""
    rows = ["language\tgold_label\tsentence1\tpairID\tsentence2"]
    for code, (one, other) in TEXTS.items():
        for number, (first, second) in enumerate([(one, other), (other, one)] * 2):
            rows.append(f"{code}\t{LABELS[number % 3]}\t{first}\t7\t{second}")
    path = tmp_path / "XNLI-1.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for split in ("dev", "test"):
            archive.writestr(f"XNLI-1.0/xnli.{split}.tsv", "\n".join(rows) + "\n")
    (tmp_path / "xnli.test.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def write(folder: Path, name: str, lines: list[str]) -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_xnli_is_scored_in_all_languages_of_the_model(
    model: Model, xnli: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = results(model, capsys, task="xnli", files=(xnli,), output=tmp_path / "out")
    assert [one["code"] for one in found["languages"]] == list(LANGUAGES)
    assert "paper" not in found  # another shape than the published model
    for one in found["languages"]:
        first, second = TEXTS[one["code"]]
        labels = [
            prediction.label
            for prediction in model.predict(
                [first, second] * 2, [second, first] * 2, language=one["code"]
            )
        ]
        gold = [LABELS[number % 3] for number in range(4)]
        assert one["right"] == sum(map(str.__eq__, labels, gold))
        assert one["total"] == sum(map(sum, one["confusion"])) == 4
        assert one["majority"] == 0.5
        written = (tmp_path / f"out/predictions/{one['code']}.tsv").read_text().splitlines()
        assert [line.split("\t")[:2] for line in written] == [
            ["label", "predicted"],
            *map(list, zip(gold, labels, strict=True)),
        ]
    mean = sum(one["accuracy"] for one in found["languages"]) / len(LANGUAGES)
    assert found["mean"]["accuracy"] == pytest.approx(mean)
    assert json.loads((tmp_path / "out/results.json").read_text()) == found


def test_a_table_names_languages_rows_and_confusions(
    model: Model, xnli: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = xnli.parent / "xnli.test.tsv"
    evaluate(model, task="xnli", files=(path,), languages=("sw", "en"), limit=2, confusion=True)
    printed = capsys.readouterr().out
    assert re.search(r"^Swahili \(sw\) .* 2$", printed, re.MULTILINE)
    assert re.search(r"^mean of 2 .* 4$", printed, re.MULTILINE)
    assert "English (en): rows by label, predicted label to the right" in printed
    assert "XNLI test, 2 rows a language" in printed


def test_wide_confusions_are_only_in_json(
    model: Model,
    xnli: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("xlm.classification.results.tables.MAX_CONFUSION_LABELS", 2)
    path = xnli.parent / "xnli.test.tsv"
    evaluate(model, task="xnli", files=(path,), languages=("sw",), limit=2, confusion=True)
    printed = capsys.readouterr().out
    assert "rows by label" not in printed
    assert "matrices of 3 labels are too wide to show: the output of --json has them." in printed


def test_xnli_comes_from_a_mirror(
    model: Model, xnli: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = tmp_path / "mirror" / "dl.fbaipublicfiles.com" / "XNLI"
    host.mkdir(parents=True)
    xnli.rename(host / xnli.name)
    found = results(
        model, capsys, task="xnli", mirror=str(tmp_path / "mirror"), languages=("th",), split="dev"
    )
    assert (found["split"], found["languages"][0]["total"]) == ("dev", 4)


def test_labelled_rows_of_any_format_give_the_same_scores(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"lang": code, "sentence1": first, "sentence2": second, "gold_label": LABELS[number % 3]}
        for number, (code, (first, second)) in enumerate(TEXTS.items())
    ]
    names = list(rows[0])
    table = ["\t".join(names), *("\t".join(row.values()) for row in rows)]
    files = [
        write(tmp_path, "rows.tsv", table),
        write(tmp_path, "rows.jsonl", [json.dumps(row) for row in rows]),
        tmp_path / "rows.parquet",
    ]
    pq.write_table(pa.Table.from_pylist(rows), files[2])
    found = [results(model, capsys, task="classify", files=(path,)) for path in files]
    for one in found[1:]:
        assert one["languages"] == found[0]["languages"]
    assert [one["code"] for one in found[0]["languages"]] == sorted(LANGUAGES)
    some = results(model, capsys, task="classify", files=(files[0],), languages=("sw", "en"))
    assert [one["code"] for one in some["languages"]] == ["en", "sw"]
    one_language = write(tmp_path, "sw.tsv", ["label\ta\tb", f"neutral\t{PAIRS[0]}"])
    evaluate(
        model, task="classify", files=(one_language,), languages=("en",), premise="a",
        hypothesis="b",
    )  # fmt: skip
    assert re.search(r"^English \(en\) .* 1$", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["label\ttext", "good\ta"], {}, "does not know the label 'good'; "),
        (["label\ttext", "neutral\ta"], {}, "classifies pairs of sentences, not those of 'text'"),
        (["label\tx", "neutral\ta"], {}, "no column 'text' or 'sentence' or 'premise' or"),
        (["label\ttext", "neutral\ta"], {"text": "y"}, "no column 'y'; it has label, text"),
        (["tag\ttext", "neutral\ta"], {}, "no column 'label' or 'gold_label'; it has tag, text"),
        (["label\ttext", "neutral\t "], {}, "line 2: an empty sentence; remove the row"),
        (["label\ttext", "neutral"], {}, "line 2: 1 column, but the header has 2"),
        (["label\ttext"], {}, "has no rows in 'sw'"),
        ([], {}, "the file is empty; add a header and rows"),
        (
            ["label\ttext", "neutral\ta"],
            {"languages": ()},
            "has no column `language`, and no --lang; pass --lang",
        ),
        (
            ["label\tpremise\thypothesis\tlanguage", "neutral\ta\tb\tfi"],
            {"languages": ()},
            "line 2: the model has no language 'fi'; use one of ar bg",
        ),
    ],
)
def test_wrong_rows_are_refused(
    model: Model, tmp_path: Path, lines: list[str], options: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, "rows.tsv", lines)
    with pytest.raises(XlmError, match=re.escape(message)):
        evaluate(model, **{"task": "classify", "files": (path,), "languages": ("sw",), **options})


def test_perplexity_skips_blank_lines(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "text", [*TEXTS["th"], "", " ", *TEXTS["th"]])
    found = results(model, capsys, task="perplexity", files=(path,), languages=("th",))
    assert (found["lines"], found["objective"]) == (4, "masked")
    assert found["perplexity"] > 1
    assert found["rule"]["stream_tokens"] == model.max_tokens
    evaluate(model, task="perplexity", files=(path,), languages=("th",), seed=4)
    assert "seed 4, without </s> and <unk>" in capsys.readouterr().out


def test_pairs_are_a_table_or_two_texts(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = write(
        tmp_path, "named.tsv", ["id\tsw\ten", *(f"1\t{b}\t{a}" for a, b in map(_split, PAIRS))]
    )
    texts = tuple(
        write(tmp_path, code, [*TEXTS[code], "" if code == "sw" else "left out"])
        for code in ("en", "sw")
    )
    plain = write(tmp_path, "pairs.tsv", PAIRS)
    objects = [{"sw": b, "en": a} for a, b in map(_split, PAIRS)]
    flat = write(tmp_path, "flat.jsonl", list(map(json.dumps, objects)))
    nested = write(tmp_path, "nested.jsonl", [json.dumps({"translation": one}) for one in objects])
    found = [
        results(model, capsys, task="retrieval", files=files, languages=("en", "sw"))
        for files in ((plain,), (named,), texts, (flat,), (nested,))
    ]
    assert all(one == found[0] for one in found[1:])
    assert found[0]["pairs"] == 2
    evaluate(model, task="retrieval", files=(plain,), languages=("en", "sw"), pooling="first")
    assert "en to sw" in capsys.readouterr().out


def _split(line: str) -> list[str]:
    return line.split("\t")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "xnil"}, "unknown --task 'xnil'; did you mean 'xnli'?"),
        ({"task": "xnli", "seed": 1}, "--seed is for --task perplexity; leave it out"),
        ({"task": "perplexity", "confusion": True}, "--confusion is for --task xnli or classify"),
        ({"task": "perplexity"}, "--task perplexity needs one language, but --lang has 0; pass"),
        ({"task": "retrieval", "languages": ("en",)}, "needs two languages, but --lang has 1"),
        ({"task": "retrieval", "languages": ("en", "en")}, "--lang names 'en' twice"),
        ({"task": "xnli", "split": "train"}, "unknown --split 'train'; use dev or test"),
        ({"task": "xnli", "files": (Path("a"), Path("b"))}, "2 files for --task xnli"),
        (
            {"task": "retrieval", "languages": ("en", "sw"), "pooling": "max"},
            "unknown --pooling 'max'; use mean or first",
        ),
        ({"task": "xnli", "output": Path("/dev/null")}, "--output /dev/null is not a folder"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        Options(**options).check()


def test_unknown_tokens_and_chunks_that_are_left_out_are_named(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "text", ["☃ ☃ watoto wanacheza"] * 100)
    evaluate(model, task="perplexity", files=(path,), languages=("sw",), limit=2)
    shown = capsys.readouterr().out
    assert "Predicted in the first 2 of " in shown
    assert "% of the tokens are not in the vocabulary and are not predicted" in shown


@pytest.mark.parametrize(
    ("task", "languages", "lines", "message"),
    [
        ("xnli", (), ["premise\thypothesis"], "no column language, sentence1, sentence2"),
        ("xnli", ("fi",), None, "has no rows in 'fi'; it has ar bg de"),
        ("perplexity", ("sw",), ["", " "], "has no text; pass a text, one sentence a line"),
        ("retrieval", ("en", "sw"), ["a\tb", "c"], "line 2 has 1 field, not 2; write a sentence"),
        ("retrieval", ("en", "sw"), [], "has no pairs; write a pair a line"),
    ],
)
def test_wrong_files_are_refused_before_a_model_is_loaded(
    xnli: Path, tmp_path: Path, task: str, languages: tuple[str, ...], lines: Any, message: str
) -> None:
    path = xnli if lines is None else write(tmp_path, "lines", lines)
    with pytest.raises(DataError, match=re.escape(message)):
        prepare(Options(task=task, files=(path,), languages=languages))


def test_pairs_of_json_lines_need_both_languages(tmp_path: Path) -> None:
    path = write(tmp_path, "pairs.jsonl", ['{"translation": {"en": "a", "fr": "b"}}'])
    with pytest.raises(DataError, match=r"no field 'sw' or 'translation.sw'; .* en and sw"):
        prepare(Options(task="retrieval", files=(path,), languages=("en", "sw")))


def test_xnli_is_not_downloaded_for_a_model_that_does_not_fit(
    release: Path, tmp_path: Path
) -> None:
    # The empty mirror would be the next error.
    options = {"task": "xnli", "mirror": str(tmp_path)}
    with pytest.raises(ConfigError, match="masked-lm has no classifier"):
        evaluate(load(release / "masked-lm"), **options)
    with pytest.raises(ConfigError, match="the model has no language 'fi'"):
        evaluate(load(release / "classifier"), **options, languages=("fi",))


def test_texts_of_different_lengths_are_refused(tmp_path: Path) -> None:
    files = (write(tmp_path, "en", ["a", "b"]), write(tmp_path, "sw", ["a"]))
    with pytest.raises(DataError, match=r"sw has fewer lines than .*en; line i of one file"):
        prepare(Options(task="retrieval", files=files, languages=("en", "sw")))


@pytest.mark.parametrize(
    ("part", "options", "message"),
    [
        ("masked-lm", {"task": "xnli"}, "masked-lm has no classifier; use a fine-tuned model"),
        ("classifier", {"task": "perplexity"}, "has no prediction head, so it has no perplexity"),
        ("masked-lm", {"task": "perplexity", "languages": ("fi",)}, "the model has no language"),
        ("masked-lm", {"task": "retrieval", "layer": 7}, "layer 7 does not exist; use 0"),
    ],
)
def test_models_that_lack_a_part_are_refused(
    release: Path,
    xnli: Path,
    tmp_path: Path,
    part: str,
    options: dict[str, Any],
    message: str,
) -> None:
    files = {"xnli": xnli, "perplexity": write(tmp_path, "text", ["a"])}
    languages = {"xnli": (), "perplexity": ("sw",), "retrieval": ("en", "sw")}[options["task"]]
    path = files.get(options["task"]) or write(tmp_path, "pairs.tsv", PAIRS)
    with pytest.raises(XlmError, match=message):
        evaluate(load(release / part), **{"files": (path,), "languages": languages, **options})
