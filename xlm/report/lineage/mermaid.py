"""A lineage as a Mermaid flowchart: one box for each stage and for each collection of sources.

    flowchart TD
        s0["download<br/>2 artifacts: wikipedia.en wikipedia.sw"]
        s1["tokenize<br/>2 artifacts: en sw"]
        s0 --> s1

Units of a stage share a box, so that a chart of 15 languages fits on a page.
"""

from collections.abc import Iterator, Sequence

from xlm.display.markdown import format_size
from xlm.report.lineage.document import ArtifactId, Lineage, TracedArtifact, TracedSource
from xlm.report.lineage.tree import NOT_RECORDED, users_first

_SHOWN_UNITS = 15
_DIGITS = 12
_STATE_STYLES = {
    "pruned": "fill:#eeeeee,stroke:#888888,stroke-dasharray:4",
    "fault": "fill:#ffd9d9,stroke:#b00020",
    "source": "fill:#e8f1fb,stroke:#30638e",
    "subject": "stroke-width:3px",
}
_ESCAPED = '#"&<>`\\'
"""Characters with a meaning in labels; Mermaid writes them as `#34;`."""


def mermaid_text(lineage: Lineage) -> str:
    """The flowchart, from sources down to the subject."""
    found = {one.id: one for one in lineage.artifacts}
    groups: dict[str, list[TracedArtifact]] = {}
    for identity in reversed(users_first(lineage)):
        groups.setdefault(identity.stage, []).append(found[identity])
    names = {stage: f"s{number}" for number, stage in enumerate(groups)}
    lines = ["flowchart TD"]
    lines += _sources(lineage, names)
    for stage, artifacts in groups.items():
        lines.append(f'    {names[stage]}["{_label(stage, artifacts)}"]{_style(artifacts)}')
    subject = lineage.subject
    title = _escaped(subject.path_in_artifact or subject.path)
    lines.append(f'    subject(["{title}"]):::subject')
    lines += dict.fromkeys(f"    {names[one.stage]} --> subject" for one in subject.tops)
    lines += dict.fromkeys(
        f"    {names[used.artifact.stage]} --> {names[one.id.stage]}"
        for one in lineage.artifacts
        for used in one.inputs
        if used.artifact.stage != one.id.stage
    )
    lines += [f"    classDef {name} {style}" for name, style in _STATE_STYLES.items()]
    return "\n".join(lines)


def _label(stage: str, artifacts: Sequence[TracedArtifact]) -> str:
    if len(artifacts) == 1:
        one = artifacts[0].id
        lines = [str(one), f"key {one.key[:_DIGITS]}", f"digest {one.digest[:_DIGITS]}"]
    else:
        lines = [stage, f"{len(artifacts)} artifacts: {_units([one.id for one in artifacts])}"]
    states = [one.state for one in artifacts if one.state != "stored"]
    lines += [f"{states.count(state)} {state}" for state in sorted(set(states))]
    return "<br/>".join(map(_escaped, lines))


def _units(artifacts: Sequence[ArtifactId]) -> str:
    units = sorted({one.unit for one in artifacts})
    more = len(units) - _SHOWN_UNITS
    return " ".join(units[:_SHOWN_UNITS]) + (f" and {more} more" if more > 0 else "")


def _style(artifacts: Sequence[TracedArtifact]) -> str:
    states = {one.state for one in artifacts}
    if states & {"damaged", "missing", "other-bytes"}:
        return ":::fault"
    return ":::pruned" if states == {"pruned"} else ""


def _sources(lineage: Lineage, names: dict[str, str]) -> Iterator[str]:
    """A box for the sources of a stage that begin with the same word and have the same licence."""
    groups: dict[tuple[str, str, str], list[TracedSource]] = {}
    for source in lineage.sources:
        collection = source.unit.partition(".")[0] if source.kind == "download" else source.kind
        group = (source.read_by.stage, collection, source.licence or "licence not recorded")
        groups.setdefault(group, []).append(source)
    for number, ((stage, collection, licence), sources) in enumerate(sorted(groups.items())):
        size = format_size(sum(one.size_bytes or 0 for one in sources))
        lines = [collection, f"{len(sources)} file{'s' * (len(sources) > 1)}, {size}", licence]
        if len(sources) == 1:
            lines += [f"sha256 {(sources[0].sha256 or NOT_RECORDED)[:_DIGITS]}"]
        elif unknown := sum(one.sha256 is None for one in sources):
            lines += [f"{unknown} without a recorded sha256"]
        label = "<br/>".join(map(_escaped, lines))
        yield f'    source{number}[("{label}")]:::source'
        yield f"    source{number} --> {names[stage]}"


def _escaped(text: str) -> str:
    return "".join(
        f"#{ord(letter)};" if letter in _ESCAPED or not letter.isprintable() else letter
        for letter in text
    )
