"""Pages of the site that follow from the code: command line, configuration and languages.

A hook of mkdocs (`hooks` in mkdocs.yml). These pages exist in the built site only.
"""

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from flows.commands.main import app
from xlm.cli.languages import HEADER, language_row
from xlm.config.languages.segmenters import recommended_segmenter
from xlm.config.languages.table import read_table
from xlm.config.pipeline import PipelineConfig
from xlm.display.markdown import table

COMMANDS = "reference/command-line.md"
SETTINGS = "reference/configuration.md"
LANGUAGES = "reference/languages.md"

_COMMANDS_INTRO = """\
# Command line

Generated from the program. `xlm COMMAND --help` prints the same text.
[Environment and exit codes](environment.md) lists what else a command reads and returns.
"""
_SETTINGS_INTRO = """\
# Configuration

Generated from the models in `xlm/config`. The defaults are those of the paper;
[profiles](profiles.md) change them. `xlm config --profile NAME` prints the values of a run.
Settings that are marked *operational* change how a stage runs, but never its bytes. They are in
no artifact key.
"""
_LANGUAGES_INTRO = """\
# Languages

Generated from the table of languages, `xlm/config/languages/languages.tsv`. `xlm languages` prints
it too. A profile can declare other languages: see [Add a language](../how-to/add-a-language.md).

* *Wikipedia* is the name of the database, as in the URL of its dumps.
* *OPUS* has the codes that its corpora use, most common first.
* *Segmenter*: the language is written without spaces. `jieba` and `newmm` are the defaults of their
  languages; for others set `text.segmenters`, see [Segmenters](segmenters.md).
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those of the folder `docs`."""
    pages = {
        COMMANDS: command_line_page(),
        SETTINGS: configuration_page(),
        LANGUAGES: languages_page(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def languages_page() -> str:
    """Every known language with its codes."""
    rows = [language_row(entry, recommended_segmenter(entry)) for entry in read_table().values()]
    return "\n".join([_LANGUAGES_INTRO, table(HEADER, rows, left=len(HEADER)), ""])


def command_line_page() -> str:
    """Every command with its options and examples."""
    root = typer.main.get_command(app)
    context = root.make_context("xlm", [], resilient_parsing=True)
    return "\n".join([_COMMANDS_INTRO, *_commands(root, context, "xlm")])


def _commands(command: Any, context: Any, name: str) -> Iterator[str]:
    yield f"## {name}\n\n{_paragraphs(command.help)}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{name} {usage}\n```\n"
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    rows = [record for record in records if record]
    if rows:
        yield "| option | meaning |\n| --- | --- |"
        yield from (f"| `{_cell(option)}` | {_cell(meaning)} |" for option, meaning in rows)
        yield ""
    if command.epilog:
        yield f"```sh\n{_examples(command.epilog)}\n```\n"
    for part in getattr(command, "commands", {}):
        child = command.get_command(context, part)
        below = child.make_context(part, [], parent=context, resilient_parsing=True)
        yield from _commands(child, below, f"{name} {part}")


def _paragraphs(text: str | None) -> str:
    """The text of a docstring as Markdown."""
    plain = inspect.cleandoc((text or "").replace("\b", ""))
    return _links(re.sub(r"(?<!\n)\n(?!\n)", " ", plain))


def _links(text: str) -> str:
    """Pages of the site that the text names, as links from a page of the reference."""
    return re.sub(r"\bdocs/([\w/-]+)\.md\b", r"[\1](../\1.md)", text)


def _examples(epilog: str) -> str:
    lines = epilog.replace("\b", "").strip("\n").split("\n")
    return "\n".join(line[2:] if line.startswith("  ") else line for line in lines[1:])


def configuration_page() -> str:
    """Every setting with its type, default and description."""
    return "\n".join([_SETTINGS_INTRO, *_section("", PipelineConfig, None)])


def _section(path: str, model: type[BaseModel], defaults: object) -> Iterator[str]:
    """The table of a model, then the sections of the models in its fields.

    Args:
        defaults: default of the section, which may differ from the defaults of its model.
    """
    if path:
        yield f"## {path}\n\n{_paragraphs(model.__doc__)}\n"
    yield "| setting | default | meaning |\n| --- | --- | --- |"
    for name, field in model.model_fields.items():
        default = getattr(defaults, name) if isinstance(defaults, model) else field.default
        shown = "see there" if field.default_factory_takes_validated_data else _default(default)
        yield f"| `{name}` | {shown} | {_meaning(field)} |"
    yield ""
    for name, field in model.model_fields.items():
        inner_models = _models(field.annotation)
        for inner in inner_models:
            # One of several models, such as a corpus of OPUS or of plain files.
            kind = _kind(inner) if len(inner_models) > 1 else ""
            suffix = f" ({kind})" if kind else ""
            default = getattr(defaults, name) if isinstance(defaults, model) else field.default
            yield from _section(f"{path}.{name}{suffix}".lstrip("."), inner, default)


def _kind(model: type[BaseModel]) -> str:
    """What tells a model from the others that its setting can have: its `kind` or `task`."""
    name = next(name for name in ("kind", "task") if name in model.model_fields)
    return ", ".join(get_args(model.model_fields[name].annotation))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _default(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, BaseModel):
        return "see below"
    if isinstance(default, tuple):
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _meaning(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    mark = "*Operational.* " if isinstance(extra, dict) and extra.get("operational") else ""
    choices = _choices(field.annotation)
    return mark + _cell(field.description or "") + (f" One of {choices}." if choices else "")


def _choices(annotation: Any) -> str:
    """The words that a setting takes, if it takes only these."""
    words = [word for word in get_args(annotation) if isinstance(word, str)]
    return ", ".join(f"`{word}`" for word in words) if len(words) > 1 else ""


def _cell(text: str) -> str:
    """Escape text for a table cell: neither cell bounds nor HTML."""
    escaped = re.sub(r"\s+", " ", text).replace("|", "\\|").strip()
    return _links(re.sub(r"<(?=[^`]*(?:`[^`]*`[^`]*)*$)", "&lt;", escaped))
