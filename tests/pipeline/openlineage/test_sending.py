"""Events over HTTP: a real server, one that refuses, one that hangs, and one that is gone."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.pipeline.openlineage.conftest import Event, ReportingToy
from tests.pipeline.openlineage.schemas import require_valid
from xlm.pipeline.openlineage.sending import Sender
from xlm.pipeline.run_record import read_record

SetVariable = Callable[[str, str], None]


class Endpoint:
    """A server of OpenLineage's interface, which keeps what it gets."""

    def __init__(self, status: int = 201) -> None:
        self.events: list[Event] = []
        self.tokens: list[str] = []
        self.hangs_until = threading.Event()
        self.hangs_until.set()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.hangs_until.wait(60)
                endpoint.events.append({"path": self.path, **json.loads(body)})
                endpoint.tokens.append(self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Endpoint":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.hangs_until.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


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
    assert "not sent when the run ended" in warning


def test_an_unusable_url_of_the_environment_is_one_warning(
    toy: ReportingToy, plain_environment: SetVariable, caplog: pytest.LogCaptureFixture
) -> None:
    plain_environment("OPENLINEAGE_URL", "not a url")
    toy.run()
    require_built(toy)
    (warning,) = warnings(caplog)
    assert warning.startswith("no OpenLineage events are sent")
