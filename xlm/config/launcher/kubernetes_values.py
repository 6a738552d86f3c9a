"""Types of settings that the API server of a cluster checks, with its rules.

    class KubernetesConfig(Config):
        claim: Name | None = ...

They refuse when a profile is read what the server would refuse after hours, when the first job is
created.

See: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

import posixpath
import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

LARGEST: Final = 2**31 - 1
"""Of a count or an id in the API, which has 32 bits for most of them."""
MOST_PODS: Final = 100_000
"""Of an indexed Job."""
_MOST_ANNOTATION_BYTES = 256 << 10
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_PART = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_HOST = r"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
_IMAGE_PART = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(({_HOST}|\[[0-9A-Fa-f:]+\])(:[0-9]+)?/)?{_IMAGE_PART}(/{_IMAGE_PART})*)"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?"
)
"""See: https://pkg.go.dev/github.com/distribution/reference"""
_TAKEN = ("/tmp", "/dev/shm")
"""Where the pods have volumes for temporary files and shared memory."""


def _matching(pattern: str, expected: str, most: int = 253) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        # The length comes first: some patterns take long for a long text.
        if len(value) > most or not compiled.fullmatch(value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def _require_image(value: str) -> str:
    found = _IMAGE.fullmatch(value) if len(value) <= 600 else None
    if value and (found is None or len(found["name"]) > 255):
        raise ValueError(
            "expected an image such as registry.example/xlm:1, or with @sha256: and its digest"
        )
    return value


def _on_one_line(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("expected no control character, and no space at the begin or end")
    return value


def is_namespace(value: str) -> bool:
    """Whether a text can be the name of a namespace: it becomes a part of URLs."""
    return len(value) <= 63 and re.fullmatch(_LABEL, value, re.ASCII) is not None


def is_free_path(path: str) -> bool:
    """Whether pods can mount the store here: Kubernetes refuses two volumes at one path."""
    return posixpath.normpath(f"/{path.strip('/')}") not in _TAKEN


def _require_free_path(value: str) -> str:
    if not is_free_path(value):
        raise ValueError(f"the pods have other volumes at {' and '.join(_TAKEN)}")
    return value


def _require_size(values: dict[str, str]) -> dict[str, str]:
    size_bytes = sum(len(text.encode(errors="replace")) for item in values.items() for text in item)
    if size_bytes > _MOST_ANNOTATION_BYTES:
        raise ValueError(f"expected at most {_MOST_ANNOTATION_BYTES:,} bytes in all")
    return values


Line = Annotated[str, AfterValidator(_on_one_line)]
"""Text without control characters."""
Name = Annotated[str, _matching(_SUBDOMAIN, "a name of a-z, 0-9, - and .")]
"""The name of an object of Kubernetes."""
Namespace = Annotated[str, _matching(_LABEL, "at most 63 characters of a-z, 0-9 and -", most=63)]
QueueName = Annotated[
    str, _matching(_SUBDOMAIN, "at most 63 characters of a-z, 0-9, - and .", most=63)
]
"""The name of a LocalQueue, which stands in a label."""
Key = Annotated[
    str,
    _matching(rf"((?=[^/]{{1,253}}/){_SUBDOMAIN}/)?{_PART}", "a key such as example.org/name", 317),
]
"""The key of a label or a taint."""
AnnotationKey = Annotated[
    str,
    _matching(
        rf"(?i:(?=[^/]{{1,253}}/){_SUBDOMAIN}/)?{_PART}", "a key such as example.org/name", 317
    ),
]
ExtendedResource = Annotated[
    str,
    _matching(
        rf"(?!requests\.)(?=[^/]{{1,244}}/){_SUBDOMAIN}/{_PART}",
        "DOMAIN/NAME, as nodes list it: nvidia.com/gpu, amd.com/gpu",
        317,
    ),
]
"""A resource that Kubernetes does not know itself."""
LabelValue = Annotated[
    str, _matching(rf"({_PART})?", "at most 63 characters of A-Z, a-z, 0-9, -, _ and .", most=63)
]
Cores = Annotated[str, _matching(r"\d+(\.\d+)?m?", "a number of cores such as 16 or 500m")]
Memory = Annotated[
    str, _matching(r"\d+(\.\d+)?([kMGTPE]|[KMGTPE]i)?", "an amount such as 500M or 64Gi")
]
"""Bytes. The server also takes `500m`, half a byte."""
Image = Annotated[str, AfterValidator(_require_image)]
"""Empty: none."""
Variable = Annotated[str, _matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable")]
SecretKey = Annotated[
    str,
    _matching(
        rf"(?=[^/]{{1,253}}/){_SUBDOMAIN}/(?!\.$|\.\.)[A-Za-z0-9._-]{{1,253}}", "SECRET/KEY", 507
    ),
]
AbsolutePath = Annotated[
    Line,
    _matching(r"/[^:]*", "an absolute path without a colon", 4095),
    AfterValidator(_require_free_path),
]
RelativePath = Annotated[
    Line, _matching(r"(?!.*(^|/)\.\.(/|$))[^/].*", "a relative path without ..", 4095)
]
NumberId = Annotated[int, Field(ge=1, le=LARGEST)]
"""Id of a user or a group; 0 is root."""
Annotations = Annotated[dict[AnnotationKey, str], AfterValidator(_require_size)]
