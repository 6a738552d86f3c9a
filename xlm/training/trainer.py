"""The training loop: batches, updates, validation, checkpoints.

    Trainer(job, group, standard_callbacks(job, group)).run()  # writes the artifact to job.out

Guards, metrics files, figures and trackers are callbacks (`xlm.training.monitoring`).
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch

from xlm.bpe.vocabulary import load_vocabulary
from xlm.dataloader.batch import Batch
from xlm.dataloader.data import open_training_data
from xlm.dataloader.loader import BatchLoader, LoaderState, prefetched_batches
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
from xlm.training.loss import LossSums
from xlm.training.monitoring.callback import Callback, CallbackList
from xlm.training.publish import publish_run
from xlm.training.revisions import is_revision, save_revision
from xlm.training.shard_checks import hash_shards
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

_PREFETCHED_BATCHES: Final = 2


class Trainer:
    """One pretraining run, in one of its processes; callbacks may use the public attributes."""

    def __init__(
        self, job: PretrainJob, group: ProcessGroup, callbacks: Sequence[Callback]
    ) -> None:
        self.job, self.group, self.config = job, group, job.pretrain
        vocabulary = load_vocabulary(job.vocabulary)
        self.token_counts = vocabulary.counts
        self.description = ModelDescription(
            model=job.model,
            languages=job.languages,
            vocabulary_size=vocabulary.size,
            vocabulary_hash=vocabulary.hash,
            causal=set(self.config.objectives) == {"clm"},
        )
        data = open_training_data(
            job.mono,
            job.pairs,
            self.config,
            self.description,
            job.scratch / "ids",
            digests=hash_shards([*job.mono.values(), *job.pairs.values()], group),
            share=(group.rank, group.world_size),
        )
        self.loader = BatchLoader(data, self.config, self.description, vocabulary.counts)
        self.validator = held_out_validator(job, self.description)
        self._checkpoints = Checkpoints(
            job.scratch / "checkpoints", keep=self.config.keep_checkpoints
        )
        self._newest = self._checkpoints.newest()
        self.encoder = Encoder(self.description)
        initialise(self.encoder, self.config.seed)
        if self.config.warm_start and self._newest is None:
            source = Path(self.config.warm_start)
            warm_start(self.encoder, vocabulary, source, identity=job.warm_start)
        self.encoder.to(group.device)
        self.updater = Updater(self.encoder, group, self.config, vocabulary.counts)
        self.state = RunState()
        self.callbacks = CallbackList(callbacks)
        self._loss_sums = LossSums(self.loader.tasks, group.device)
        self._settings = compatibility_settings(job, vocabulary.hash)
        self._files = RunFiles(job.scratch / "best.safetensors", job.scratch / METRICS_FILE)
        self._stop_requests = StopRequests(group)

    def run(self) -> None:
        """Train to the end and write the published files.

        Raises:
            Interrupted: a stop signal came; a rerun resumes from the checkpoint.
            TrainingError: training cannot go on.
        """
        self._stop_requests.listen()
        self._resume()
        self.callbacks.on_run_start(self)
        self.updater.settle_buckets(self.loader)
        try:
            self._train()
        except TrainingError:
            self.callbacks.on_run_end()
            raise
        self.callbacks.on_run_end()
        if self.group.is_main_process:
            publish_run(self.job, self.state, self.encoder, self.loader, self._files)

    def _train(self) -> None:
        config, state, callbacks = self.config, self.state, self.callbacks
        self.encoder.train()
        batches = prefetched_batches(self.loader)
        with Prefetcher(batches, most=_PREFETCHED_BATCHES, name="batches") as prefetcher:
            prefetched = iter(prefetcher)
            while state.update < config.updates and not state.stopped:
                callbacks.before_batch()
                batch, loader_state = next(prefetched)
                callbacks.after_batch()
                learning_rate = self._update(batch)
                state.update += 1
                state.tokens += batch.real_tokens
                is_last = state.update == config.updates
                if state.update % config.metrics_updates == 0 or is_last:
                    self._report(learning_rate)
                if state.update % config.validation_updates == 0 or is_last:
                    self._validate()
                callbacks.on_update(state.update, batch)
                # Before the checkpoint: a run that resumes from it does not do this update again.
                if self.group.is_main_process and is_revision(state.update, config):
                    save_revision(self.job.scratch, state.update, self.encoder)
                is_done = is_last or state.stopped
                should_stop = self._stop_requests.should_stop()
                if should_stop or is_done or self._checkpoint_is_due():
                    self._save(loader_state)
                if should_stop and not is_done:
                    raise Interrupted

    def _update(self, batch: Batch) -> float:
        """Do one optimizer update on a global batch; returns the learning rate of the layers."""
        state = self.state
        before_K2 = self._loss_sums.sums_K2.clone()
        result = self.updater.update(batch, state.update, self._loss_sums, self.callbacks.admits)
        state.overflows = state.overflows + 1 if result.overflowed else 0
        if result.applied:
            state.norm_sum += result.pending.gradient_norm
            state.norm_updates += 1
        else:
            # The losses of a skipped update are not reported; they may not even be finite.
            self._loss_sums.sums_K2.copy_(before_K2)
            state.overflowed += result.overflowed
        if result.overflowed:
            self.callbacks.on_overflow(result.pending, state.overflows)
        return result.pending.learning_rate

    def _report(self, learning_rate: float) -> None:
        """Report the training metrics since the last report."""
        total_K2, state = self.group.sum(self._loss_sums.sums_K2), self.state
        means = self._loss_sums.means(total_K2)
        record = {"step": state.update, **means, "learning_rate": learning_rate}
        if state.norm_updates:  # otherwise all updates were skipped
            record["gradient_norm"] = state.norm_sum / state.norm_updates
        record["tokens"] = state.tokens
        if skipped := self.callbacks.skipped_updates + state.overflowed:
            record["skipped"] = skipped
        self._loss_sums.sums_K2.zero_()
        state.norm_sum, state.norm_updates = 0.0, 0
        self.callbacks.on_metrics("training", record)

    def _validate(self) -> None:
        """Measure the held-out tasks, shared out over the processes, and keep the best weights."""
        group, state = self.group, self.state
        own_tasks = range(group.rank, len(self.validator.tasks), group.world_size)
        own_sums = self.validator.measure(
            self.encoder, own_tasks, group.device, precision=self.updater.precision
        )
        sums = group.sum(torch.from_numpy(own_sums).to(group.device)).cpu().numpy()
        metrics = self.validator.metrics(sums)
        criterion = stop_criterion(metrics)
        state.validations.append({"step": state.update, **metrics})
        self.callbacks.on_metrics("validation", state.validations[-1])
        self.callbacks.on_validation(state.validations, self.validator.predicted_ids(sums))
        if criterion is None:
            return
        log.info("update %d: mean validation perplexity %.2f", state.update, criterion)
        is_best = state.judge(criterion, patience=self.config.patience)
        if is_best and group.is_main_process and self.config.keep == "best":
            save_best(self._files.best, self.encoder)

    def _checkpoint_is_due(self) -> bool:
        return self.state.update % self.config.checkpoint_updates == 0

    def _save(self, loader_state: LoaderState) -> None:
        """Write a checkpoint; every process waits until it is on disk."""
        state = self.state
        all_sums = self.group.gather(self._loss_sums.sums_K2)
        state.loss_sums = [sums_K2.tolist() for sums_K2 in all_sums]
        state.samplers = loader_state["samplers"]
        if self.group.is_main_process:
            self._checkpoints.save(
                state.update,
                lambda directory: write_checkpoint(
                    directory,
                    state,
                    self.encoder,
                    self.updater,
                    settings=self._settings,
                    files=self._files,
                    callbacks=self.callbacks.state_dict(),
                ),
            )
        self.group.barrier()
        self.callbacks.on_checkpoint(self._checkpoints.path(state.update))

    def _resume(self) -> None:
        """Continue from the newest checkpoint, if there is one."""
        if self._newest is not None:
            self.state, callbacks = read_checkpoint(
                self._newest, self.encoder, self.updater, self._settings, self.group.device
            )
            self.callbacks.load_state_dict(callbacks)
            self.loader.load_state_dict(self.state.loader)
            own_sums = self.state.losses_of(self.group.rank, self.group.world_size)
            self._loss_sums.sums_K2.copy_(torch.tensor(own_sums, dtype=torch.float64))
        self.state.note_processes(self.group.world_size)
        if self.group.is_main_process:
            self._files.restore(self._newest)
            if self._newest is not None:
                log.info("resuming from update %d", self.state.update)
        self.group.barrier()
