"""What every target does: compare the files of a model with what is there, and write them.

    comparison = target.compare(folder)
    target.write(folder, comparison, "Publish run base", on_bytes=progress.add)

Nothing is deleted that has another name than a file of the model. In folders and object stores, a
model without `config.json` and `README.md` is incomplete: `transformers` does not load it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from xlm.errors import PublishError
from xlm.release.targets.publication import CARD_NAME, CONFIG_NAME, LocalFile, ModelFolder

State = Literal["new", "changed", "same"]
OnBytes = Callable[[int], None]
"""Called with the number of bytes that were written since the last call."""

WRITTEN_LAST = (CONFIG_NAME, CARD_NAME)


@dataclass(frozen=True)
class Comparison:
    """The files of a model, and what a target has of them."""

    states: Mapping[str, State]
    others: tuple[str, ...] = ()
    """Files of the target that the model does not have."""
    note: str = ""
    """What else is to be known about the target, e.g. that it will be created."""
    is_missing: bool = False
    """Whether the target must be created, e.g. a branch, although all files would be the same."""

    @property
    def is_complete(self) -> bool:
        """Whether the target has every file already."""
        return not self.is_missing and all(state == "same" for state in self.states.values())

    def pending(self, folder: ModelFolder) -> list[LocalFile]:
        """The files to write."""
        return [file for file in folder.files if self.states[file.name] != "same"]


class Target(Protocol):
    """Where one model is published."""

    @property
    def name(self) -> str:
        """The folder, URL or repository."""

    def compare(self, folder: ModelFolder) -> Comparison:
        """Compare the contents of the target with the files.

        Raises:
            PublishError: the target cannot be read.
        """

    def write(
        self, folder: ModelFolder, comparison: Comparison, message: str, on_bytes: OnBytes
    ) -> str:
        """Write the files that are not there, and check all of them; returns a sentence on it.

        Args:
            folder: the model.
            comparison: the result of `compare`.
            message: what is published, where a target keeps such a message.
            on_bytes: see `OnBytes`.

        Raises:
            PublishError: the target refused the files, or has other bytes afterwards.
        """


def write_in_order(
    folder: ModelFolder,
    comparison: Comparison,
    *,
    write: Callable[[LocalFile], None],
    remove: Callable[[str], None],
) -> None:
    """Write the files so that a reader never takes a mixture of two models for a model.

    `config.json` and `README.md` are removed before another file is replaced, and written last.
    """
    body = [file for file in comparison.pending(folder) if file.name not in WRITTEN_LAST]
    last = [file for file in folder.files if file.name in WRITTEN_LAST]
    if body:
        for file in last:
            if comparison.states[file.name] != "new":
                remove(file.name)
    else:
        last = [file for file in last if comparison.states[file.name] != "same"]
    for file in (*body, *sorted(last, key=lambda file: WRITTEN_LAST.index(file.name))):
        write(file)


def require_complete(target: Target, folder: ModelFolder) -> None:
    """Compare the target with the files again, after they were written.

    Raises:
        PublishError: a file is missing or has other bytes.
    """
    states = target.compare(folder).states
    wrong = [name for name, state in states.items() if state != "same"]
    if wrong:
        raise PublishError(
            f"{target.name} has other bytes than were written: {', '.join(wrong[:3])}",
            fix="run the same command again, and look for somebody else who writes there",
        )
