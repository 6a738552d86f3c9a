"""The classification task of a profile."""

import pytest

from tests.repository import REPOSITORY
from xlm.config.data.tasks import FilesTask, PawsxTask, XnliTask, labels_of
from xlm.config.reading.resolve import resolve
from xlm.config.training.classification import FinetuneConfig
from xlm.errors import ConfigError
from xlm.stages.units import task_units, trained_languages

SMALL = str(REPOSITORY / "tests" / "flows" / "small.yaml")
FILES = "classify={task: files, text: a, train: {en: t.tsv}, dev: {en: d.csv.gz, fr: d.jsonl}}"


def test_the_default_is_xnli_if_english_is_there() -> None:
    assert resolve(SMALL).classify == XnliTask(task="xnli")
    assert resolve(SMALL, [], ["fr", "sw"]).classify is None
    assert resolve(SMALL, ["classify=null"]).classify is None


def test_units_follow_the_task() -> None:
    languages = ["de", "en", "sw"]
    assert task_units(resolve("mini15", [], languages)) == ("xnli.de", "xnli.en", "xnli.sw")
    pawsx = resolve("mini15", ["classify={task: pawsx, train: [de]}"], languages)
    assert task_units(pawsx) == ("sentence-pair.de", "sentence-pair.en")
    assert trained_languages(pawsx) == ("de",)
    files = resolve("mini15", [FILES], ["en", "fr", "sw"])
    assert task_units(files) == ("sentence.en", "sentence.fr")
    assert trained_languages(files) == ("en",)
    assert task_units(resolve("mini15", ["classify=null"])) == ()


def test_labels_of_the_tasks() -> None:
    assert labels_of(XnliTask(task="xnli"))[0] == "contradiction"
    assert labels_of(PawsxTask(task="pawsx")) == ("not_paraphrase", "paraphrase")
    task = resolve("mini15", [FILES]).classify
    assert isinstance(task, FilesTask)
    assert labels_of(task) == ()
    assert not task.is_paired


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("classify={task: xnli, train: [yo]}", "XNLI has no language 'yo'; it has ar bg"),
        ("classify={task: snli}", "classify must be a mapping with `task`: xnli, pawsx or files"),
        ("classify={task: files, train: {en: a.tsv}}", "classify.dev is missing"),
        (FILES.replace("text: a", "premise: a"), "classify has premise, but needs text, or"),
        (FILES.replace("t.tsv", "t.doc"), "the file of en has an unknown format: t.doc"),
        (FILES.replace("fr:", "yo:"), "classify.dev: yo is not a language of the profile"),
        (FILES.replace("dev: {en: d.csv.gz, ", "dev: {"), "classify.dev has no file in en"),
        (FILES.replace("text: a", "text: a, labels: [x]"), "classify.labels has one label, 'x'"),
    ],
)
def test_tasks_that_cannot_work_are_refused(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("mini15", [override])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_older_name_of_a_selection_is_accepted_and_stays_in_keys() -> None:
    assert FinetuneConfig.model_validate({"select_by": "english"}) == FinetuneConfig()
    assert FinetuneConfig().select_by == "training"
    assert FinetuneConfig().key_fields()["select_by"] == "english"
    assert FinetuneConfig(select_by="mean").key_fields()["select_by"] == "mean"


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ("text: label", "classify.text and classify.label"),
        ("premise: a, hypothesis: a", "classify.premise and classify.hypothesis"),
        ("premise: a, hypothesis: label", "classify.hypothesis and classify.label"),
    ],
)
def test_a_column_has_one_role(columns: str, named: str) -> None:
    task = f"classify={{task: files, {columns}, train: {{en: t.tsv}}, dev: {{en: d.tsv}}}}"
    with pytest.raises(ConfigError, match=f"{named} are the same column"):
        resolve("mini15", [task], ["en", "fr"])


def test_an_empty_mapping_is_not_called_a_list() -> None:
    task = "classify={task: files, text: a, train: {}, dev: {en: d.tsv}}"
    with pytest.raises(ConfigError, match=r"train must be a mapping of 1 or more, not \{\}"):
        resolve("mini15", [task], ["en", "fr"])
