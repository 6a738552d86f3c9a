"""Help, version and errors of the command line, for all commands."""

import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import typer
from typer.core import TyperGroup

from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError

USAGE_EXIT_CODE = 2
"""For an invalid command line, as in other Unix programs; other errors exit with 1."""

HELP_SETTINGS: Mapping[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
}


class CommandGroup(TyperGroup):
    """A group of commands that lists full summaries and suggests a command for a mistyped one."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands; `run` comes first, although it is added last."""
        return sorted(super().list_commands(ctx), key=lambda name: name != "run")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List every command with its full summary; Typer's own list cuts long ones."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                rows.append((name, (command.help or "").partition("\n\n")[0].strip()))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that `args` start with.

        Raises:
            typer.BadParameter: the command is unknown.
            ConfigError: an option that takes one value is given twice.
        """
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            names = self.list_commands(ctx)
            raise typer.BadParameter(
                f"unknown command {_shortened(args[0])!r}; {did_you_mean(args[0], names)}", ctx=ctx
            )
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not hasattr(command, "commands"):
            _refuse_repetition(f"{ctx.command_path} {name}", command, rest)
        return name, command, rest


def _refuse_repetition(path: str, command: Any, words: Sequence[str]) -> None:
    """Refuse two values for an option that takes one, instead of choosing one of them."""
    for option in command.params:
        if option.param_type_name != "option" or option.multiple or option.is_flag:
            continue
        long_names = tuple(f"{name}=" for name in option.opts if name.startswith("--"))
        given = [word for word in words if word in option.opts or word.startswith(long_names)]
        if len(given) > 1:
            raise ConfigError(
                f"{path}: {option.opts[0]} is given {len(given)} times", fix="remove one"
            )


def examples(*lines: str) -> str:
    """The end of a command's help: command lines to copy, which are never wrapped."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def print_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        typer.echo(f"xlm {version('xlm-pipeline')}")
        raise typer.Exit


def usage_line(error: typer.TyperException) -> str:
    """One line about an invalid command line: what is wrong, and how to get help."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "xlm"
    see = f"see `{command} --help`"
    option = getattr(error, "option_name", None)
    if option is not None and context is not None:
        known = [name for one in context.command.get_params(context) for name in one.opts]
        if option not in known:
            near = did_you_mean(option, known)
            fix = near if near.startswith("did you mean") else see
            return f"{command}: unknown option {_shortened(option)!r}; {fix}"
    if option is not None:
        return f"{command}: option {option} needs a value; {see}"
    if isinstance(error, typer.BadParameter):
        if error.param is None:
            return f"{command}: {error.message}"
        kind = error.param.param_type_name
        name = error.param.opts[0] if kind == "option" else str(error.param.name).upper()
        return f"{command}: {error.message or f'{kind} {name} is missing'}; {see}"
    what = error.format_message().rstrip(".")
    if found := re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", what):
        return f"{command}: unexpected argument {_shortened(found[1])}; {see}"
    return f"{command}: {_shortened(what[:1].lower() + what[1:])}; {see}"


def print_usage_error(error: typer.TyperException) -> None:
    """Print one line about the error on stderr, or the help if no command was given."""
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error.format_message()}\n")
        return
    sys.stderr.write(f"{' '.join(usage_line(error).split())}\n")


def _shortened(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
