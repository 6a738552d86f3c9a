"""What torch's errors mean for a run, in one line each.

try: ...
except (RuntimeError, OSError, SafetensorError) as error:
    raise explained(error) from error
"""

import torch
import torch.distributed as dist
from safetensors import SafetensorError

from xlm.errors import PeerLostError, TrainingError

_LOST_PEER = ("gloo/transport", "Timed out", "NCCL", "Connection reset", "Connection closed")
_NO_MEMORY = ("can't allocate memory", "out of memory")


def translate_error(error: Exception) -> Exception:
    """The reason and what to do about it, or the error itself where it says neither."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError | SafetensorError):
        return TrainingError(
            f"a file of the run could not be read or written: {text[:300]}",
            fix="check space and rights there; a rerun continues from the last checkpoint",
        )
    if isinstance(error, torch.OutOfMemoryError) or any(sign in text for sign in _NO_MEMORY):
        return TrainingError(
            f"a process ran out of memory: {text[:200]}",
            fix="lower pretrain.micro_batch_tokens, or use more processes",
        )
    if isinstance(error, dist.DistError) or any(sign in text for sign in _LOST_PEER):
        return PeerLostError(
            f"a process waited in vain for another one, which hangs or has ended: {text[-200:]}",
            fix="look for the first error in processes.log; a rerun continues from the last "
            "checkpoint",
        )
    return error
