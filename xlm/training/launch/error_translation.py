"""Translates errors of torch and of the file system into one-line errors of the pipeline.

try: ...
except (RuntimeError, OSError, SafetensorError) as error:
    raise translate_error(error) from error
"""

import torch
import torch.distributed as dist
from safetensors import SafetensorError

from xlm.errors import PeerLostError, TrainingError

_PEER_LOST = ("gloo/transport", "Timed out", "NCCL", "Connection reset", "Connection closed")
_OUT_OF_MEMORY = ("can't allocate memory", "out of memory")


def translate_error(error: Exception) -> Exception:
    """An error with the reason and the fix, or `error` itself if its reason is not known."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError | SafetensorError):
        return TrainingError(
            f"cannot read or write a file of the run: {text[:300]}",
            fix="check free space and permissions; a rerun resumes from the last checkpoint",
        )
    if isinstance(error, torch.OutOfMemoryError) or any(sign in text for sign in _OUT_OF_MEMORY):
        return TrainingError(
            f"a process ran out of memory: {text[:200]}",
            fix="lower pretrain.micro_batch_tokens, or use more processes",
        )
    if "EADDRINUSE" in text:
        return PeerLostError(
            f"another program uses the port at which the processes meet: {text[:200]}",
            fix="the next attempt takes another port; a rerun resumes from the last checkpoint",
        )
    if isinstance(error, dist.DistError) or any(sign in text for sign in _PEER_LOST):
        return PeerLostError(
            f"another process did not answer; it hangs or has ended: {text[-200:]}",
            fix="look for the first error in processes.log; a rerun resumes from the last "
            "checkpoint",
        )
    return error
