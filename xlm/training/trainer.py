"""The training loop: batches, updates, validation, checkpoints.

Trainer(job, group).run()  # leaves the published files in job.out
"""

import logging
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from xlm.bpe.vocabulary import load_vocabulary
from xlm.dataloader.batch import Batch
from xlm.dataloader.data import open_training_data
from xlm.dataloader.loader import BatchLoader, LoaderState, prefetched_batches
from xlm.dataloader.mixture.preview import mixture, mixture_table, write_mixture
from xlm.errors import TrainingError
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.initialise import initialise
from xlm.model.warm_start.weights import warm_start
from xlm.processes.prefetch import Prefetcher
from xlm.training.checkpoints import Checkpoints
from xlm.training.compatibility import compatibility_settings
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import METRICS_FILE, PretrainJob
from xlm.training.launch.stop import Interrupted, StopRequests
from xlm.training.monitoring.collapse import CollapseGuard
from xlm.training.monitoring.diagnostics import Diagnostics
from xlm.training.monitoring.metrics import JsonLines, LossSums
from xlm.training.monitoring.overfit import require_learning
from xlm.training.monitoring.spikes import SpikeGuard
from xlm.training.monitoring.throughput import Machine
from xlm.training.monitoring.watch import RunWatch
from xlm.training.results import publish_run
from xlm.training.state import (
    RunFiles,
    RunState,
    read_checkpoint,
    save_best,
    write_checkpoint,
)
from xlm.training.update import Updater
from xlm.training.validation import held_out_validator, stop_criterion

log = logging.getLogger(__name__)

_BATCHES_AHEAD = 2
_MOST_OVERFLOWS = 50
"""Updates lost one after the other to fp16's range before the run counts as broken."""


