"""A lineage as text: the tree of its artifacts, each printed once, and the table of its sources."""

from collections.abc import Iterator, Mapping

from xlm.display.markdown import ABSENT, format_integer
from xlm.display.text_table import text_table
from xlm.report.lineage.document import (
    ArtifactId,
    Lineage,
    Subject,
    TracedArtifact,
    TracedSource,
)

_DIGITS = 12
NOT_RECORDED = "not recorded"


def tree_text(lineage: Lineage) -> str:
    """The subject, the tree and the sources."""
    header = ("artifact", "key", "digest", "built (UTC)", "code", "")
    parts = [
        "\n".join(_subject_lines(lineage.subject)),
        text_table(header, _rows(lineage), left=range(len(header))),
    ]
    if lineage.sources:
        header = ("source", "name", "licence", "bytes", "sha256", "URL")
        rows = map(_source, lineage.sources)
        parts.append(text_table(header, rows, left=(0, 1, 2, 4, 5)))
    count = f"{len(lineage.artifacts)} artifacts, {len(lineage.sources)} sources"
    unknown = sum(one.sha256 is None for one in lineage.sources)
    parts.append(f"{count}, {unknown} of them without a recorded sha256" if unknown else count)
    return "\n\n".join(parts)


def _subject_lines(subject: Subject) -> Iterator[str]:
    if subject.parts:
        yield f"{subject.path} has files of {len(subject.tops)} artifacts"
        for part in subject.parts:
            named = _named(part.artifact, part.path_in_artifact)
            yield f"  {part.path or '.'} is equal to {named}"
    else:
        named = _named(subject.artifact, subject.path_in_artifact)
        yield f"{subject.path} is {'equal to ' if subject.is_copy else ''}{named}"
    if subject.equal_artifacts:
        others = (f"{one} {one.key[:_DIGITS]}" for one in subject.equal_artifacts)
        yield f"The same is in {', '.join(others)}."


def _named(artifact: ArtifactId, path_in_artifact: str) -> str:
    named = f"{artifact} {artifact.key}"
    return f"{path_in_artifact} of {named}" if path_in_artifact else named


def _rows(lineage: Lineage) -> Iterator[tuple[str, ...]]:
    """The artifacts, each below the first one that was built from it, depth first."""
    found = {one.id: one for one in lineage.artifacts}
    children = _children(lineage)

    def below(one: ArtifactId, indent: str) -> Iterator[tuple[str, ...]]:
        inputs = children[one]
        for number, child in enumerate(inputs):
            is_last = number == len(inputs) - 1
            yield _row(f"{indent}{'└─ ' if is_last else '├─ '}{child}", found[child])
            yield from below(child, f"{indent}{'   ' if is_last else '│  '}")

    is_below = {child for inputs in children.values() for child in inputs}
    for top in found:
        if top not in is_below:
            yield _row(str(top), found[top])
            yield from below(top, "")


def _children(lineage: Lineage) -> Mapping[ArtifactId, list[ArtifactId]]:
    """For each artifact, the inputs that are printed below it: below their deepest user."""
    inputs = {one.id: [used.artifact for used in one.inputs] for one in lineage.artifacts}
    order = users_first(lineage)
    place = {one: number for number, one in enumerate(order)}
    depth = dict.fromkeys(order, 0)
    deepest: dict[ArtifactId, ArtifactId] = {}
    for user in order:
        for used in inputs[user]:
            # A damaged manifest can name what was built from it.
            if place[used] > place[user] and depth[used] <= depth[user]:
                depth[used], deepest[used] = depth[user] + 1, user
    children: dict[ArtifactId, list[ArtifactId]] = {one: [] for one in order}
    for used in order:
        if used in deepest:
            children[deepest[used]].append(used)
    return children


def users_first(lineage: Lineage) -> list[ArtifactId]:
    """The artifacts in an order in which each follows all that were built from it."""
    inputs = {one.id: [used.artifact for used in one.inputs] for one in lineage.artifacts}
    order: list[ArtifactId] = []
    seen: set[ArtifactId] = set()

    def visit(one: ArtifactId) -> None:
        seen.add(one)
        for used in reversed(inputs[one]):
            if used not in seen:
                visit(used)
        order.append(one)

    for top in reversed(lineage.subject.tops):
        if top not in seen:
            visit(top)
    return order[::-1]


def _row(name: str, artifact: TracedArtifact) -> tuple[str, ...]:
    built = (artifact.built or "unknown")[:19].replace("T", " ")
    version = "?" if artifact.code_version is None else str(artifact.code_version)
    code = f"{version} ({artifact.pipeline_version})" if artifact.pipeline_version else version
    state = "" if artifact.state == "stored" else artifact.state
    identity = artifact.id
    return name, identity.key[:_DIGITS], identity.digest[:_DIGITS], built, code, state


def _source(source: TracedSource) -> tuple[str, ...]:
    urls = [source.url or "local", *([source.redirected_to] if source.redirected_to else [])]
    return (
        source.unit,
        source.name,
        source.licence or ABSENT,
        format_integer(source.size_bytes),
        source.sha256 or NOT_RECORDED,
        " -> ".join(urls),
    )
