"""A model repository of the Hugging Face Hub as a target; huggingface_hub is imported only here.

All files are added in one commit, so a repository never has a part of a model. The token is the
library's: HF_TOKEN, or the login of this machine. It never passes through our code, except to
remove it from messages.
"""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from xlm.errors import ConfigError, PublishError
from xlm.release.targets.hub_errors import translated, without_token
from xlm.release.targets.publication import LocalFile, ModelFolder
from xlm.release.targets.target import Comparison, OnBytes, State

log = logging.getLogger(__name__)

MAIN = "main"
_ADDED_BY_THE_HUB = frozenset((".gitattributes", ".gitignore"))


@dataclass(frozen=True)
class _Repository:
    """What the Hub has of a repository."""

    commit: str
    """The commit of the branch; if that does not exist, the one that it will start from."""
    has_branch: bool
    is_private: bool
    files: dict[str, Any]
    """Names, with sizes and digests."""


class HubTarget:
    """A branch of a model repository.

    Args:
        repository: `organization/model`.
        public: whether a repository that is created is visible to everybody.
        branch: the branch to commit to, which is created if it is missing.
        from_start: whether a new branch starts from the first commit of the repository, so that it
            has no file of `main`; otherwise it starts from `main`.

    Raises:
        ConfigError: huggingface_hub is not installed, or the name is not valid.
    """

    def __init__(
        self,
        repository: str,
        *,
        public: bool = False,
        branch: str = MAIN,
        from_start: bool = False,
    ) -> None:
        self._api = _open(repository)
        self._repository, self._public, self._branch = repository, public, branch
        self._from_start = from_start
        self.name = f"hf://{repository}" + ("" if branch == MAIN else f"@{branch}")

    def compare(self, folder: ModelFolder) -> Comparison:
        """Compare digests: sha256 of large files, those of git for the others."""
        found = self._find(self._branch)
        if found is None:
            return Comparison({file.name: "new" for file in folder.files}, (), self._note(found))
        states = {file.name: _state(file, found.files.get(file.name)) for file in folder.files}
        others = sorted(set(found.files) - set(states) - _ADDED_BY_THE_HUB)
        return Comparison(states, tuple(others), self._note(found), not found.has_branch)

    def write(
        self, folder: ModelFolder, comparison: Comparison, message: str, on_bytes: OnBytes
    ) -> str:
        """Create the repository and the branch if they are missing, and commit the files."""
        from huggingface_hub import CommitOperationAdd, get_token

        if get_token() is None:
            raise PublishError(
                f"{self.name} cannot be written without a token of the Hub",
                fix="run `hf auth login`, or set HF_TOKEN",
            )
        found = self._find(self._branch)
        if found is None:
            with self._reported("creating the repository"):
                self._api.create_repo(self._repository, private=not self._public, exist_ok=True)
        if self._branch != MAIN and (found is None or not found.has_branch):
            with self._reported(f"creating the branch {self._branch}"):
                self._api.create_branch(
                    self._repository,
                    branch=self._branch,
                    revision=found.commit if found else None,
                    exist_ok=True,
                )
        pending = comparison.pending(folder)
        if found is not None and not pending:
            self._require_complete(folder, found.commit)
            return f"{self.name} has all files of the commit that it starts from"
        with self._reported("uploading"), _notes(self.name):
            commit = self._api.create_commit(
                self._repository,
                [
                    CommitOperationAdd(path_in_repo=file.name, path_or_fileobj=file.path)
                    for file in pending
                ],
                commit_message=message,
                commit_description=f"{folder.name}, sha256 of its listing: {folder.digest}",
                revision=self._branch,
                # The commit fails if somebody else has committed since the comparison.
                parent_commit=found.commit if found else None,
            )
        on_bytes(sum(file.size_bytes for file in pending))
        self._require_complete(folder, commit.oid)
        return f"{len(pending)} files written to {commit.commit_url}"

    def _find(self, revision: str) -> _Repository | None:
        from huggingface_hub.errors import (
            GatedRepoError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        with self._reported("reading"):
            has_branch = True
            try:
                try:
                    info = self._api.model_info(
                        self._repository, revision=revision, files_metadata=True
                    )
                except RevisionNotFoundError:
                    has_branch = False
                    start = None
                    if self._from_start:
                        start = self._api.list_repo_commits(self._repository)[-1].commit_id
                    info = self._api.model_info(
                        self._repository, revision=start, files_metadata=True
                    )
            except GatedRepoError:
                raise
            except RepositoryNotFoundError:
                return None
        files = {one.rfilename: one for one in info.siblings or ()}
        return _Repository(info.sha, has_branch, bool(info.private), files)

    def _note(self, found: _Repository | None) -> str:
        from huggingface_hub import get_token

        if found is None:
            notes = ["new repository", "public" if self._public else "private"]
        else:
            notes = ["private" if found.is_private else "public"]
            if not found.has_branch:
                notes.append("new branch")
            if found.is_private and self._public:
                notes.append("stays private: its settings on the Hub change that")
        if get_token() is None:
            notes.append("no token: `hf auth login` or HF_TOKEN")
        return ", ".join(notes)

    def _require_complete(self, folder: ModelFolder, commit: str) -> None:
        found = self._find(commit)
        files = found.files if found else {}
        wrong = [file.name for file in folder.files if _state(file, files.get(file.name)) != "same"]
        if wrong:
            raise PublishError(
                f"{self.name} has other bytes in commit {commit[:12]} than were sent: "
                + ", ".join(wrong[:3]),
                fix="run the same command again",
            )

    @contextmanager
    def _reported(self, doing: str) -> Iterator[None]:
        try:
            yield
        except PublishError:
            raise
        except Exception as error:
            raise translated(error, self.name, doing) from None


def _open(repository: str) -> Any:
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import disable_progress_bars, validate_repo_id
    except ImportError:
        raise ConfigError(
            "the Hugging Face Hub needs the package huggingface_hub, which is not installed",
            fix="install xlm-pipeline[hub]",
        ) from None
    try:
        validate_repo_id(repository)
    except HFValidationError:
        raise ConfigError(
            f"--to: {repository[:120]!r} is not a valid name of a repository",
            fix="use letters, digits, single - . _ and at most 96 characters, as in hf://ORG/NAME",
        ) from None
    if not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(library_name="xlm-pipeline")


def _state(file: LocalFile, found: Any) -> State:
    if found is None:
        return "new"
    if found.lfs is not None:
        return "same" if found.lfs.sha256 == file.sha256 else "changed"
    return "same" if found.blob_id == file.git_digest() else "changed"


@contextmanager
def _notes(target: str) -> Iterator[None]:
    """Log what the Hub remarks about the card, which the library reports as Python warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for one in caught:
        if issubclass(one.category, UserWarning):
            log.warning("%s: %s", target, without_token(str(one.message)))
