"""A request as command line, as text and as parameters of a deployment."""

import shlex
from pathlib import Path

import pytest
import typer.main

from flows.commands.main import app
from xlm.cli.request import build_request
from xlm.errors import ConfigError
from xlm.pipeline.request import RunRequest, overrides_of


def test_texts_and_mappings_give_the_same_configuration() -> None:
    texts = ["pretrain.updates=7", "pretrain.optimizer.learning_rate=1e-05", "sample=null"]
    texts += ["release.author=Zoë 🙂", "sources.mirror=a=b"]
    dotted = {
        "pretrain.updates": 7,
        "pretrain.optimizer.learning_rate": 1e-05,
        "sample": None,
        "release.author": "Zoë 🙂",
        "sources.mirror": "a=b",
    }
    nested = {
        "pretrain": {"updates": 7, "optimizer": {"learning_rate": 1e-05}},
        "sample": None,
        "release": {"author": "Zoë 🙂"},
        "sources": {"mirror": "a=b"},
    }
    configs = [
        RunRequest(overrides=overrides_of(given)).resolve() for given in (texts, dotted, nested)
    ]
    assert configs[0] == configs[1] == configs[2]
    assert configs[0].release.author == "Zoë 🙂"
    assert overrides_of(None) == ()


def _parse(command: str) -> tuple[RunRequest, str]:
    """Parse a command line with the real parser, to a request and a root."""
    program, verb, *words = shlex.split(command)
    assert (program, verb) == ("xlm", "run")
    run = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    given = dict(run.make_context("run", words).params)
    root, _ = given.pop("root"), given.pop("workers")
    return build_request(**given), root


@pytest.mark.parametrize(
    "request_given",
    [
        RunRequest(),
        RunRequest(profile="mini15", until="pretrain", verify="deep"),
        RunRequest(only=("tokenize", "split"), refresh=("tokenize[sw]", "split")),
        RunRequest(
            languages=("en", "sw"),
            overrides=("release.author=O'Neill; rm -rf $HOME", "languages=[en, fr]", "a=b c"),
            refresh=("learn-bpe",),
        ),
    ],
)
def test_the_command_of_a_request_parses_to_the_request(request_given: RunRequest) -> None:
    """Regression: the command on a card lacked --until, --only, --verify and the root."""
    root = Path("/data of mine/x'y")
    assert _parse(request_given.command(root)) == (request_given, str(root))


def test_a_command_works_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = RunRequest(profile="my runs/Größe.yaml", overrides=("sources.mirror=../mirror",))
    found, _ = _parse(given.command(tmp_path))
    assert found.profile == str(tmp_path / "my runs" / "Größe.yaml")
    assert found.overrides == (f"sources.mirror={tmp_path}/../mirror",)
    other = RunRequest(overrides=("sources.mirror=https://h/x", "sources.mirror=null"))
    assert _parse(other.command(tmp_path))[0] == other


def test_requests_for_all_or_for_one_stage() -> None:
    part = RunRequest(profile="mini15", only=("split",), refresh=("split",), verify="deep")
    assert part.building() == RunRequest(profile="mini15", verify="deep")
    assert part.building("shard").until == "shard"
    assert part.refreshing("split[en]").refresh == ("split[en]",)


@pytest.mark.parametrize("key", ["sources.lock", "cleaning.language_model"])
def test_a_path_is_that_of_the_folder_of_the_user(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = RunRequest(overrides=(f"{key}=models/one.bin",))
    assert given.absolute().overrides == (f"{key}={tmp_path}/models/one.bin",)
    section, name = key.split(".")
    config = given.resolve()
    assert getattr(getattr(config, section), name) == f"{tmp_path}/models/one.bin"


@pytest.mark.parametrize(
    ("value", "read"),
    [("'py3langid'", "py3langid"), ("Null", None), ("~", None), (" 'a: b.bin'", "{}/a: b.bin")],
)
def test_a_path_is_read_as_yaml(
    value: str, read: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = RunRequest(overrides=(f"cleaning.language_model={value}",)).absolute()
    expected = read and read.format(tmp_path)
    assert given.resolve().cleaning.language_model == expected


def test_mirrors_are_absolute_paths_of_any_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a: 😀"
    folder.mkdir()
    monkeypatch.chdir(folder)
    given = RunRequest(
        profile="mini15", overrides=("sources.mirrors=[one, 'http://host/two']",)
    ).absolute()
    assert given.resolve().sources.mirrors == (f"{folder}/one", "http://host/two")
    one = RunRequest(profile="mini15", overrides=("sources.mirror=./one",)).absolute()
    assert one.resolve().sources.mirror == f"{folder}/one"


@pytest.mark.parametrize("value", ["5", "true", "[null]", "{a: 1}"])
def test_mirrors_that_are_no_paths_are_refused_when_they_are_read(value: str) -> None:
    given = RunRequest(overrides=(f"sources.mirrors={value}",))
    assert given.absolute() == given
    with pytest.raises(ConfigError, match="mirrors"):
        given.resolve()


@pytest.mark.parametrize(
    "override",
    [
        "sources.mirror=/home/alice/mirror",
        "sources.mirror=mirror",
        "sources.mirrors=[https://host/x, ../alice]",
        "sources.lock=alice.lock.yaml",
        "cleaning.language_model=~/alice.bin",
        "sources.text=[{kind: text, language: sw, path: /home/alice/sw.txt}]",
        "pretrain.encoder=file:///home/alice/model",
    ],
)
def test_a_published_command_names_no_path_of_the_machine(override: str) -> None:
    given = RunRequest(
        profile="/home/alice/my.yaml",
        overrides=(
            "bpe.codes=40",
            override,
            "sources.mirrors=[https://host/x]",
            "release.author=A/B",
        ),
        languages=("en", "sw"),
        until="shard",
    )
    assert given.published_command() == (
        "xlm run --profile my.yaml --set bpe.codes=40 --set 'sources.mirrors=[https://host/x]' "
        "--set release.author=A/B --languages en,sw --until shard"
    )


def test_a_published_command_keeps_the_packaged_model() -> None:
    given = RunRequest(overrides=("cleaning.language_model=py3langid",))
    assert given.published_command() == (
        "xlm run --profile sample --set cleaning.language_model=py3langid"
    )
