"""How often each language and each direction of a pair is trained on.

sampling_probabilities([1_000_000, 10_000], alpha=0.7)  # [0.9617, 0.0383]
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def sampling_probabilities(sizes: Sequence[int], alpha: float) -> NDArray[np.float64]:
    """Shares of the lines to the power alpha, renormalised (paper 3.1)."""
    shares = np.asarray(sizes, dtype=np.float64)
    if not len(shares):
        return shares
    powered: NDArray[np.float64] = (shares / shares.sum()) ** alpha
    probabilities: NDArray[np.float64] = powered / powered.sum()
    return probabilities
