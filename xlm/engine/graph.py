"""The DAG of a configuration: its nodes (stage and unit) and the inputs of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic

from xlm.display.suggest import did_you_mean
from xlm.engine.stage import ALL, ConfigT, Node, Stage
from xlm.errors import ConfigError

_SHOWN_UNITS = 15


@dataclass(frozen=True)
class Graph(Generic[ConfigT]):
    """All nodes of a configuration, each after its inputs."""

    config: ConfigT
    stages: tuple[Stage[ConfigT, Any], ...]
    nodes: tuple[Node, ...]
    upstream: dict[Node, dict[str, Node]]

    @classmethod
    def of(cls, config: ConfigT, stages: Sequence[Stage[ConfigT, Any]]) -> "Graph[ConfigT]":
        """Build the graph of a configuration.

        Args:
            stages: all stages; each follows the stages that provide its inputs.

        Raises:
            ConfigError: a stage needs an input that no earlier stage provides.
        """
        nodes: list[Node] = []
        upstream: dict[Node, dict[str, Node]] = {}
        for stage in stages:
            for unit in stage.units(config):
                node = Node(stage.name, unit)
                upstream[node] = dict(stage.upstream(config, unit))
                for needed in upstream[node].values():
                    if needed not in upstream:
                        raise ConfigError(
                            f"{node} needs {needed}, which this configuration has no source for",
                            fix="add the source, or drop the language",
                        )
                nodes.append(node)
        return cls(config, tuple(stages), tuple(nodes), upstream)

    def stage(self, node: Node) -> Stage[ConfigT, Any]:
        """The stage of a node of this graph."""
        return stage_named(node.stage, self.stages)

    def of_stage(self, stage: str) -> Iterator[Node]:
        """The nodes of one stage, in the order of its units."""
        return (node for node in self.nodes if node.stage == stage)

    def select(
        self,
        *,
        first: str | None = None,
        until: str | None = None,
        only: Sequence[str] = (),
        refresh: Sequence[str] = (),
    ) -> tuple[Node, ...]:
        """Return the nodes to build: those in `only`, or `until` with everything it needs.

        With `first`, only that stage and those that use it count, with everything they need.

        Names are stages or nodes, such as `tokenize` or `tokenize[sw]`.

        Raises:
            ConfigError: a name is unknown, a name in `refresh` is not selected, or the
                configuration lacks something that a selected stage requires.
            XlmError: another error of a selected stage's check (`Stage.require`).
        """
        for name in [*only, *filter(None, (first, until))]:
            if "[" in name:
                self._check_names([name])
            else:
                stage_named(name, self.stages)
        for name, value in (("until", until), ("from", first)):
            if only and value:
                raise ConfigError(f"`only` and `{name}` cannot be combined", fix="drop one of them")
        self._check_names(refresh)
        self._require_nodes([*only, *filter(None, (first, until))])
        selected = self._selected(first, until, only)
        built = {name for node in selected for name in (node.stage, str(node))}
        for name in refresh:
            if name not in built:
                raise ConfigError(
                    f"this run does not build {name}, so it cannot refresh it",
                    fix="drop it from --refresh, or include it with --only or --until",
                )
        for stage in self.stages:
            if stage.require is not None and stage.name in built:
                stage.require(self.config)
        return selected

    def _selected(
        self, first: str | None, until: str | None, only: Sequence[str]
    ) -> tuple[Node, ...]:
        if only:
            return tuple(node for node in self.nodes if node.stage in only or str(node) in only)
        ends = set(self.nodes) if until is None else self._needed_by(self._named(until))
        if first is not None:
            after = self._named(first)
            for node in self.nodes:
                if after.intersection(self.upstream[node].values()):
                    after.add(node)
            ends = self._needed_by(ends & after)
        if first is not None and not ends:
            raise ConfigError(
                f"{first} comes after {until}, so there is nothing to build",
                fix="drop --from or --until",
            )
        return tuple(node for node in self.nodes if node in ends)

    def _named(self, name: str) -> set[Node]:
        return {node for node in self.nodes if name in (node.stage, str(node))}

    def _needed_by(self, nodes: set[Node]) -> set[Node]:
        """The nodes, and everything that they need."""
        wanted = set(nodes)
        for node in reversed(self.nodes):
            if node in wanted:
                wanted.update(self.upstream[node].values())
        return wanted

    def _check_names(self, names: Sequence[str]) -> None:
        """Refuse a name that is neither a stage nor a node; the error suggests the nearest name."""
        known = {stage.name for stage in self.stages} | {str(node) for node in self.nodes}
        for name in names:
            if name not in known:
                raise ConfigError(f"no stage or node {name!r}", fix=self._nearest(name))

    def _require_nodes(self, names: Sequence[str]) -> None:
        """Refuse a stage without nodes, with the reason that its own check gives if it has one."""
        for name in names:
            if "[" not in name and not any(self.of_stage(name)):
                stage = stage_named(name, self.stages)
                if stage.require is not None:
                    stage.require(self.config)
                raise ConfigError(
                    f"this configuration has nothing for stage {name} to do",
                    fix="`xlm plan` lists its stages and units",
                )

    def _nearest(self, name: str) -> str:
        stage, bracket, unit = name.removesuffix("]").partition("[")
        units = [node.unit for node in self.nodes if node.stage == stage]
        if not bracket:
            return did_you_mean(name, [one.name for one in self.stages])
        if units == [ALL]:
            return f"use {stage}, which has no units"
        if units and not get_close_matches(unit, units, cutoff=0.5):
            more = ", ..." if len(units) > _SHOWN_UNITS else ""
            return f"{stage} has the units {', '.join(units[:_SHOWN_UNITS])}{more}"
        return did_you_mean(name, sorted(map(str, self.nodes)))


def stage_named(name: str, stages: Sequence[Stage[ConfigT, Any]]) -> Stage[ConfigT, Any]:
    """Return the stage with this name.

    Raises:
        ConfigError: it does not exist; the message suggests the nearest name.
    """
    for stage in stages:
        if stage.name == name:
            return stage
    names = [stage.name for stage in stages]
    raise ConfigError(f"no stage {name!r}", fix=did_you_mean(name, names))
