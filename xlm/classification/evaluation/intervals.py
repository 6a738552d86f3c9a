"""The Wilson interval of a proportion, which is also valid near 0 and 1.

wilson_interval(right=720, total=900, confidence=0.95)  # (0.7726, 0.8249)
"""

import math
from statistics import NormalDist


def wilson_interval(right: int, total: int, confidence: float) -> tuple[float, float]:
    """Lower and upper bound of the proportion `right / total`; (0, 1) if `total` is zero."""
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)
