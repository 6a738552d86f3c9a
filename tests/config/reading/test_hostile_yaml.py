"""Hostile YAML in profiles and overrides gives a one-line ConfigError without delay."""

import random
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import profile_names, resolve
from xlm.errors import ConfigError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
)
HOSTILE = {
    "aliases of aliases": (BOMB, "more than 100,000 values"),
    "an alias to itself": ("languages: &a [*a]\n", "has no anchor before it"),
    "20,000 brackets": ("languages: " + "[" * 20_000, "nested deeper than 50 levels"),
    "20,000 braces": ("{a: " * 20_000, "nested deeper than 50 levels"),
    "20,000 levels": ("- " * 20_000, "nested deeper than 50 levels"),
    "5,000 digits": (f"bpe: {{codes: {'9' * 5000}}}\n", "is too large"),
    "a hexadecimal number": (f"bpe: {{codes: 0x{'f' * 5000}}}\n", "is too large"),
    "a large file": ("x" * (2 << 20), "more than 1,048,576 characters"),
    "a month 13": ("languages: [en, 2020-13-45]\n", "unknown language '2020-13-45'"),
    "a key twice": ("languages: [en]\nlanguages: [en, sw]\n", "the key 'languages' appears twice"),
    "a NUL": ("languages: [en]\0\n", "unacceptable character"),
    "a number as a name": ("1: 2\nlanguages: [en]\n", "the name '1' is not text"),
    "an object": ("languages: !!python/object/apply:os.system [id]\n", "not valid YAML"),
    "nothing": ("", "is not a mapping of settings"),
}


def _one_line(error: ConfigError) -> str:
    line = str(error)
    assert "\n" not in line
    assert len(line) < 1000
    return line


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_profile_is_refused_quickly_in_one_line(tmp_path: Path, name: str) -> None:
    content, what = HOSTILE[name]
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    begin = time.process_time()
    with pytest.raises(ConfigError) as caught:
        resolve(str(path))
    assert what in _one_line(caught.value)
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("value", ["9" * 5000, "0x" + "f" * 5000, "[" * 20_000, "&a [*a]", "!!int"])
def test_a_hostile_override_is_refused_in_one_line(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("mini15", [f"bpe.codes={value}"])
    _one_line(caught.value)


@pytest.mark.parametrize(("text", "what"), [
    ("bpe: {codes: 017}", "017 is a number in base 8; remove the leading zero, or quote it"),
    ("bpe: {codes: 1:30:00}", "1:30:00 is a number in base 60; quote it, or write it in decimal"),
    ("split: {valid_fraction: -1:30.5}", "-1:30.5 is a number in base 60"),
    ("bpe: {codes: true}", "bpe.codes must be a whole number, not 'true'"),
    ("split: {valid_fraction: yes}", "split.valid_fraction must be a number, not 'true'"),
    ("sources: {max_pairs: on}", "sources.max_pairs must be a whole number, not 'true'"),
    ("finetune: {sweep: {seeds: [0, yes]}}", "seeds.1 must be a whole number, not 'true'"),
    ("bpe: {codes: null}", "bpe.codes must be a whole number, not empty (null)"),
    ("sources:", "sources must be a section, not empty (null)"),
    ("languages: [en, no]", "languages.1 must be text, not false; YAML reads no, yes, on and off"),
    ("sources: {parallel: {a: 1}}", "sources.parallel must be a list, e.g. [a, b], not {'a': 1}"),
    ("model: !!python/object:os.system {}", "line 2: the tag !!python/object:os.system is not all"),
    ("model: !mine {}", "line 2: the tag !mine is not allowed; remove it"),
    ("bpe: {codes: 3", "line 3, column 1: expected ',' or '}', but got the end of the text"),
    ("bpe:\n\tcodes: 3", "line 3, column 1: found character '\\t' that cannot start any token"),
    ("bpe: {codes: 3, codes: 4}", "line 2: the key 'codes' appears twice; keep one of them"),
    ("bpe: *a", "the alias *a has no anchor before it; write &a before its value"),
    ("bpe: {<<: 5}", "line 2, column 11: expected a mapping or list of mappings for merging"),
    ("? [a]\n: 3", "line 2, column 3: found unhashable key"),
    ("split: {valid_fraction: .nan}", "split.valid_fraction must be a finite number, not nan"),
    ("bpe: {codes: .inf}", "bpe.codes must be a finite number, not inf"),
    ("bpe: {codes: 2026-01-01}", "bpe.codes must be a whole number, not '2026-01-01'"),
])  # fmt: skip
def test_surprising_yaml_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text if text.startswith("languages") else f"languages: [en, sw]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        resolve(str(path))
    line = _one_line(caught.value)
    assert what in line
    assert "unicode string" not in line


def test_merge_keys_and_underscores_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "languages: [en, 'no']\nfinetune: {schedule: &s {warmup_updates: 1_0}}\n"
        "pretrain: {schedule: {<<: *s}}\n"
    )
    config = resolve(str(path))
    assert config.pretrain.schedule.warmup_updates == 10
    assert config.languages == ("en", "no")


