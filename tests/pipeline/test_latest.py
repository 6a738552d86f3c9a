"""`latest` is looked up once, for all languages, and stays until the user asks again."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xlm.config.data.downloads import spec_of
from xlm.errors import ConfigError, ServerError, SourceError, StoreError
from xlm.pipeline.latest import dated
from xlm.pipeline.request import RunRequest

WIKIS = ("enwiki", "swwiki")


class Dumps:
    """A mirror whose dumps are finished, or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, date: str, *wikis: str, state: str = "done") -> None:
        for wiki in wikis:
            name = f"{wiki}-{date}-pages-articles-multistream.xml.bz2"
            files = {name: {"size": 1, "sha1": "0" * 40}} if state == "done" else {}
            jobs = {"articlesmultistreamdump": {"status": state, "files": files}}
            status = self.folder / "dumps.wikimedia.org" / wiki / date / "dumpstatus.json"
            status.parent.mkdir(parents=True, exist_ok=True)
            status.write_text(json.dumps({"jobs": jobs}))

    def request(self, *overrides: str) -> RunRequest:
        mirror, date = f"sources.mirror={self.folder}", "sources.wikipedia.date=latest"
        given = (mirror, date, *overrides)
        return RunRequest(profile="mini15", overrides=given, languages=("en", "sw"))


@pytest.fixture
def dumps(tmp_path: Path) -> Dumps:
    made = Dumps(tmp_path / "mirror")
    made.add("20261001", *WIKIS)
    made.add("20261101", *WIKIS)
    return made


def _date(request: RunRequest) -> str:
    wikipedia = request.resolve().sources.wikipedia
    assert wikipedia is not None
    return wikipedia.date


def _record(root: Path) -> Path:
    return root / "pins" / "dumps.wikimedia.org" / "latest-mirror.json"


@pytest.mark.parametrize("state", ["in-progress", "waiting", "done"])
def test_all_languages_get_the_newest_date_at_which_all_dumps_are_finished(
    dumps: Dumps, tmp_path: Path, state: str
) -> None:
    dumps.add("20261120", "enwiki")
    dumps.add("20261120", "swwiki", state=state)
    expected = "20261120" if state == "done" else "20261101"
    request = dated(dumps.request(), tmp_path / "root")
    assert _date(request) == expected
    sources = request.resolve().sources
    for unit in ("wikipedia.en", "wikipedia.sw"):
        assert f"/{expected}/" in spec_of(sources, unit).url  # type: ignore[union-attr]
    recorded = json.loads(_record(tmp_path / "root").read_bytes())
    assert (recorded["date"], recorded["wikis"]) == (expected, list(WIKIS))


def test_a_newer_dump_changes_nothing_until_the_record_is_deleted(
    dumps: Dumps, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "root"
    assert _date(dated(dumps.request(), root)) == "20261101"
    dumps.add("20261120", *WIKIS)
    caplog.clear()
    for record in (True, False):
        assert _date(dated(dumps.request(), root, record=record)) == "20261101"
    assert f"to look for a newer dump, delete {_record(root)}" in caplog.text
    _record(root).unlink()
    assert _date(dated(dumps.request(), root)) == "20261120"


def test_without_a_server_the_record_is_enough(dumps: Dumps, tmp_path: Path) -> None:
    root = tmp_path / "root"
    dated(dumps.request(), root)
    (dumps.folder / "dumps.wikimedia.org").rename(tmp_path / "gone")
    assert _date(dated(dumps.request(), root)) == "20261101"


def test_runs_that_start_together_get_one_date(dumps: Dumps, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: _date(dated(dumps.request(), tmp_path / "r")), range(4)))
    assert found == {"20261101"}


def test_a_request_with_a_date_is_unchanged(dumps: Dumps, tmp_path: Path) -> None:
    request = dumps.request("sources.wikipedia.date=20261001")
    assert dated(request, tmp_path / "root") is request
    twice = dated(dated(dumps.request(), tmp_path / "root"), tmp_path / "root")
    assert twice.overrides.count('sources.wikipedia.date="20261101"') == 1
    assert not _record(tmp_path / "other").exists()


def test_without_a_network_and_a_record_one_line_says_what_to_set(
    dumps: Dumps, tmp_path: Path
) -> None:
    request = dumps.request(
        "sources.mirror=http://127.0.0.1:9", "sources.network.first_wait_seconds=0"
    )
    with pytest.raises(ServerError, match="the newest dump date cannot be looked up") as caught:
        dated(request, tmp_path / "root", record=False)
    assert caught.value.fix == "set sources.wikipedia.date=YYYYMMDD, or run again with a network"
    assert "\n" not in str(caught.value)


def test_no_common_date_is_one_line(tmp_path: Path) -> None:
    dumps = Dumps(tmp_path / "mirror")
    dumps.add("20261101", "enwiki")
    dumps.add("20261001", "swwiki")
    with pytest.raises(SourceError, match="no date has finished dumps of enwiki, swwiki") as caught:
        dated(dumps.request(), tmp_path / "root")
    assert "(20261101: swwiki is not on the server)" in caught.value.what
    assert not _record(tmp_path / "root").exists()


@pytest.mark.parametrize("content", ["", "[]", '{"date": "latest"}', "\x00"])
def test_a_damaged_record_is_one_line(dumps: Dumps, tmp_path: Path, content: str) -> None:
    record = _record(tmp_path / "root")
    record.parent.mkdir(parents=True)
    record.write_text(content)
    with pytest.raises(StoreError, match="delete it to look up the newest dump") as caught:
        dated(dumps.request(), tmp_path / "root")
    assert "\n" not in str(caught.value)


def test_an_unknown_latest_never_becomes_a_url(dumps: Dumps) -> None:
    with pytest.raises(ConfigError, match="the date is not known here"):
        spec_of(dumps.request().resolve().sources, "wikipedia.sw")
    with pytest.raises(ConfigError, match="the sample world has no other date"):
        RunRequest(overrides=("sources.wikipedia.date=latest",)).resolve()
    with pytest.raises(ConfigError, match="20261101, or latest"):
        RunRequest(overrides=("sources.wikipedia.date=newest",)).resolve()


@pytest.mark.slow
def test_a_plan_looks_it_up_and_records_nothing(dumps: Dumps, tmp_path: Path) -> None:
    request = dumps.request().building("download")
    words = [one for override in request.overrides for one in ("--set", override)]
    command = [sys.executable, "-m", "flows.commands.main", "plan", "--profile", "mini15"]
    command += [
        "--languages",
        "en,sw",
        *words,
        "--until",
        "download",
        "--root",
        str(tmp_path / "root"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "/swwiki/20261101/" in done.stdout
    assert not (tmp_path / "root" / "pins").exists()
