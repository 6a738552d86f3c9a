"""Opens the target that `xlm publish --to` names, one for each model.

    targets_of = open_target("hf://org/xlm-sw")
    for folder, target in targets_of(publication): ...

| `--to`            | classifier            | masked language model                              |
| `FOLDER`          | `FOLDER/classifier`   | `FOLDER/masked-lm`                                 |
| `s3://BUCKET/DIR` | `DIR/classifier/`     | `DIR/masked-lm/`                                   |
| `hf://ORG/NAME`   | repository `ORG/NAME` | `ORG/NAME-masked-lm`; `NAME` without a classifier  |

Revisions go to `revisions/step-N` in a folder or an object store, and on the Hub to the branch
`step-N` of the masked language model.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from xlm.config.training.release import MASKED_LM_FOLDER
from xlm.errors import ConfigError
from xlm.redaction import redact
from xlm.release.targets.folder import FolderTarget
from xlm.release.targets.hub import MAIN, HubTarget
from xlm.release.targets.object_store import ObjectStoreTarget, as_publish_errors
from xlm.release.targets.publication import ModelFolder, Publication
from xlm.release.targets.target import Target
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.remote.url import require_remote_url

HUB_SCHEME = "hf://"
_HUB_NAME = re.compile(r"[^/@:\s?#]+/[^/@:\s?#]+", re.ASCII)
_MISTYPED_HUB = re.compile(r"(hf|hub|huggingface):(?!//)|(hub|huggingface)://", re.IGNORECASE)
_HUB_PAGE = re.compile(r"https?://(www\.)?(huggingface\.co|hf\.co)\b", re.IGNORECASE)
_FILE = "file:///"
_MISTYPED_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?!//)")
_FIX = (
    "name a folder, s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, az://CONTAINER/FOLDER, or "
    "hf://ORG/NAME for the Hub"
)
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


TargetsOf = Callable[[Publication], Sequence[tuple[ModelFolder, Target]]]
"""Pairs each model, and each revision, with its target."""


def open_target(
    to: str, *, public: bool = False, branch: str | None = None, insecure: bool = False
) -> TargetsOf:
    """Check a target before any file is read, and return what opens it; nothing is sent yet.

    Args:
        to: a path, a URL or `hf://ORG/NAME`.
        public: whether repositories of the Hub that are created are public.
        branch: the branch of the Hub's repositories; not of revisions, which have their own.
        insecure: whether the server of an object store may be named by http://.

    Raises:
        ConfigError: the target is not valid, or a package is not installed.
        PublishError: the folder of a file:// URL or a setting of the object store is missing.
    """
    if redact(to) != to:
        raise ConfigError(
            "--to contains a secret", fix="remove it: credentials belong in the environment"
        )
    if to.startswith(HUB_SCHEME):
        repository = _repository(to, branch)
        return lambda publication: _on_the_hub(repository, publication, public, branch)
    if _MISTYPED_HUB.match(to) or _HUB_PAGE.match(to):
        raise ConfigError(
            "--to: the Hub is written otherwise", fix="write hf://ORG/NAME for the Hugging Face Hub"
        )
    if public or branch is not None:
        raise ConfigError(
            "--public and --branch are for the Hugging Face Hub only", fix="drop them"
        )
    if not to.strip():
        raise ConfigError("--to is blank", fix=_FIX)
    if mistyped := _MISTYPED_URL.match(to):
        raise ConfigError(
            f"--to: {to[:120]!r} is not a URL: {mistyped[0]} is not followed by //",
            fix=f"{_FIX}; a folder of that name is ./{to[:120]}",
        )
    if (home := local_folder(to)) is not None:
        if "\0" in str(home):
            raise ConfigError("--to contains a zero byte (%00)", fix=_FIX)
        return lambda publication: [
            (folder, FolderTarget(home / folder.name)) for folder in _all(publication)
        ]
    with as_publish_errors():
        store = RemoteStore.open(require_remote_url(to), insecure=insecure)
    return lambda publication: [
        (folder, ObjectStoreTarget(store, folder.name)) for folder in _all(publication)
    ]


def local_folder(to: str) -> Path | None:
    """The folder that a target names; None for a URL of a server and for the Hub."""
    if to.lower().startswith(_FILE):
        return Path("/" + unquote(to[len(_FILE) :]))
    return None if "://" in to else Path(to)


def _all(publication: Publication) -> Sequence[ModelFolder]:
    return (*publication.folders, *publication.revisions)


def _repository(to: str, branch: str | None) -> str:
    """The name of the repository, `ORG/NAME`, after a check of it and of the branch."""
    name = to.removeprefix(HUB_SCHEME).rstrip("/")
    if not _HUB_NAME.fullmatch(name):
        # It is not repeated: it may contain a token.
        raise ConfigError(
            "--to: the name of a repository of the Hub is not ORG/NAME",
            fix="write hf://ORG/NAME; the token belongs in HF_TOKEN, a branch in --branch",
        )
    if branch is not None and not (_BRANCH.fullmatch(branch) and ".." not in branch):
        raise ConfigError(
            f"invalid --branch {branch[:100]!r}", fix="use letters, digits, . _ and -"
        )
    HubTarget(name)  # refuses a name that the Hub does not allow
    return name


def _on_the_hub(
    repository: str, publication: Publication, public: bool, branch: str | None
) -> list[tuple[ModelFolder, Target]]:
    masked_lm = f"{repository}-{MASKED_LM_FOLDER}" if publication.has_classifier else repository
    targets: list[tuple[ModelFolder, Target]] = []
    for folder in publication.folders:
        full = masked_lm if folder.name == MASKED_LM_FOLDER else repository
        targets.append((folder, HubTarget(full, public=public, branch=branch or MAIN)))
    for folder in publication.revisions:
        own = folder.name.rpartition("/")[2]
        targets.append((folder, HubTarget(masked_lm, public=public, branch=own, from_start=True)))
    return targets
