"""The one error tree of the project.

    XlmError                 anything that a user can mend; the CLI prints it as one line
    ├── ConfigError          a profile, key, value or language that does not exist or does not fit
    ├── SourceError          a source that cannot be had, or is not what its host promised
    │   ├── ServerError      a server that stays unreachable; running again later may help
    │   └── ChecksumError    bytes arrived, but not the promised ones
    ├── DataError            a file whose contents break a rule (unequal sides, empty language, ...)
    ├── StoreError           the artifact store: damaged, read-only, unsupported, locked
    ├── MissingUpstreamError an artifact that must be built before this one
    ├── ToolError            an external program that failed, with the end of what it said
    ├── TrainingError        training that cannot go on (diverged, collapsed, vocabulary mismatch)
    │   ├── PeerLostError    a training process that waits for another one, which hangs or has ended
    │   └── RequeueError     training that was asked to stop and saved its state
    └── PipelineError        some nodes of a run failed; names each with its own error

Every message says what is wrong, where (file, line, URL, key), and what to do about it; no
message shows the passwords and tokens of the URLs in it.
"""

from typing import ClassVar

from xlm.redaction import redact


class XlmError(Exception):
    """Base of all errors that a user can mend.

    Args:
        what: the fault and its place, one clause.
        fix: what to do about it, one clause; printed behind the fault.
    """

    exit_code: ClassVar[int] = 1
    """Of a command that ends with this error."""

    def __init__(self, what: str, *, fix: str = "") -> None:
        self.what = redact(what)
        self.fix = redact(fix)
        super().__init__(f"{self.what}; {self.fix}" if fix else self.what)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process pools: the keyword argument must survive pickling.
        return (_rebuild, (type(self), self.what, self.fix))


def _rebuild(kind: type[XlmError], what: str, fix: str) -> XlmError:
    return kind(what, fix=fix)


class ConfigError(XlmError):
    """A profile, key, value or language that does not exist or does not fit."""


class SourceError(XlmError):
    """A source that cannot be had, or is not what its host promised."""


class ServerError(SourceError):
    """A host that stays away, or keeps failing, after all attempts."""


class ChecksumError(SourceError):
    """Bytes arrived, but not the ones whose digest the host published."""


class DataError(XlmError):
    """A file whose contents break a rule of its format or of the pipeline."""


class StoreError(XlmError):
    """The artifact store cannot be read, written or trusted."""


class MissingUpstreamError(XlmError):
    """An artifact that this one is made from has not been built."""


class ToolError(XlmError):
    """An external program failed."""


class TrainingError(XlmError):
    """Training that cannot go on."""


class PeerLostError(TrainingError):
    """Another training process hangs or has ended: a consequence, the cause is elsewhere."""


class RequeueError(TrainingError):
    """Training was asked to stop and has saved its state: the same command goes on."""

    exit_code = 75
    """EX_TEMPFAIL of sysexits: the same command again, later."""


class PipelineError(XlmError):
    """Some nodes of a run failed; all that did not need them was built and is in the store."""
