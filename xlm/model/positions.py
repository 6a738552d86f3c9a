"""A batch without its padding, and the places of it that are asked for.

places = pack(tokens_BT, languages_BT, positions_BT, real_BT)
asked, order_N = ask(places, cells_N)
states_ND = encoder.states(places, asked)  # of the cells in the order of order_N
states_BD = encoder.states(places, ask_first(places))  # of the first token of every row
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from xlm.model.packing import Layout


@dataclass(frozen=True)
class Places:
    """Tokens laid end to end, row by row, and how they fall into rows."""

    tokens_P: Tensor
    languages_P: Tensor
    positions_P: Tensor
    layout: Layout
    shape: tuple[int, int]
    """Rows and cells of a row that they came from."""
    cells_P: Tensor | None
    """The cell that each came from, counted row by row; None: all of them, in order."""


@dataclass(frozen=True)
class Asked:
    """The places whose last states are wanted, row by row, and how they fall into rows."""

    places_N: Tensor
    layout: Layout


def pack(
    tokens_BT: Tensor,
    languages_BT: Tensor,
    positions_BT: Tensor | None = None,
    real_BT: Tensor | None = None,
) -> Places:
    """Leave the padding away; positions default to 0..T-1, no `real_BT` means no padding."""
    rows, width = tokens_BT.shape
    device = tokens_BT.device
    if positions_BT is None:
        positions_BT = torch.arange(width, device=device)[None]
    layout, cells_P = Layout([width] * rows, device), None
    if real_BT is not None:
        cells_P = real_BT.flatten().nonzero().squeeze(1)
        layout = Layout(real_BT.sum(1).tolist(), device)

    def chosen(values_BT: Tensor) -> Tensor:
        values_C = values_BT.expand(rows, width).flatten()
        return values_C if cells_P is None else values_C.index_select(0, cells_P)

    return Places(
        tokens_P=chosen(tokens_BT),
        languages_P=chosen(languages_BT),
        positions_P=chosen(positions_BT),
        layout=layout,
        shape=(rows, width),
        cells_P=cells_P,
    )


def ask(places: Places, cells_N: Tensor) -> tuple[Asked, Tensor]:
    """The places at some cells, counted row by row through (B, T), in any order.

    Also how they were put in order: place number i is that of `cells_N[order_N[i]]`.
    """
    rows, width = places.shape
    sorted_N, order_N = cells_N.sort(stable=True)
    lengths = torch.bincount(sorted_N // max(width, 1), minlength=rows).tolist()
    places_N = sorted_N
    if places.cells_P is not None:
        places_N = torch.searchsorted(places.cells_P, sorted_N)
    return Asked(places_N, Layout(lengths, cells_N.device)), order_N


def ask_first(places: Places) -> Asked:
    """The first token of every row, in the order of the rows; each row needs a token."""
    lengths = places.layout.lengths
    assert all(lengths), "a row without a token has no first one"
    return Asked(
        places.layout.borders_B1[:-1].long(), Layout([1] * len(lengths), places.tokens_P.device)
    )
