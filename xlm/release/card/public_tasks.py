"""What a card says about the public classification tasks.

PUBLIC_TASKS["pawsx"].dataset  # google-research-datasets/paws-x
"""

from dataclasses import dataclass

from xlm.config.data.sources import PAWSX_ID, XNLI_ID
from xlm.config.data.tasks import PawsxTask, XnliTask


@dataclass(frozen=True)
class PublicTask:
    """A task with a public data set."""

    title: str
    """Name of the data set for people."""
    dataset: str
    """Name of the data set on Hugging Face."""
    name: str
    """Name of the task: natural language inference."""
    question: str
    """What a label answers."""
    tag: str

    @property
    def tags(self) -> tuple[str, str]:
        """The tags of a card: of the data set, and of the task."""
        return self.tag, self.name.replace(" ", "-")


PUBLIC_TASKS = {
    XNLI_ID: PublicTask(
        title=XnliTask.title,
        dataset="facebook/xnli",
        name="natural language inference",
        question="does the premise entail the hypothesis, contradict it, or neither?",
        tag="xnli",
    ),
    PAWSX_ID: PublicTask(
        title=PawsxTask.title,
        dataset="google-research-datasets/paws-x",
        name="paraphrase identification",
        question="do two sentences with the same words mean the same?",
        tag="paws-x",
    ),
}
"""Value of `classify.task`, which is also the id of the data set's source, to the task."""
