"""The lines of a job's pods, each once, whatever happens to watches and connections."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.kubernetes import statuses
from tests.cluster.kubernetes.conftest import NAME, MakeScheduler, cluster_job
from tests.cluster.kubernetes.fake_api.faults import Drop, Fault, Refuse, Text
from tests.cluster.kubernetes.fake_api.server import FakeApi
from xlm.cluster.kubernetes.access import connect
from xlm.cluster.kubernetes.api import PODS, ClusterApi
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ClusterError

pytestmark = pytest.mark.slow


class _Reading:
    """Reads the lines of a job in another thread."""

    def __init__(self, scheduler: KubernetesScheduler) -> None:
        self.lines: list[str] = []
        self.error: Exception | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(scheduler.logs(NAME),))
        self._thread.start()

    def _read(self, lines: Iterator[str]) -> None:
        try:
            for line in lines:
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()
        except ClusterError as error:
            self.error = error

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.lines) >= count, 30), self.lines

    def end(self) -> list[str]:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.lines


@pytest.fixture(autouse=True)
def _short_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlm.cluster.kubernetes.follow._CHECK_SECONDS", 0.2)
    monkeypatch.setattr("xlm.cluster.kubernetes.follow._PAUSE_SECONDS", 0.05)


def _write(fake: FakeApi, pod: str, text: str) -> None:
    with fake.objects.changed:
        fake.logs[pod] = fake.logs.get(pod, b"") + text.encode()
        fake.objects.changed.notify_all()


def test_pods_that_start_later_are_followed_too(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    child = statuses.add_child_job(fake)
    first = statuses.add_pod(fake, child, suffix="a")
    reading = _Reading(scheduler_for(fake))
    statuses.run_pod(fake, first)
    _write(fake, first, "attempt 1\nün")
    reading.wait_for(1)
    _write(fake, first, "ï\n")
    reading.wait_for(2)
    statuses.fail_pod(fake, first, 75)
    second = statuses.add_pod(fake, child, suffix="b")
    statuses.run_pod(fake, second)
    _write(fake, second, "attempt 2\n")
    reading.wait_for(3)
    statuses.set_pod(fake, second, "Succeeded", terminated={"exitCode": 0})
    statuses.complete_attempt(fake, child)
    assert reading.end() == [
        f"{first}: attempt 1",
        f"{first}: ünï",
        f"{second}: attempt 2",
    ]


@pytest.mark.parametrize(
    "fault",
    ["closed", "gone", Drop(), Refuse(429, headers={"Retry-After": "1"}), Refuse(503)],
    ids=repr,
)
def test_a_watch_that_ends_goes_on(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path, fault: str | Fault
) -> None:
    if fault == "closed":
        plain_fake.watch_seconds = 0.05
    scheduler_for(plain_fake).submit(cluster_job(root))
    job = statuses.attempt(plain_fake)
    first = statuses.add_pod(plain_fake, job, suffix="a")
    statuses.run_pod(plain_fake, first)
    _write(plain_fake, first, "one\n")
    reading = _Reading(scheduler_for(plain_fake))
    reading.wait_for(1)
    statuses.fail_pod(plain_fake, first, 75)
    if fault == "gone":
        plain_fake.expire_watches()
    elif not isinstance(fault, str):
        plain_fake.faults.add("GET pods", fault, fault)
    second = statuses.add_pod(plain_fake, job, suffix="b")
    statuses.run_pod(plain_fake, second)
    _write(plain_fake, second, "two\n")
    reading.wait_for(2)
    statuses.set_pod(plain_fake, second, "Succeeded", terminated={"exitCode": 0})
    statuses.complete_attempt(plain_fake, job)
    assert reading.end() == [f"{first}: one", f"{second}: two"]
    assert plain_fake.expired == (fault == "gone")
    assert plain_fake.faults.left == 0


def test_lines_are_not_repeated_after_a_broken_connection(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler_for(plain_fake).submit(cluster_job(root))
    job = statuses.attempt(plain_fake)
    pod = statuses.add_pod(plain_fake, job)
    statuses.run_pod(plain_fake, pod)
    plain_fake.break_logs_after = 2
    _write(plain_fake, pod, "".join(f"line {number}\n" for number in range(5)))
    reading = _Reading(scheduler_for(plain_fake))
    reading.wait_for(5)
    statuses.set_pod(plain_fake, pod, "Succeeded", terminated={"exitCode": 0})
    statuses.complete_attempt(plain_fake, job)
    assert reading.end() == [f"{pod}: line {number}" for number in range(5)]
    assert plain_fake.broken_logs == {pod}


def test_a_job_without_pods_can_end(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler_for(plain_fake).submit(cluster_job(root))
    reading = _Reading(scheduler_for(plain_fake))
    scheduler_for(plain_fake).cancel(NAME)
    assert reading.end() == []


def test_a_refusal_ends_the_command(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    assert plain_fake.rules is not None
    plain_fake.rules = [rule for rule in plain_fake.rules if rule["resources"] != ["pods/log"]]
    scheduler_for(plain_fake).submit(cluster_job(root))
    job = statuses.attempt(plain_fake)
    statuses.run_pod(plain_fake, statuses.add_pod(plain_fake, job))
    reading = _Reading(scheduler_for(plain_fake))
    reading.end()
    assert "can-i get pods/log" in str(reading.error)


def test_a_job_that_does_not_exist_is_reported(
    plain_fake: FakeApi, scheduler_for: MakeScheduler
) -> None:
    with pytest.raises(ClusterError, match=r"there is no job .* in namespace xlm; kubectl get"):
        scheduler_for(plain_fake).logs(NAME)


def test_an_answer_to_a_watch_that_is_not_json_ends_it(plain_fake: FakeApi, tmp_path: Path) -> None:
    settings = KubernetesConfig(kubeconfig=str(plain_fake.kubeconfig(tmp_path / "config")))
    plain_fake.faults.add("GET pods", Text("<html>log in</html>"))
    assert list(ClusterApi(connect(settings)).watch(PODS, "", "1")) == []
