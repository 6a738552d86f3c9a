"""The training loop: batches, updates, validation, checkpoints.

Trainer(job, team).run()  # leaves the published files in job.out
"""

import json
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from xlm.batches.batch import Batch
from xlm.batches.data import Corpus, load_corpus, open_training_data
from xlm.batches.mixture import mixture, mixture_table, write_mixture
from xlm.batches.prefetch import Prefetch
from xlm.batches.source import BatchSource, Position
from xlm.bpe.vocabulary import load_vocabulary
from xlm.model.checkpoint import save_encoder
from xlm.model.description import ModelDescription
from xlm.model.encoder import Encoder
from xlm.model.initialise import initialise
from xlm.model.warm_start import warm_start
from xlm.training.checkpoints import Checkpoints
from xlm.training.guards import DivergenceGuard
from xlm.training.job import SPEED_FILE, PretrainJob
from xlm.training.metrics import JsonLines, LossSums
from xlm.training.speed import SpeedLines
from xlm.training.state import (
    RunState,
    load_best,
    read_checkpoint,
    restore_best,
    save_best,
    write_checkpoint,
)
from xlm.training.team import Team
from xlm.training.update import Updater
from xlm.training.validation import Validator, stop_criterion

log = logging.getLogger(__name__)

_SIGNAL_UPDATES = 16
"""How often several processes ask each other whether to stop: an exchange costs time."""
_BATCHES_AHEAD = 2
_MOST_OVERFLOWS = 50
"""Updates lost one after the other to fp16's range before the run counts as broken."""


class Interrupted(Exception):  # noqa: N818 - not an error: the state is saved, start again
    """The run was asked to stop and has saved its state."""


