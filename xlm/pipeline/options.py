"""The options of a run, declared once.

The command line (`xlm run`, `xlm plan`, `xlm config`), the parameters of the flow, their help and
the command that repeats a run all follow from this table. The fields of `RunRequest` have the same
names. The module imports nothing heavy: `xlm --help` needs it.
"""

from dataclasses import dataclass
from typing import Literal

Launcher = Literal["local", "slurm", "kubernetes"]
Kind = Literal[
    "profile", "settings", "languages", "stage", "stages", "verify", "launcher", "name", "flag"
]
"""What the value is; `settings` and `stages` are options that can be repeated."""


@dataclass(frozen=True)
class RunOption:
    """One option of a run."""

    name: str
    """Field of `RunRequest` and parameter of the flow."""
    kind: Kind
    flags: tuple[str, ...]
    """Names on the command line, the long one first."""
    metavar: str
    help: str
    form_help: str = ""
    """Further help for the form in the UI, which takes lists and objects."""
    default: str | bool | None = None

    @property
    def repeated(self) -> bool:
        """Whether the option takes several values, each after its own flag."""
        return self.kind in ("settings", "stages")


RUN_OPTIONS = (
    RunOption(
        name="profile",
        kind="profile",
        flags=("--profile", "-p"),
        metavar="PROFILE",
        help="sample, mini15, xnli15, or a YAML file.",
        default="sample",
    ),
    RunOption(
        name="overrides",
        kind="settings",
        flags=("--set", "-s"),
        metavar="KEY=VALUE",
        help="Change one setting; `xlm config` lists them.",
        form_help='In this form: a list, ["bpe.codes=30000"], or an object, {"bpe.codes": 30000}.',
    ),
    RunOption(
        name="languages",
        kind="languages",
        flags=("--languages", "-l"),
        metavar="CODES",
        help="Keep only these languages: en,fr,sw.",
        form_help='In this form: a list, ["en", "fr", "sw"].',
    ),
    RunOption(
        name="first",
        kind="stage",
        flags=("--from",),
        metavar="STAGE",
        help="Build this stage and those after it, and only what they need.",
    ),
    RunOption(
        name="until",
        kind="stage",
        flags=("--until",),
        metavar="STAGE",
        help="Stop after this stage, e.g. pretrain.",
    ),
    RunOption(
        name="only",
        kind="stages",
        flags=("--only",),
        metavar="STAGE",
        help="Build only this stage; its inputs must exist.",
    ),
    RunOption(
        name="refresh",
        kind="stages",
        flags=("--refresh",),
        metavar="STAGE",
        help="Build this stage, or one unit of it such as 'tokenize[sw]', again even if it is in "
        "the store.",
        form_help="The new bytes are compared with the old ones; later stages run only if they "
        "differ.",
    ),
    RunOption(
        name="verify",
        kind="verify",
        flags=("--verify",),
        metavar="LEVEL",
        help="How to check stored artifacts: fast compares sizes, deep compares digests.",
        default="fast",
    ),
    RunOption(
        name="launcher",
        kind="launcher",
        flags=("--launcher",),
        metavar="KIND",
        help="Where to train and evaluate: local, slurm or kubernetes, as launcher.kind.",
    ),
    RunOption(
        name="name",
        kind="name",
        flags=("--name",),
        metavar="NAME",
        help="Name of the run, for `xlm runs` and `xlm compare`; `xlm store gc` keeps named runs.",
    ),
    RunOption(
        name="force",
        kind="flag",
        flags=("--force",),
        metavar="",
        help="Start even if the disk is too small for what the run is estimated to write.",
        default=False,
    ),
)
PLAN_OPTIONS = tuple(option.name for option in RUN_OPTIONS if option.kind not in ("name", "flag"))
"""The options that a plan takes too."""
