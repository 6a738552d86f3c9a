"""Published models with small invented files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.release.artifacts import write_manifest

CLASSIFIER: Mapping[str, bytes] = {
    "README.md": b"---\nlicense: apache-2.0\n---\n# A classifier\n",
    "accuracy.png": b"\x89PNG" + bytes(500),
    "config.json": b'{"architectures": ["XLMForSequenceClassification"]}\n',
    "model.safetensors": bytes(range(256)) * 100,
    "vocab.json": b'{"en": 0}\n',
}
MASKED_LM: Mapping[str, bytes] = {
    **{name: CLASSIFIER[name] for name in ("README.md", "vocab.json")},
    "config.json": b'{"architectures": ["XLMWithLMHeadModel"]}\n',
    "model.safetensors": bytes(range(255, -1, -1)) * 100,
}


def revision(update: int) -> dict[str, bytes]:
    """The files of the masked language model after some updates."""
    return {
        **MASKED_LM,
        "README.md": b"# After %d updates\n" % update,
        "model.safetensors": b"%09d" % update * 3000,
    }


def write_artifact(
    directory: Path,
    classifier: Mapping[str, bytes] | None = CLASSIFIER,
    masked_lm: Mapping[str, bytes] = MASKED_LM,
    revisions: Sequence[int] = (),
) -> Path:
    """Write an artifact of stage publish; without a classifier if that is None."""
    models = {"classifier": classifier, "masked-lm": masked_lm}
    models |= {f"revisions/step-{update}": revision(update) for update in revisions}
    for name, files in models.items():
        if files is not None:
            write_folder(directory / name, files)
    (directory / "run.json").write_text("{}")
    write_manifest(directory, "publish")
    return directory


def write_folder(directory: Path, files: Mapping[str, bytes]) -> Path:
    """Write files to a folder."""
    directory.mkdir(parents=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """All files of a folder, by relative name."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }
