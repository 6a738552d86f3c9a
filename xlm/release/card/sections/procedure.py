"""The training procedure on a card: settings of the run, deviations from the paper, and costs."""

from collections.abc import Mapping

from xlm.config.training.classification import FinetuneConfig
from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.display.markdown import format_duration, format_integer, format_size, table
from xlm.release.card.facts import MachineFacts, RunFacts
from xlm.release.card.measured import measured
from xlm.release.card.sections.environment import hardware_text

_SELECTIONS = {"training": "training languages", "mean": "mean of all languages"}

_COPIED = (
    "The encoder is that of another model, without further pretraining. The licence of that model "
    "applies to these weights too."
)


def procedure_section(facts: RunFacts, *, classifier: bool) -> str:
    """Render tables of settings and costs; costs are marked as measured values."""
    parts = ["### Pretraining", _COPIED if facts.is_copied else _settings(_pretraining(facts))]
    if classifier and facts.finetune:
        parts += [f"### Fine-tuning on {facts.task}", _settings(_finetuning(facts, facts.finetune))]
    if deviations := deviations_of(facts, classifier=classifier):
        items = "\n".join(f"* {deviation}" for deviation in deviations)
        parts += ["### Deviations from XLM", f"This run differs from the paper:\n\n{items}"]
    parts += ["### Hardware and time (measured)", _machines(facts, classifier=classifier)]
    return "\n\n".join(parts)


def deviations_of(facts: RunFacts, *, classifier: bool) -> tuple[str, ...]:
    """List where the run differs from the published method, one clause each."""
    deviations = _pretraining_deviations(facts)
    if classifier and facts.finetune:
        deviations += _finetuning_deviations(facts.finetune)
    return tuple(text for applies, text in deviations if applies)


def _pretraining_deviations(facts: RunFacts) -> list[tuple[bool, str]]:
    model, config = facts.description.model, facts.pretrain
    return [
        (
            bool(facts.warm_start),
            f"weights initialized from another model (format and sha256: {facts.warm_start})",
        ),
        (model.initialisation == "aligned", "initial weights that help to align the languages"),
        (
            config.optimizer.embedding_learning_rate is not None,
            "a separate learning rate for the token embeddings "
            f"({config.optimizer.embedding_learning_rate})",
        ),
        (
            config.languages_per_batch > 1,
            f"{config.languages_per_batch} languages in each pretraining batch",
        ),
        (
            config.schedule.kind != "inverse_sqrt",
            f"a {config.schedule.kind} learning rate schedule in pretraining",
        ),
        (
            not facts.description.causal
            and config.sample_alpha == 0
            and not config.predict_specials,
            "end-of-sentence and unknown tokens never predicted",
        ),
    ]


def _finetuning_deviations(config: FinetuneConfig) -> list[tuple[bool, str]]:
    return [
        (config.random_language_ids, "random language ids for training rows"),
        (config.freeze_embeddings, "token embeddings frozen during fine-tuning"),
        (
            config.frozen_layers > 0,
            f"everything below layer {config.frozen_layers + 1} frozen during fine-tuning",
        ),
        (
            config.classifier_learning_rate is not None,
            "a separate learning rate for the classification head "
            f"({config.classifier_learning_rate})",
        ),
        (
            config.mix_pretraining > 0,
            "the loss of a pretraining batch added in fine-tuning every "
            f"{_count(config.mix_pretraining, 'update')}",
        ),
        (
            config.restarts > 1,
            f"the best of up to {config.restarts} fine-tuning runs by dev accuracy",
        ),
    ]


def _settings(rows: list[tuple[str, str]]) -> str:
    return table(("setting", "value"), rows, left=2)


def _pretraining(facts: RunFacts) -> list[tuple[str, str]]:
    config = facts.pretrain
    counts = facts.counts.get("pretrain", {})
    updates = counts.get("updates", f"at most {config.updates}")
    objectives = " and ".join(objective.upper() for objective in facts.trained)
    rows = [("objectives", objectives or "none"), ("updates", _number(updates))]
    if untrained := [one.upper() for one in config.objectives if one not in facts.trained]:
        rows.insert(1, ("configured but not trained", " and ".join(untrained)))
    streams = f"{config.stream_rows} streams of {config.stream_tokens} tokens"
    rows += [(f"{one.upper()} batch", streams) for one in facts.trained if one != "tlm"]
    if "tlm" in facts.trained:
        rows.append(("TLM batch", f"sentence pairs of about {config.pair_tokens:,} tokens"))
    if "tokens" in counts:
        rows.append(("tokens seen", _number(counts["tokens"])))
    kept = "best mean validation perplexity" if config.keep == "best" else "last"
    rows += [
        ("predicted tokens", _predicted(facts)),
        ("language sampling exponent", f"{config.language_alpha:g}"),
        ("optimizer", _optimizer(config.optimizer)),
        ("learning rate", _schedule(config.optimizer, config.schedule)),
        ("dropout, attention dropout", _dropouts(facts)),
        ("checkpoint kept", kept),
        ("precision", config.precision),
        ("processes, threads per process", f"{config.processes}, {config.threads_per_process}"),
        ("seed", str(config.seed)),
    ]
    return rows