class Trainer:
    """One pretraining run, in one of its processes."""

    def __init__(self, job: PretrainJob, team: Team) -> None:
        self._job, self._team, self._config = job, team, job.pretrain
        vocabulary = load_vocabulary(job.vocabulary)
        self._description = ModelDescription(
            model=job.model,
            languages=job.languages,
            vocabulary_size=vocabulary.size,
            vocabulary_hash=vocabulary.hash,
        )
        data = open_training_data(
            job.mono, job.pairs, self._config, self._description, job.scratch / "ids"
        )
        self._source = BatchSource(data, self._config, self._description, vocabulary.counts)
        self._validator = Validator(
            self._held_out(),
            self._description,
            split="valid",
            stream_tokens=self._config.stream_tokens,
            max_chunks=self._config.validation_max_chunks,
            max_pairs=self._config.validation_max_pairs,
            specials=self._config.asks_for_specials,
            objectives=self._config.objectives,
        )
        self._checkpoints = Checkpoints(
            job.scratch / "checkpoints",
            keep=self._config.keep_checkpoints,
            archive_updates=self._config.archive_updates,
        )
        self._newest = self._checkpoints.newest()
        self._encoder = Encoder(self._description)
        initialise(self._encoder, self._config.seed)
        if self._config.warm_start and self._newest is None:
            source = Path(self._config.warm_start)
            warm_start(self._encoder, vocabulary, source, identity=job.warm_start)
        self._encoder.to(team.device)
        self._updater = Updater(self._encoder, team, self._config, vocabulary.counts)
        self._best = job.scratch / "best.safetensors"
        self._sums = LossSums(self._source.steps, team.device)
        self._guard = DivergenceGuard(
            self._encoder, self._source.steps, job.logs / f"divergence-{team.rank}"
        )
        self._state = RunState()
        self._asked_to_stop = False

    def run(self) -> None:
        """Train to the end and write the published files.

        Raises:
            Interrupted: SIGTERM or SIGUSR1 came; a rerun goes on from here.
            TrainingError: the run cannot go on.
        """
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._ask_to_stop)
        rows = mixture(self._source, self._config)
        if self._team.leads:
            log.info("training mixture:\n%s", mixture_table(rows))
        self._resume()
        self._settle()
        metrics = JsonLines(
            self._job.scratch / "metrics.jsonl", start_bytes=self._state.metrics_bytes
        ) if self._team.leads else None  # fmt: skip
        self._train(metrics)
        if self._team.leads:
            write_mixture(self._job.out / "mixture.json", rows)
            self._publish()

    def _train(self, metrics: JsonLines | None) -> None:
        config, state = self._config, self._state
        speed = self._speed() if self._team.leads else None
        self._encoder.train()
        with Prefetch(self._source, ahead=_BATCHES_AHEAD) as batches:
            while state.update < config.updates and not state.stopped:
                ready = batches.next()
                rate = self._update(ready.batch)
                state.update += 1
                state.tokens += ready.batch.real_tokens
                last = state.update == config.updates
                if state.update % config.metrics_updates == 0 or last:
                    self._report(metrics, rate)
                if state.update % config.validation_updates == 0 or last:
                    self._validate()
                if speed:
                    speed.count(state.update, ready.batch.real_tokens)
                stop = self._must_stop()
                if stop or last or state.stopped or self._checkpoint_is_due():
                    self._save(metrics, ready.position)
                if stop and not last and not state.stopped:
                    raise Interrupted

    def _checkpoint_is_due(self) -> bool:
        every = (self._config.checkpoint_updates, self._config.archive_updates)
        return any(updates and self._state.update % updates == 0 for updates in every)

    def _speed(self) -> SpeedLines:
        return SpeedLines(
            self._job.logs / SPEED_FILE,
            update=self._state.update,
            total=self._config.updates,
            every=self._config.speed_updates,
        )

    def _update(self, batch: Batch) -> float:
        """One optimizer update on a global batch; returns the layers' learning rate."""
        state = self._state
        done = self._updater.update(batch, state.update, self._sums)
        state.overflows = state.overflows + 1 if done.overflowed else 0
        if not done.overflowed:
            state.norm_sum += done.gradient_norm
        if not done.overflowed or state.overflows > _MOST_OVERFLOWS:
            self._guard.check(state.update, done.gradient_norm, done.rate, batch)
        return done.rate

    def _report(self, metrics: JsonLines | None, rate: float) -> None:
        total_S2 = self._team.sum(self._sums.sums_S2)
        updates = (self._state.update - 1) % self._config.metrics_updates + 1
        norm = self._state.norm_sum / updates
        self._sums.sums_S2.zero_()
        self._state.norm_sum = 0.0
        if metrics:
            record = {"step": self._state.update, **self._sums.report(total_S2)}
            tail = {"learning_rate": rate, "gradient_norm": norm, "tokens": self._state.tokens}
            metrics.append({**record, **tail})

    def _validate(self) -> None:
        team, state = self._team, self._state
        mine = range(team.rank, len(self._validator.tasks), team.world)
        sums = torch.from_numpy(self._validator.measure(self._encoder, mine, team.device))
        found = self._validator.metrics(team.sum(sums.to(team.device)).cpu().numpy())
        criterion = stop_criterion(found)
        state.validations.append({"step": state.update, **found})
        if criterion is None:
            return
        log.info("update %d: mean validation perplexity %.2f", state.update, criterion)
        if state.best_criterion is None or criterion < state.best_criterion:
            state.best_criterion, state.best_update = criterion, state.update
            state.worse_validations = 0
            if team.leads and self._config.keep == "best":
                save_best(self._best, self._encoder)
            return
        state.worse_validations += 1
        patience = self._config.patience
        state.stopped = patience is not None and state.worse_validations > patience

    def _save(self, metrics: JsonLines | None, position: Position) -> None:
        state = self._state
        everybody = self._team.gather(self._sums.sums_S2)
        state.loss_sums = [sums.tolist() for sums in everybody]
        state.cursors = dict(position.cursors)
        if self._team.leads:
            assert metrics
            state.metrics_bytes = metrics.size_bytes
            self._checkpoints.save(
                state.update,
                lambda directory: write_checkpoint(
                    directory, state, self._encoder, self._updater, self._best
                ),
            )
        self._team.wait()

    def _resume(self) -> None:
        newest = self._newest
        if newest is None:
            return
        self._state = read_checkpoint(newest, self._encoder, self._updater, self._team.device)
        self._source.move(self._state.position)
        mine = self._state.losses_of(self._team.rank, self._team.world)
        self._sums.sums_S2.copy_(torch.tensor(mine, dtype=torch.float64))
        if self._team.leads:
            restore_best(newest, self._best)
            log.info("going on from update %d", self._state.update)
        self._team.wait()

    def _settle(self) -> None:
        """Let the processes' exchange of gradients settle, on batches that are drawn again."""
        position = self._source.position

        def two() -> Iterator[Batch]:
            for _ in range(2):
                yield self._source.next_batch()

        self._updater.warm_up(two())
        self._source.move(position)

    def _publish(self) -> None:
        out, state = self._job.out, self._state
        kept = "best" if self._config.keep == "best" and self._best.exists() else "last"
        if kept == "best":
            load_best(self._best, self._encoder)
        save_encoder(out, self._encoder)
        (out / "metrics.jsonl").write_bytes((self._job.scratch / "metrics.jsonl").read_bytes())
        summary: dict[str, Any] = {
            "updates": state.update,
            "tokens": state.tokens,
            "kept": kept,
            "best_update": state.best_update,
            "best_criterion": state.best_criterion,
            "stopped_early": state.stopped,
            "parameters": sum(p.numel() for p in self._encoder.parameters()),
            "validations": state.validations,
        }
        text = json.dumps(summary, indent=1)
        (out / "validation.json").write_text(text + "\n", encoding="utf-8")

    def _held_out(self) -> Corpus:
        job, objectives = self._job, self._config.objectives
        return load_corpus(
            "valid",
            mono=job.mono if {"clm", "mlm"} & set(objectives) else {},
            pairs=job.pairs if "tlm" in objectives else {},
            vocabulary_hash=self._description.vocabulary_hash,
        )

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self._asked_to_stop = True

    def _must_stop(self) -> bool:
        if self._team.world == 1:
            return self._asked_to_stop
        # All must leave at the same update, or one would wait for the others' gradients.
        due = self._state.update % _SIGNAL_UPDATES == 0
        return due and self._team.any(self._asked_to_stop)
