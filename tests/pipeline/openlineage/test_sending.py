"""Events over HTTP: a real server, one that refuses, one that hangs, and one that is gone."""

import json
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.pipeline.openlineage.conftest import ReportingToy
from tests.pipeline.openlineage.endpoint import Endpoint
from tests.pipeline.openlineage.schemas import require_valid
from tests.waiting import wait_until
from xlm.pipeline.openlineage.quiet import SENDING_THREAD
from xlm.pipeline.openlineage.sending import Sender
from xlm.pipeline.run_record import read_record

SetVariable = Callable[[str, str], None]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """All warnings, whoever logged them."""
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def require_built(toy: ReportingToy) -> None:
    """The run has all of its nodes."""
    assert read_record(toy.records[-1])["state"] == "finished"


@pytest.mark.parametrize("overrides", [(), ("lineage.openlineage=http",)])
def test_an_endpoint_of_the_environment_gets_all_events(
    toy: ReportingToy,
    endpoint: Endpoint,
    plain_environment: SetVariable,
    overrides: tuple[str, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain_environment("OPENLINEAGE_URL", endpoint.url)
    plain_environment("OPENLINEAGE_API_KEY", "hunter2")
    plain_environment("OPENLINEAGE_NAMESPACE", "lab")
    toy.run(*overrides)
    for event in endpoint.events:
        assert event.pop("path") == "/api/v1/lineage"
        require_valid(event)
        assert event["job"]["namespace"] == "lab"
    assert [one["eventType"] for one in endpoint.events].count("COMPLETE") == 5
    assert set(endpoint.tokens) == {"Bearer hunter2"}
    assert "hunter2" not in json.dumps(endpoint.events)
    assert warnings(caplog) == []


def test_off_wins_over_the_environment(
    toy: ReportingToy, endpoint: Endpoint, plain_environment: SetVariable
) -> None:
    plain_environment("OPENLINEAGE_URL", endpoint.url)
    toy.run("lineage.openlineage=off")
    assert endpoint.events == []


def test_an_endpoint_that_refuses_is_one_warning(
    toy: ReportingToy, plain_environment: SetVariable, caplog: pytest.LogCaptureFixture
) -> None:
    with Endpoint(status=403) as endpoint:
        plain_environment("OPENLINEAGE_URL", endpoint.url)
        toy.run()
    require_built(toy)
    (warning,) = warnings(caplog)
    assert "403" in warning
    assert warning.endswith("; the run goes on")


def test_an_endpoint_that_is_gone_is_one_warning(
    toy: ReportingToy, plain_environment: SetVariable, caplog: pytest.LogCaptureFixture
) -> None:
    """The client tries each event several times, and urllib3 logs each attempt."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    plain_environment("OPENLINEAGE_URL", f"http://me:hunter2@127.0.0.1:{port}")
    toy.run()
    require_built(toy)
    (warning,) = warnings(caplog)
    assert "hunter2" not in warning


class Hanging:
    """A client that is not answered until the endpoint is let go."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def emit(self, event: object) -> None:
        self._endpoint.hangs_until.wait(60)

    def close(self, timeout: float) -> bool:
        """Nothing is left."""
        return True


def test_an_endpoint_that_hangs_does_not_keep_a_run(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.hangs_until.clear()
    with Sender(Hanging(endpoint), end_seconds=0.1) as sender:
        for number in range(20_000):  # more than may wait
            sender.send(number)
    endpoint.hangs_until.set()
    (warning,) = warnings(caplog)
    assert "too slow" in warning


def test_events_that_are_left_at_the_end_are_counted(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.hangs_until.clear()
    with Sender(Hanging(endpoint), end_seconds=0.1) as sender:
        sender.send("one")
        sender.send("two")
    endpoint.hangs_until.set()
    (warning,) = warnings(caplog)
    assert "2 were not sent when the run ended" in warning


def test_a_client_with_threads_is_closed_when_all_is_sent(
    toy: ReportingToy, plain_environment: SetVariable, caplog: pytest.LogCaptureFixture
) -> None:
    """Its threads would end with the process, and the last events with them."""
    is_recorded = threading.Event()
    with Endpoint(on_event=lambda event: is_recorded.wait(5) and None) as endpoint:
        plain_environment("OPENLINEAGE__TRANSPORT__TYPE", "async_http")
        plain_environment("OPENLINEAGE__TRANSPORT__URL", endpoint.url)
        toy.run(on_record=is_recorded.set)
        events = list(endpoint.events)
    assert Counter(one["eventType"] for one in events) == {"START": 5, "COMPLETE": 5}
    assert warnings(caplog) == []


class Unclosed(Hanging):
    """A client that takes events at once and cannot send them."""

    def emit(self, event: object) -> None:
        """Take it."""

    def close(self, timeout: float) -> bool:
        """Wait as long as it may."""
        self._endpoint.hangs_until.wait(timeout)
        return False


def test_events_that_a_client_could_not_send_are_a_warning(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.hangs_until.clear()
    with Sender(Unclosed(endpoint), end_seconds=0.5) as sender:
        sender.send("one")
    (warning,) = warnings(caplog)
    assert "some were not sent when the run ended" in warning


def test_the_log_level_of_the_client_is_restored(endpoint: Endpoint) -> None:
    """Also if two runs overlap, and if the endpoint answers after the end of the run."""
    # Senders that an earlier test gave up keep the level until their request ends.
    wait_until(
        lambda: SENDING_THREAD not in {one.name for one in threading.enumerate()}, "a sender"
    )
    logger = logging.getLogger("openlineage")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        endpoint.hangs_until.clear()
        with Sender(Hanging(endpoint), end_seconds=0.1) as outer:
            outer.send("one")
            with Sender(Hanging(endpoint), end_seconds=0.1) as inner:
                for number in range(20_000):
                    inner.send(number)
                assert logger.level == logging.CRITICAL
        assert logger.level == logging.CRITICAL  # they still send
        endpoint.hangs_until.set()
        deadline = time.monotonic() + 60
        while logger.level != logging.INFO and time.monotonic() < deadline:
            time.sleep(0.01)
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(before)


def test_an_unusable_url_of_the_environment_is_one_warning(
    toy: ReportingToy, plain_environment: SetVariable, caplog: pytest.LogCaptureFixture
) -> None:
    plain_environment("OPENLINEAGE_URL", "not a url")
    toy.run()
    require_built(toy)
    (warning,) = warnings(caplog)
    assert warning.startswith("no OpenLineage events are sent")
