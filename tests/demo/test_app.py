"""The requests of the page, and those that are refused."""

import asyncio
import re
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.text.filter_process import start
from tests.inference.small_models import LANGUAGES, TEXTS
from xlm.demo.app import PAGE, make_app
from xlm.demo.corpus import Corpus, Sentence
from xlm.demo.serve import open_listener
from xlm.errors import ConfigError
from xlm.inference.model import Model

HERE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def corpus(model: Model) -> Corpus:
    sentences = [Sentence(code, text) for code, texts in TEXTS.items() for text in texts]
    return Corpus.embedded(model, sentences, lambda _: None)


def send(app: Any, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
    """The answer to one request."""

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            return await client.request(method, path, json=body, headers=headers)

    return asyncio.run(request())


@pytest.mark.parametrize("language", ["th", "ar", "zh", "en"])
def test_the_page_gets_what_the_model_says(model: Model, corpus: Corpus, language: str) -> None:
    app = make_app(model, corpus)
    premise, hypothesis = TEXTS[language]
    pair = {"premise": premise, "hypothesis": hypothesis, "language": language}
    found = send(app, "POST", "/api/predict", pair).json()
    expected = model.predict(premise, hypothesis, language=language)
    assert found["label"] == expected.label
    assert found["probabilities"] == pytest.approx(expected.probabilities)
    text = f"{premise} <mask>"
    (masks,) = send(app, "POST", "/api/fill-mask", {"text": text, "language": language}).json()
    (candidates,) = model.fill_mask(text, language=language)
    assert [one["token"] for one in masks] == [one.token for one in candidates]
    query = {"text": premise, "language": language, "within": language, "count": 1}
    (nearest,) = send(app, "POST", "/api/nearest", query).json()
    assert (nearest["text"], nearest["language"]) == (premise, language)
    assert nearest["similarity"] == pytest.approx(1, abs=1e-3)


def test_languages_have_their_names_and_directions(model: Model, corpus: Corpus) -> None:
    found = send(make_app(model, corpus), "GET", "/api/model").json()
    directions = {one["code"]: one["direction"] for one in found["languages"]}
    assert tuple(directions) == LANGUAGES
    assert {code for code, direction in directions.items() if direction == "rtl"} == {"ar", "ur"}
    assert found["labels"] == ["contradiction", "neutral", "entailment"]
    assert found["sentences"] == 2
    assert found["examples"]["th"] == list(TEXTS["th"])


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("fill-mask", {"text": "No mask", "language": "en"}, 400, "text 1 has no <mask>"),
        ("fill-mask", {"text": "<mask>", "language": "pt"}, 400, "the model has no language 'pt'"),
        ("nearest", {"text": " ", "language": "en"}, 400, "text 1 has no tokens"),
        ("predict", {"premise": "A", "language": "en"}, 400, "pass hypotheses too"),
        ("predict", {"premise": "A" * 9_999, "language": "en"}, 422, "at most 4000 characters"),
    ],
)
def test_bad_input_is_explained(
    model: Model, corpus: Corpus, path: str, body: object, status: int, message: str
) -> None:
    answer = send(make_app(model, corpus), "POST", f"/api/{path}", body)
    assert answer.status_code == status
    assert message in answer.json()["message"]


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
@pytest.mark.parametrize("path", ["/", "/page.js", "/api/model"])
def test_requests_of_other_sites_are_refused(
    model: Model, corpus: Corpus, path: str, headers: dict[str, str]
) -> None:
    app = make_app(model, corpus)
    assert send(app, "GET", path).status_code == 200
    assert send(app, "GET", path, **headers).status_code == 403


def test_a_server_for_other_machines_has_any_name_but_only_its_pages(
    model: Model, corpus: Corpus
) -> None:
    app = make_app(model, corpus, any_host=True)
    own = {"Host": "lab.example:8000", "Origin": "http://lab.example:8000"}
    assert send(app, "GET", "/api/model", **own).status_code == 200
    other = {**own, "Origin": "http://evil.example:8000"}
    assert send(app, "GET", "/api/model", **other).status_code == 403


def test_the_page_loads_nothing_from_elsewhere(model: Model, corpus: Corpus) -> None:
    answer = send(make_app(model, corpus), "GET", "/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for file in PAGE.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"https?://|innerHTML|style=|\bon\w+=", text), file.name


def test_an_address_in_use_is_refused() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1 port {port} cannot be used: Address"):
            open_listener("127.0.0.1", port)
    with pytest.raises(ConfigError, match=r"203\.0\.113\.7 port 0 cannot be used: Cannot assign"):
        open_listener("203.0.113.7", 0)
    with pytest.raises(ConfigError, match="--host is empty"):  # would be all addresses
        open_listener("", 0)


@pytest.mark.slow
def test_the_command_serves_until_it_is_interrupted(release: Path) -> None:
    process = start("demo", str(release), "--port", "0")
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        line = process.stdout.readline().decode()
        (url,) = re.findall(r"^xlm demo: (http://127\.0\.0\.1:\d+) \(Ctrl-C stops it\)$", line)
        assert "<title>xlm demo</title>" in httpx.get(url).text
        found = httpx.get(f"{url}/api/model").json()
        assert found["corpus"]["sentences"] == 40 * len(LANGUAGES)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 0
