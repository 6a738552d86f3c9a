"""Draws the DAG from top to bottom: a layer for each step, no edge that others imply.

drawing = draw_dag(boxes, {"split": {"clean", "extract-wiki"}, ...})
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from xlm.report.page.content import Box, Drawing

_WIDTH, _HEIGHT = 118.0, 50.0
_COLUMN_GAP, _LAYER_GAP = 8.0, 26.0
_MARGIN = 4.0

Edges = Mapping[str, Set[str]]
"""By stage: the stages that it reads."""


def draw_dag(boxes: Sequence[Box], edges: Edges) -> Drawing:
    """Place the boxes and connect them.

    Args:
        boxes: the stages in the order of the DAG; their positions are replaced.
        edges: by stage, the stages that it reads.
    """
    names = [box.name for box in boxes]
    inputs = {name: edges.get(name, set()) & set(names) for name in names}
    direct = _without_implied(inputs)
    layers = _layers(names, inputs)
    height = max(layers.values(), default=0) + 1
    members = [[name for name in names if layers[name] == layer] for layer in range(height)]
    width = max(map(len, members), default=1) * (_WIDTH + _COLUMN_GAP) - _COLUMN_GAP
    placed: dict[str, tuple[float, float]] = {}
    for layer, found in enumerate(members):
        row = len(found) * (_WIDTH + _COLUMN_GAP) - _COLUMN_GAP
        for column, name in enumerate(found):
            left = _MARGIN + (width - row) / 2 + column * (_WIDTH + _COLUMN_GAP)
            placed[name] = (left, _MARGIN + layer * (_HEIGHT + _LAYER_GAP))
    return Drawing(
        summary="; ".join(
            f"{name} reads {', '.join(sorted(direct[name]))}" for name in names if direct[name]
        ),
        boxes=[replace(box, left=placed[box.name][0], top=placed[box.name][1]) for box in boxes],
        paths=[
            _path(placed[needed], placed[name]) for name in names for needed in sorted(direct[name])
        ],
        width=width + 2 * _MARGIN,
        height=height * (_HEIGHT + _LAYER_GAP) - _LAYER_GAP + 2 * _MARGIN,
        box_width=_WIDTH,
        box_height=_HEIGHT,
    )


def _layers(names: Sequence[str], inputs: Edges) -> dict[str, int]:
    """The longest way to each stage; names are in the order of the DAG."""
    found: dict[str, int] = {}
    for name in names:
        found[name] = max(
            (found[needed] + 1 for needed in inputs[name] if needed in found), default=0
        )
    return found


def _without_implied(inputs: Edges) -> dict[str, set[str]]:
    """Leave out an edge if another way leads there."""
    reached: dict[str, set[str]] = {}

    def all_inputs(name: str) -> set[str]:
        if name not in reached:
            reached[name] = set()  # a damaged record might have a circle
            for needed in inputs[name]:
                reached[name] |= {needed} | all_inputs(needed)
        return reached[name]

    return {
        name: {
            needed
            for needed in found
            if not any(needed in all_inputs(other) for other in found if other != needed)
        }
        for name, found in inputs.items()
    }


def _path(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A curve from the bottom of a box to the top of another."""
    x, y = start[0] + _WIDTH / 2, start[1] + _HEIGHT
    to_x, to_y = end[0] + _WIDTH / 2, end[1]
    middle = (y + to_y) / 2
    return f"M{x:.1f} {y:.1f}C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
