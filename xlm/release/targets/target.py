"""Opens the target of `xlm publish --to`: one place for each model.

    for folder, place in open_places("hf://org/xlm-sw", publication): ...

| target            | classifier            | masked language model                              |
| `FOLDER`          | `FOLDER/classifier`   | `FOLDER/masked-lm`                                 |
| `s3://BUCKET/DIR` | `DIR/classifier/`     | `DIR/masked-lm/`                                   |
| `hf://ORG/NAME`   | repository `ORG/NAME` | `ORG/NAME-masked-lm`; `NAME` without a classifier  |

Revisions go to `revisions/step-N` in a folder or an object store, and on the Hub to the branch
`step-N` of the masked language model.
"""

import re
from pathlib import Path

from xlm.config.training.release import MASKED_LM_FOLDER
from xlm.errors import ConfigError
from xlm.redaction import redact
from xlm.release.targets.folder import FolderPlace
from xlm.release.targets.hub import MAIN, HubPlace
from xlm.release.targets.object_store import ObjectStorePlace, as_publish_errors
from xlm.release.targets.place import Place
from xlm.release.targets.publication import ModelFolder, Publication
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.remote.url import require_remote_url

HUB_SCHEME = "hf://"
_HUB_NAME = re.compile(r"[^/@:\s?#]+/[^/@:\s?#]+", re.ASCII)
_MISTYPED_HUB = re.compile(r"(hf|hub|huggingface):(?!//)|(hub|huggingface)://", re.IGNORECASE)
_HUB_PAGE = re.compile(r"https?://(www\.)?(huggingface\.co|hf\.co)\b", re.IGNORECASE)
_FIX = "name a folder, s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, or hf://ORG/NAME for the Hub"
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


def open_places(
    target: str,
    publication: Publication,
    *,
    public: bool = False,
    branch: str | None = None,
    insecure: bool = False,
) -> list[tuple[ModelFolder, Place]]:
    """Return where each model goes; nothing is sent yet.

    Args:
        target: a path, a URL or `hf://ORG/NAME`.
        publication: the models, and their revisions.
        public: whether repositories of the Hub that are created are public.
        branch: the branch of the Hub's repositories; not of revisions, which have their own.
        insecure: whether the server of an object store may be named by http://.

    Raises:
        ConfigError: the target is not valid, or a package is not installed.
    """
    if redact(target) != target:
        raise ConfigError(
            "--to contains a secret", fix="remove it: credentials belong in the environment"
        )
    if target.startswith(HUB_SCHEME):
        return _on_the_hub(target, publication, public, branch)
    if _MISTYPED_HUB.match(target) or _HUB_PAGE.match(target):
        raise ConfigError(
            "--to: the Hub is written otherwise", fix="write hf://ORG/NAME for the Hugging Face Hub"
        )
    if public or branch is not None:
        raise ConfigError(
            "--public and --branch are for the Hugging Face Hub only", fix="drop them"
        )
    if not target.strip() or "\0" in target:
        raise ConfigError("--to is blank", fix=_FIX)
    folders = (*publication.folders, *publication.revisions)
    if "://" in target and not target.startswith("file:///"):
        with as_publish_errors():
            store = RemoteStore.open(require_remote_url(target), insecure=insecure)
        return [(folder, ObjectStorePlace(store, folder.name)) for folder in folders]
    home = Path(target.removeprefix("file://"))
    return [(folder, FolderPlace(home / folder.name)) for folder in folders]


def local_folder(target: str) -> Path | None:
    """The folder that a target names; None for a URL of a server and for the Hub."""
    if target.startswith("file:///"):
        return Path(target.removeprefix("file://"))
    return None if "://" in target else Path(target)


def _on_the_hub(
    target: str, publication: Publication, public: bool, branch: str | None
) -> list[tuple[ModelFolder, Place]]:
    name = target.removeprefix(HUB_SCHEME).rstrip("/")
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
    masked_lm = f"{name}-{MASKED_LM_FOLDER}" if publication.has_classifier else name
    places: list[tuple[ModelFolder, Place]] = []
    for folder in publication.folders:
        full = masked_lm if folder.name == MASKED_LM_FOLDER else name
        places.append((folder, HubPlace(full, public=public, branch=branch or MAIN)))
    for folder in publication.revisions:
        own = folder.name.rpartition("/")[2]
        places.append((folder, HubPlace(masked_lm, public=public, branch=own, from_start=True)))
    return places
