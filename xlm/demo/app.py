"""The web application of `xlm demo`: one page, and the requests that it makes.

app = make_app(model, corpus, any_host=False)
"""

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from xlm.config.languages.pairs import KNOWN_LANGUAGES
from xlm.demo.corpus import Corpus
from xlm.errors import XlmError
from xlm.inference.model import Model
from xlm.inference.text import MASK_WORDS
from xlm.loopback import refusal

PAGE = Path(__file__).parent / "page"

Message = MutableMapping[str, Any]
App = Callable[[Message, Any, Any], Awaitable[None]]

_MOST_CHARACTERS = 4000
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class PairRequest(BaseModel):
    """Texts to classify; an empty hypothesis: a single text."""

    premise: str = Field(max_length=_MOST_CHARACTERS)
    hypothesis: str = Field("", max_length=_MOST_CHARACTERS)
    language: str


class MaskRequest(BaseModel):
    """A text with masks."""

    text: str = Field(max_length=_MOST_CHARACTERS)
    language: str
    top: int = Field(5, ge=1, le=50)


class NearestRequest(BaseModel):
    """A text whose translations are looked for; `within`: only in this language."""

    text: str = Field(max_length=_MOST_CHARACTERS)
    language: str
    within: str | None = None
    count: int = Field(8, ge=1, le=50)


class HostGuard:
    """An ASGI application that passes requests of its own page on, and refuses others with 403."""

    def __init__(self, app: App, any_host: bool) -> None:
        self._app, self._any_host = app, any_host

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Check the Host and the Origin of a request."""
        reason = None
        if scope["type"] in ("http", "websocket"):
            reason = refusal(scope["headers"], any_host=self._any_host)
        if reason is None:
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(reason, status_code=403)(scope, receive, send)


def make_app(model: Model, corpus: Corpus, *, any_host: bool = False) -> FastAPI:
    """Make the application.

    Args:
        model: the model that the page uses.
        corpus: sentences among which it looks for translations.
        any_host: accept every Host header, because the server is also for other machines.
    """
    app = FastAPI(title="xlm demo", docs_url=None, redoc_url=None, openapi_url=None)
    lock = Lock()  # the caches of the text path are not made for threads

    @app.middleware("http")
    async def add_headers(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    @app.exception_handler(XlmError)
    async def explain(_: Request, error: XlmError) -> JSONResponse:
        return JSONResponse({"message": str(error)}, status_code=400)

    @app.exception_handler(RequestValidationError)
    async def name_field(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = "request" if first["type"] == "json_invalid" else str(first["loc"][-1])
        return JSONResponse({"message": f"{field}: {first['msg']}"}, status_code=422)

    @app.get("/api/model")
    def describe() -> dict[str, Any]:
        return _description(model, corpus)

    @app.post("/api/predict")
    def predict(request: PairRequest) -> dict[str, Any]:
        with lock:
            found = model.predict(
                request.premise, request.hypothesis or None, language=request.language
            )
        return {"label": found.label, "probabilities": dict(found.probabilities)}

    @app.post("/api/fill-mask")
    def fill_mask(request: MaskRequest) -> list[list[dict[str, Any]]]:
        with lock:
            found = model.fill_mask(request.text, language=request.language, top=request.top)
        return [
            [{"token": one.token, "probability": one.probability} for one in candidates]
            for candidates in found
        ]

    @app.post("/api/nearest")
    def nearest(request: NearestRequest) -> list[dict[str, Any]]:
        with lock:
            vector_D = model.embed(request.text, language=request.language)
        found = corpus.nearest(
            vector_D, request.language, within=request.within, count=request.count
        )
        return [
            {
                "language": one.sentence.language,
                "text": one.sentence.text,
                "similarity": one.similarity,
            }
            for one in found
        ]

    app.mount("/", StaticFiles(directory=PAGE, html=True))
    app.add_middleware(HostGuard, any_host=any_host)
    return app


def _description(model: Model, corpus: Corpus) -> dict[str, Any]:
    """What the page needs to know of the model."""
    known = [KNOWN_LANGUAGES.get(code) for code in model.languages]
    return {
        "model": model.path.name or str(model.path),
        "languages": [
            {
                "code": code,
                "name": entry.name if entry else code,
                "direction": entry.direction if entry else "auto",
            }
            for code, entry in zip(model.languages, known, strict=True)
        ],
        "labels": model.labels,
        "sentences": model.row_sentences,
        "has_mask_head": model.has_mask_head,
        "mask": MASK_WORDS[0],
        "corpus": {"sentences": len(corpus.sentences), "languages": corpus.languages},
        "examples": _examples(corpus),
    }


def _examples(corpus: Corpus) -> dict[str, list[str]]:
    """The first sentences of the corpus in each language."""
    found: dict[str, list[str]] = {}
    for one in corpus.sentences:
        if len(texts := found.setdefault(one.language, [])) < 2:
            texts.append(one.text)
    return found