class Trainer:
    """One pretraining run, in one of its processes."""

    def __init__(self, job: PretrainJob, group: ProcessGroup) -> None:
        self._job, self._group, self._config = job, group, job.pretrain
        vocabulary = load_vocabulary(job.vocabulary)
        self._description = ModelDescription(
            model=job.model,
            languages=job.languages,
            vocabulary_size=vocabulary.size,
            vocabulary_hash=vocabulary.hash,
            causal=set(self._config.objectives) == {"clm"},
        )
        data = open_training_data(
            job.mono, job.pairs, self._config, self._description, job.scratch / "ids"
        )
        self._loader = BatchLoader(data, self._config, self._description, vocabulary.counts)
        self._validator = held_out_validator(job, self._description)
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
        self._encoder.to(group.device)
        self._updater = Updater(self._encoder, group, self._config, vocabulary.counts)
        self._settings = compatibility_settings(job, vocabulary.hash)
        self._files = RunFiles(job.scratch / "best.safetensors", job.scratch / METRICS_FILE)
        self._sums = LossSums(self._loader.tasks, group.device)
        self._diagnostics = Diagnostics(
            job.logs / f"divergence-{group.rank}",
            self._encoder,
            self._loader.tasks,
            keep=self._config.guard.evidence,
            config=self._config.model_dump(mode="json"),
            rank=group.rank,
            world_size=group.world_size,
        )
        self._collapse = CollapseGuard(
            self._config.guard,
            vocabulary.counts,
            warmup_updates=self._config.schedule.warmup_updates,
            diagnostics=job.logs / "collapse" if group.is_main_process else None,
            run=self._config.model_dump(mode="json"),
        )
        self._watch: RunWatch | None = None
        self._take(RunState())
        self._requests = StopRequests(group)

    def run(self) -> None:
        """Train to the end and write the published files.

        Raises:
            Interrupted: SIGTERM or SIGUSR1 came; a rerun goes on from here.
            TrainingError: the run cannot go on.
        """
        self._requests.listen()
        rows = mixture(self._loader, self._config)
        if self._group.is_main_process:
            log.info("training mixture:\n%s", mixture_table(rows))
            for objective in self._loader.without_data:
                log.warning("objective %s is left out: nothing to train it on", objective)
        self._resume()
        if self._config.overfit_check.updates and not self._state.update:
            require_learning(
                self._encoder, self._loader, self._config, group=self._group, updater=self._updater
            )
        if self._group.is_main_process:
            self._watch = self._begin_watch()
            self._watch.begins(rows)
        self._updater.settle(self._loader)
        metrics = JsonLines(self._files.metrics) if self._group.is_main_process else None
        try:
            self._train(metrics)
        except TrainingError:
            self._end_watch()  # its last curves are what one looks at first
            raise
        self._end_watch()
        if self._group.is_main_process:
            write_mixture(self._job.out / "mixture.json", rows)
            publish_run(self._job, self._state, self._encoder, self._files.best)

    def _train(self, metrics: JsonLines | None) -> None:
        config, state, watch = self._config, self._state, self._watch
        self._encoder.train()
        made = prefetched_batches(self._loader)
        with Prefetcher(made, most=_BATCHES_AHEAD, name="batches") as prefetched:
            batches = iter(prefetched)
            while state.update < config.updates and not state.stopped:
                with watch.speed.waiting() if watch else nullcontext():
                    ready = next(batches)
                rate = self._update(ready.batch)
                state.update += 1
                state.tokens += ready.batch.real_tokens
                last = state.update == config.updates
                if state.update % config.metrics_updates == 0 or last:
                    self._report(metrics, rate)
                if state.update % config.validation_updates == 0 or last:
                    self._validate()
                if watch:
                    watch.updated(state.update, ready.batch)
                stop = self._requests.should_stop()
                if stop or last or state.stopped or self._checkpoint_is_due():
                    self._save(ready.state)
                if stop and not last and not state.stopped:
                    raise Interrupted

    def _checkpoint_is_due(self) -> bool:
        every = (self._config.checkpoint_updates, self._config.archive_updates)
        return any(updates and self._state.update % updates == 0 for updates in every)

    def _begin_watch(self) -> RunWatch:
        config, group = self._config, self._group
        arithmetic = "tf32" if config.tf32 and config.precision == "fp32" else config.precision
        return RunWatch(
            self._job,
            self._description,
            update=self._state.update,
            machine=Machine.of(group.device, arithmetic, group.world_size),
        )

    def _end_watch(self) -> None:
        if self._watch:
            self._watch.ends(self._state.validations)

    def _take(self, state: RunState) -> None:
        """Go on from a state; the guard's memory is part of it."""
        self._state = state
        self._guard = SpikeGuard(
            self._config.guard,
            state.guard,
            self._diagnostics,
            clip_norm=self._config.optimizer.clip_norm,
        )

    def _update(self, batch: Batch) -> float:
        """One optimizer update on a global batch; returns the layers' learning rate."""
        state, number = self._state, self._state.update

        def admits(norm: float, rate: float, loss: Tensor) -> bool:
            return self._guard.admits(number, norm=norm, rate=rate, batch=batch, loss=loss)

        before_K2 = self._sums.sums_K2.clone()
        done = self._updater.update(batch, number, self._sums, admits)
        state.overflows = state.overflows + 1 if done.overflowed else 0
        if done.applied:
            state.norm_sum += done.gradient_norm
            state.norm_updates += 1
        else:
            # It was left out, and its losses with it: they need not even be numbers.
            self._sums.sums_K2.copy_(before_K2)
            state.overflowed += done.overflowed
        if state.overflows > _MOST_OVERFLOWS:
            raise self._guard.failure(number, norm=done.gradient_norm, rate=done.rate, batch=batch)
        return done.rate

    def _report(self, metrics: JsonLines | None, rate: float) -> None:
        total_K2, state = self._group.sum(self._sums.sums_K2), self._state
        record = {"step": state.update, **self._sums.report(total_K2), "learning_rate": rate}
        if state.norm_updates:  # else all were left out
            record["gradient_norm"] = state.norm_sum / state.norm_updates
        record["tokens"] = state.tokens
        if skipped := state.guard.skipped + state.overflowed:
            record["skipped"] = skipped
        self._sums.sums_K2.zero_()
        state.norm_sum, state.norm_updates = 0.0, 0
        if metrics and self._watch:
            metrics.append(record)
            self._watch.reported(record)
            if not record["loss"]:
                log.warning("no token was predicted in the updates before %d", state.update)

    def _validate(self) -> None:
        group, state = self._group, self._state
        mine = range(group.rank, len(self._validator.tasks), group.world_size)
        mine_sums = self._validator.measure(
            self._encoder, mine, group.device, precision=self._updater.precision
        )
        total = group.sum(torch.from_numpy(mine_sums).to(group.device)).cpu().numpy()
        found = self._validator.metrics(total)
        criterion = stop_criterion(found)
        state.validations.append({"step": state.update, **found})
        if self._watch:
            self._watch.validated(state.validations)
        self._collapse.check(state.validations, predicted_ids=self._validator.predicted_ids(total))
        if criterion is None:
            return
        log.info("update %d: mean validation perplexity %.2f", state.update, criterion)
        is_best = state.judge(criterion, patience=self._config.patience)
        if is_best and group.is_main_process and self._config.keep == "best":
            save_best(self._files.best, self._encoder)

    def _save(self, loader: LoaderState) -> None:
        state = self._state
        everybody = self._group.gather(self._sums.sums_K2)
        state.loss_sums = [sums.tolist() for sums in everybody]
        state.samplers = loader["samplers"]
        if self._group.is_main_process:
            self._checkpoints.save(
                state.update,
                lambda directory: write_checkpoint(
                    directory, state, self._encoder, self._updater, self._settings, self._files
                ),
            )
        self._group.barrier()

    def _resume(self) -> None:
        newest = self._newest
        if newest is not None:
            device = self._group.device
            self._take(
                read_checkpoint(newest, self._encoder, self._updater, self._settings, device)
            )
            self._loader.load_state_dict(self._state.loader)
            mine = self._state.losses_of(self._group.rank, self._group.world_size)
            self._sums.sums_K2.copy_(torch.tensor(mine, dtype=torch.float64))
        if self._group.is_main_process:
            self._files.restore(newest)
            if newest is not None:
                log.info("going on from update %d", self._state.update)
        self._group.barrier()
