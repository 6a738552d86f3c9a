"""The environment variables of training processes, on this machine or on a cluster."""

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def process_environment(threads: int) -> dict[str, str]:
    """The variables that every training process gets."""
    variables = {name: str(threads) for name in _THREAD_VARIABLES}
    # No sum in our code depends on the order of a set; this fixes the order in libraries too.
    variables["PYTHONHASHSEED"] = "0"
    # Modules must not be imported from the current folder; an empty entry would mean it.
    variables["PYTHONSAFEPATH"] = "1"
    variables["NCCL_RAS_ENABLE"] = "0"  # a network port that reports the state of the job
    return variables