def _finetuning(facts: RunFacts, config: FinetuneConfig) -> list[tuple[str, str]]:
    counts = facts.counts.get("finetune", {})
    optimizer, collapsed = config.optimizer, []
    if counts.get("collapsed_tries"):
        # A model that was trained once more has another learning rate than its cell.
        collapsed = [("first try, which collapsed", f"learning rate {optimizer.learning_rate:g}")]
        optimizer = optimizer.model_copy(update={"learning_rate": counts["learning_rate"]})
    return [
        (f"training rows ({facts.training_languages})", _number(counts.get("training_pairs", "–"))),
        ("maximum updates", f"{config.updates:,}"),
        ("updates of the selected checkpoint", _number(counts.get("updates", "–"))),
        ("runs with different seeds", _restarts(counts, config)),
        ("batch", f"{config.batch_pairs} {'pairs' if facts.is_paired else 'sentences'}"),
        ("maximum sentence length", f"{config.max_tokens} tokens"),
        ("optimizer", _optimizer(optimizer)),
        ("learning rate", _schedule(optimizer, config.schedule)),
        *collapsed,
        ("encoder dropout", _dropout(config.encoder_dropout)),
        ("encoder attention dropout", _dropout(config.encoder_attention_dropout)),
        ("selected by", f"dev accuracy, {_SELECTIONS[config.select_by]}"),
        ("seed", str(config.seed)),
    ]


def _restarts(counts: Mapping[str, int | float | str], config: FinetuneConfig) -> str:
    collapsed = counts.get("collapsed_restarts")
    of_which = f", of which {_number(collapsed)} collapsed" if collapsed else ""
    return f"{_number(counts.get('restarts', config.restarts))}{of_which}"


def _optimizer(config: OptimizerConfig) -> str:
    clipping = "no gradient clipping"
    if config.clip_norm is not None:
        clipping = f"gradient norm clipped at {config.clip_norm:g}"
    return (
        f"Adam, betas {config.beta1:g} and {config.beta2:g}, epsilon {config.epsilon:g}, weight "
        f"decay {config.weight_decay:g}, {clipping}"
    )


def _schedule(optimizer: OptimizerConfig, schedule: ScheduleConfig) -> str:
    shape = {
        "inverse_sqrt": "inverse square root decay",
        "linear": "linear decay to zero",
        "constant": "constant",
    }[schedule.kind]
    return f"{optimizer.learning_rate:g}, {schedule.warmup_updates:,} warm-up updates, {shape}"


def _predicted(facts: RunFacts) -> str:
    config = facts.pretrain
    parts = ["each from the tokens before it (CLM)"] if "clm" in facts.trained else []
    rates = {"mlm": config.mlm_mask_rate, "tlm": config.tlm_mask_rate}
    shares = [f"{100 * rates[one]:g} % ({one.upper()})" for one in facts.trained if one in rates]
    if shares:
        weights = f"by count^-{config.sample_alpha:g}" if config.sample_alpha else "uniformly"
        parts.append(
            f"{', '.join(shares)}, sampled {weights}; 80 % masked, 10 % unchanged, 10 % random"
        )
    return "; ".join(parts) or "none"


def _dropouts(facts: RunFacts) -> str:
    model = facts.description.model
    return f"{model.dropout:g}, {model.attention_dropout:g}"


def _dropout(probability: float | None) -> str:
    return "as in pretraining" if probability is None else f"{probability:g}"


def _machines(facts: RunFacts, *, classifier: bool) -> str:
    stages = ("pretrain", "finetune") if classifier else ("pretrain",)
    rows = [_machine(stage, facts.machines.get(stage, MachineFacts())) for stage in stages]
    return table(("stage", "time", "peak memory", "tokens per second", "machine"), rows, left=1)


def _machine(stage: str, machine: MachineFacts) -> tuple[str, ...]:
    speed = machine.tokens_per_second
    values = (
        format_duration(machine.wall_seconds),
        format_size(machine.peak_memory_bytes),
        format_integer(None if speed is None else round(speed)),
        hardware_text(machine),
    )
    return (stage, *(measured(value) for value in values))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _number(value: int | float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"
