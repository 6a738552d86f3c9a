"""Options that several commands share."""

from collections.abc import Callable
from typing import Annotated

import typer

from xlm.errors import ConfigError


def whole_number(option: str, least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser of an option's value that refuses what is not a whole number in the range."""
    allowed = f"from {least:,} up" if most is None else f"from {least:,} to {most:,}"

    def parse(text: str | int) -> int:
        # A default comes as a number. int() alone would also take "1_0" and "²".
        given = str(text)
        number = int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else -1
        if number < least or (most is not None and number > most):
            shown = given if len(given) <= 40 else f"{given[:40]}..."
            raise ConfigError(f"{option} {shown!r}", fix=f"give a whole number {allowed}")
        return number

    return parse


Profile = Annotated[
    str,
    typer.Option(
        "--profile", "-p", metavar="PROFILE", help="sample, mini15, xnli15, or a YAML file."
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Change one setting; `xlm config` lists them. Can be repeated.",
    ),
]
Languages = Annotated[
    str,
    typer.Option("--languages", "-l", metavar="CODES", help="Keep only these languages: en,fr,sw."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="STAGE", help="Stop after this stage, e.g. pretrain."),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="STAGE",
        help="Build only this stage; what it needs must exist. Can be repeated.",
    ),
]
Refresh = Annotated[
    list[str] | None,
    typer.Option(
        "--refresh",
        metavar="STAGE",
        help="Build this stage, or one unit of it such as 'tokenize[sw]', again even if it is in "
        "the store. Can be repeated.",
    ),
]
Verify = Annotated[
    str,
    typer.Option(
        "--verify",
        metavar="LEVEL",
        help="How to check stored artifacts: fast compares sizes, deep compares digests.",
    ),
]
Root = Annotated[
    str | None,
    typer.Option(
        "--root", metavar="DIR", help="Folder of the store. [default: $XLM_ROOT, else ./data]"
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-j",
        metavar="N",
        help="Number of worker processes. [default: $XLM_WORKERS, else one for each core]",
        parser=whole_number("--workers", 1),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