def test_invalid_names_of_profiles_are_refused_in_one_line(tmp_path: Path) -> None:
    for name in (
        "x" * 5000 + ".yaml",
        "a\0.yaml",
        "\n",
        "",
        str(tmp_path),
        "\udcff.yaml",
        "x" * 5000,
    ):
        with pytest.raises(ConfigError) as caught:
            resolve(name)
        _one_line(caught.value)


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["en", "{0}", "{code}", "https://h/{code}", "1e12", "\ud800", "٣", "&a", "*a"]),
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=8) | st.sampled_from(list(PipelineConfig.model_fields)),
                      inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
_PATHS = st.sampled_from([
    "bpe", "bpe.codes", "languages", "sources", "sources.parallel", "sources.wikipedia.date",
    "model",     "sources.xnli.url", "pretrain.objectives", "sample", "sample.articles",
    "text.segmenters", "",
    "text.segmenters.zh", "release.name", "split.valid_fraction", "pretrain.recipe", "a.b.c",
])  # fmt: skip


def _assert_valid_or_refused(profile: str, overrides: list[str]) -> bool:
    """Resolve a configuration; an error must be one line. Returns whether there was one."""
    try:
        resolve(profile, overrides)
    except ConfigError as error:
        _one_line(error)
        return True
    return False


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(path=_PATHS, value=_VALUES)
def test_fuzz_overrides(path: str, value: object) -> None:
    try:
        text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True)
    except yaml.YAMLError:
        return
    _assert_valid_or_refused("mini15", [f"{path}={text}"])


@pytest.mark.slow
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    value=st.dictionaries(st.sampled_from(list(PipelineConfig.model_fields)), _VALUES, max_size=4)
)
def test_fuzz_profiles_of_random_values(tmp_path: Path, value: dict[str, object]) -> None:
    path = tmp_path / "mine.yaml"
    text = yaml.safe_dump({"languages": ["en", "sw"], **value}, allow_unicode=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    _assert_valid_or_refused(str(path), [])


@pytest.mark.slow
def test_fuzz_profiles_of_mutated_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(11)
    texts = [
        yaml.safe_dump(resolve(name).model_dump(mode="json"), sort_keys=False).encode()
        for name in profile_names()
    ]
    path, end, tried, refused = tmp_path / "mine.yaml", time.monotonic() + 10, 0, 0
    parts = [b"\0", b"[", b"{", b"&a ", b"*a", b"!!", b": ", b"\t", b"\xff", b"- ", b"'", b"9" * 30]
    while tried < 60 and time.monotonic() < end:
        text = bytearray(rng.choice(texts))
        for _ in range(rng.randrange(1, 4)):
            start = rng.randrange(len(text))
            text[start : start + rng.randrange(3)] = rng.choice(parts)
        path.write_bytes(text)
        refused += _assert_valid_or_refused(str(path), [])
        tried += 1
    with capsys.disabled():
        print(f"\n{tried} mutated profiles, {refused} refused, each in one line")
    assert refused
