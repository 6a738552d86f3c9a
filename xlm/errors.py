"""The exceptions of the project.

    XlmError
      + ConfigError           invalid profile, setting, value or language
      + SourceError           a source cannot be downloaded or is not the expected file
        - AccessError         a server or a proxy requires a user name and a password
        - ServerError         the server failed in every attempt; retrying later may help
        - ChecksumError       the downloaded bytes do not match the published digest
      + DataError             the contents of a file are invalid
      + StoreError            the artifact store is damaged, read-only, locked or unsupported
        - RemoteStoreError    the remote store refused a request, or cannot be used
          * UnreachableRemoteError  it did not answer; a later attempt may work
          * DeniedRemoteError       it does not allow this to these credentials
          * DamagedRemoteError      an object of it is missing, invalid or has other bytes
      + MissingUpstreamError  an input artifact has not been built
      + ToolError             an external program is missing or failed
      + TrainingError         training cannot continue (diverged, collapsed, wrong vocabulary)
        - PeerLostError       another training process hangs or has ended
        - RequeueError        training was interrupted and has saved its state
      + ClusterError          a cluster refused or lost a job, or cannot run it
        - UnreachableClusterError  its scheduler did not answer; the job may go on
      + PublishError          a target does not take a published model
      + PipelineError         some nodes of a run failed; lists each with its error

The command line prints an `XlmError` as one line that says what is wrong, where (file, line, URL,
key) and how to fix it. Passwords and tokens in URLs are redacted.
"""

from typing import ClassVar

from xlm.redaction import redact


class XlmError(Exception):
    """Base class of all errors that a user can fix.

    Args:
        what: What is wrong and where, as one clause.
        fix: How to fix it, as one clause; printed after `what`.
    """

    exit_code: ClassVar[int] = 1
    """Exit status of a command that ends with this error."""

    def __init__(self, what: str, *, fix: str = "") -> None:
        self.what = redact(what)
        self.fix = redact(fix)
        super().__init__(f"{self.what}; {self.fix}" if fix else self.what)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process pools, and default pickling would drop the keyword argument.
        return (_rebuild, (type(self), self.what, self.fix))


def _rebuild(error_class: type[XlmError], what: str, fix: str) -> XlmError:
    return error_class(what, fix=fix)


class ConfigError(XlmError):
    """A profile, setting, value or language does not exist or is invalid."""


class SourceError(XlmError):
    """A source cannot be downloaded, or the server sent something unexpected."""


class AccessError(SourceError):
    """A server or a proxy requires a user name and a password, or refused those that it got."""


class ServerError(SourceError):
    """A server did not answer, or failed in every attempt."""


class ChecksumError(SourceError):
    """The downloaded bytes do not match the digest that the server published."""


class DataError(XlmError):
    """The contents of a file violate its format or a rule of the pipeline."""


class StoreError(XlmError):
    """The artifact store cannot be read, written or trusted."""


class RemoteStoreError(StoreError):
    """The remote store refused a request, or it cannot be used."""


class UnreachableRemoteError(RemoteStoreError):
    """The remote store did not answer. What it was asked to do may have happened."""


class DeniedRemoteError(RemoteStoreError):
    """The remote store does not allow a request to these credentials, such as writing."""


class DamagedRemoteError(RemoteStoreError):
    """An object of the remote store is missing, is invalid, or has other bytes than its record."""


class MissingUpstreamError(XlmError):
    """An input artifact has not been built."""


class ToolError(XlmError):
    """An external program is missing or failed."""


class TrainingError(XlmError):
    """Training cannot continue."""


class PeerLostError(TrainingError):
    """Another training process hangs or has ended; its own error is the cause."""


class RequeueError(TrainingError):
    """Training was asked to stop and has saved its state; the same command continues it."""

    exit_code = 75
    """`EX_TEMPFAIL` of sysexits.h, which schedulers read as "run again later"."""


class ClusterError(XlmError):
    """A cluster refused a job, lost it, or cannot run it."""


class UnreachableClusterError(ClusterError):
    """The scheduler of a cluster did not answer. What it was asked to do may have happened."""


class PublishError(XlmError):
    """The target of `xlm publish` refused the files, or cannot be reached."""


class PipelineError(XlmError):
    """Some nodes of a run failed; the nodes that do not depend on them were built."""
