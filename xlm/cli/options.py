"""Options that several commands share: those of a run, the store, and numbers."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from xlm.errors import ConfigError
from xlm.pipeline.options import RUN_OPTIONS, Kind, RunOption

Command = Callable[..., None]


def whole_number(option: str, least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser that only accepts whole numbers in a range."""
    allowed = f"of at least {least:,}" if most is None else f"from {least:,} to {most:,}"

    def parse(text: str | int) -> int:
        # A default is a number. int() alone would also accept "1_0" and "²".
        given = str(text)
        number = int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else -1
        if number < least or (most is not None and number > most):
            shown = given if len(given) <= 40 else f"{given[:40]}..."
            raise ConfigError(f"invalid {option} {shown!r}", fix=f"use a whole number {allowed}")
        return number

    return parse


def layer_number(text: str | int) -> int:
    """Parse `--layer`: a whole number, from the last layer if it is negative."""
    given = str(text)
    size = whole_number("--layer", 0)(given.removeprefix("-"))
    return -size if given.startswith("-") else size


_TYPES: dict[Kind, Any] = {
    "settings": list[str] | None,
    "stages": list[str] | None,
    "flag": bool,
}
_ONE_VALUE = str | None


def takes_request(*names: str) -> Callable[[Command], Command]:
    """Give a command the options of a run, or only those named.

    The command is called with the `RunRequest` that they make, then with its other options.

    @app.command()
    @takes_request("profile", "overrides")
    def config(request: "RunRequest", as_json: AsJson = False) -> None: ...
    """
    options = [one for one in RUN_OPTIONS if not names or one.name in names]

    def decorate(command: Command) -> Command:
        def with_options(**values: Any) -> None:
            from xlm.cli.request import build_request

            given = {option.name: values.pop(option.name) for option in options}
            command(build_request(**given), **values)

        with_options.__name__ = command.__name__
        with_options.__doc__ = command.__doc__
        _, *others = inspect.signature(command).parameters.values()
        parameters = [_parameter(option) for option in options]
        # Typer makes options from the signature.
        with_options.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [*parameters, *(one.replace(kind=one.KEYWORD_ONLY) for one in others)]
        )
        return with_options

    return decorate


def _parameter(option: RunOption) -> inspect.Parameter:
    text = f"{option.help} Can be repeated." if option.repeated else option.help
    declared = typer.Option(*option.flags, metavar=option.metavar or None, help=text)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=Annotated[_TYPES.get(option.kind, _ONE_VALUE), declared],
    )


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
        help="Number of worker processes. [default: $XLM_WORKERS, else one per core]",
        parser=whole_number("--workers", 1),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
