"""The folder of `xlm convert --to onnx`: the model, its configuration and a README with code.

require_onnx()
write_onnx_folder(folder, model, has_tokenizer=True)
"""

import json
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from xlm.bpe.vocabulary import PAD
from xlm.errors import ConfigError
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.hugging_face.folder import write_config
from xlm.release.card.examples import example_of, packages_note

_TEMPLATES = files("xlm.release") / "templates"
_PACKAGES = ("onnxruntime", "numpy", "transformers", "sacremoses")
_MAX_EXAMPLES = 2


def require_onnx() -> None:
    """Check that the package that writes ONNX files is installed.

    Raises:
        ConfigError: it is not.
    """
    if find_spec("onnx") is None:
        raise ConfigError(
            "ONNX files need the package onnx, which is not installed",
            fix="install xlm-pipeline[onnx]",
        )


def write_onnx_folder(folder: Path, model: PortableModel, *, has_tokenizer: bool) -> None:
    """Write the model, `config.json` and `README.md` into a folder that exists.

    Args:
        has_tokenizer: whether the tokenizer's files are written too; the code needs them.
    """
    from xlm.model.formats.onnx.file import write_onnx  # needs an optional package

    write_onnx(folder, model)
    write_config(folder, model)
    (folder / "README.md").write_bytes(_readme(model, has_tokenizer=has_tokenizer).encode())


def _readme(model: PortableModel, *, has_tokenizer: bool) -> str:
    description = model.description
    kind = "causal language model" if description.causal else "masked language model"
    shape, meaning = f"(batch, length, {description.vocabulary_size})", "scores of every id"
    if model.is_classifier:
        labels = ", ".join(f"{number} {name}" for number, name in enumerate(description.labels))
        kind, shape = "classifier", f"(batch, {len(description.labels)})"
        meaning = f"scores of the labels, before the softmax: {labels}"
    return _template("onnx.md").substitute(
        title=f"XLM {kind}",
        padding=PAD,
        languages=", ".join(f"{id} {code}" for id, code in enumerate(description.languages)),
        positions=description.model.max_positions,
        shape=shape,
        meaning=meaning,
        example=_example(model)
        if has_tokenizer
        else "The BPE merges of the model were not known, so the folder has no tokenizer.",
    )


def _example(model: PortableModel) -> str:
    description = model.description
    name = "onnx_causal_lm.md" if description.causal else "onnx_masked_lm.md"
    if model.is_classifier:
        name = "onnx_classifier.md"
    is_paired = model.is_classifier and description.row_sentences == 2
    return _template("onnx_example.md").substitute(
        packages=packages_note(description.languages, packages=_PACKAGES),
        texts="\n".join(_texts(description, is_paired=is_paired)),
        result=_template(name).substitute(labels=_quoted(description.labels)).rstrip(),
    )


def _texts(description: ModelDescription, *, is_paired: bool) -> list[str]:
    """Rows of the example: a language of the model and a sentence or two."""
    first = example_of(description.languages)
    others = [code for code in description.languages if code != first.language]
    examples = [first, *(example_of([code]) for code in others)][:_MAX_EXAMPLES]
    rows = [
        (one, (one.premise, one.hypothesis) if is_paired else (one.premise,)) for one in examples
    ]
    return [
        f"    ({', '.join(map(_quoted, (one.language, *sentences)))}),{one.remark}"
        for one, sentences in rows
    ]


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _template(name: str) -> Template:
    return Template((_TEMPLATES / name).read_text(encoding="utf-8"))
