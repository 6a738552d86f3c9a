"""The training procedure of a card: from the configuration of the run and what it measured."""

from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.display.markdown import format_duration, format_integer, format_size, table
from xlm.release.card.facts import MachineFacts, RunFacts
from xlm.release.card.measured import measured

_SELECTIONS = {"english": "English", "mean": "mean of all languages"}


def procedure_section(facts: RunFacts, *, classifier: bool) -> str:
    """Tables of settings; hardware and time stand in marked places."""
    parts = ["### Pretraining", _settings(_pretraining(facts))]
    if classifier:
        parts += [f"### Fine-tuning on {facts.task}", _settings(_finetuning(facts))]
    if aids := aids_of(facts, classifier=classifier):
        parts += ["### Not XLM", _aids(aids)]
    parts += ["### Hardware and time (measured)", _machines(facts, classifier=classifier)]
    return "\n\n".join(parts)


def aids_of(facts: RunFacts, *, classifier: bool) -> tuple[str, ...]:
    """What this run did beside or against the published method, one clause each."""
    model, pretrain, finetune = facts.description.model, facts.pretrain, facts.finetune
    used = [
        (
            bool(facts.warm_start),
            f"starting weights of another model (layout and sha256: {facts.warm_start})",
        ),
        (model.initialisation == "aligned", "starting weights that help languages to align"),
        (
            pretrain.optimizer.embedding_learning_rate is not None,
            "a learning rate of its own for the token embeddings "
            f"({pretrain.optimizer.embedding_learning_rate})",
        ),
        (
            pretrain.languages_per_batch > 1,
            f"{pretrain.languages_per_batch} languages in each pretraining batch",
        ),
        (
            pretrain.schedule.kind != "inverse_sqrt",
            f"a {pretrain.schedule.kind} learning rate schedule in pretraining",
        ),
        (
            not facts.description.causal
            and pretrain.sample_alpha == 0
            and not pretrain.predict_specials,
            "ends of sentences and unknown pieces never predicted",
        ),
    ]
    if classifier:
        used += [
            (finetune.random_language_ids, "random language ids for English training pairs"),
            (finetune.freeze_embeddings, "token embeddings frozen in fine-tuning"),
            (
                finetune.frozen_layers > 0,
                f"the first layers ({finetune.frozen_layers}) and all below frozen in fine-tuning",
            ),
            (
                finetune.classifier_learning_rate is not None,
                "a learning rate of its own for the classifier "
                f"({finetune.classifier_learning_rate})",
            ),
            (
                finetune.mix_pretraining > 0,
                f"a pretraining batch mixed into every {finetune.mix_pretraining}. fine-tuning "
                "update",
            ),
            (
                finetune.restarts > 1,
                f"up to {finetune.restarts} fine-tuning runs, the best English dev kept",
            ),
        ]
    return tuple(text for happened, text in used if happened)


def _aids(aids: tuple[str, ...]) -> str:
    items = "\n".join(f"* {aid}" for aid in aids)
    return f"This run used aids that the paper does not:\n\n{items}"


def _settings(rows: list[tuple[str, str]]) -> str:
    return table(("setting", "value"), rows, left=2)


def _pretraining(facts: RunFacts) -> list[tuple[str, str]]:
    config = facts.pretrain
    counts = facts.counts.get("pretrain", {})
    updates = counts.get("updates", f"at most {config.updates}")
    objectives = " and ".join(objective.upper() for objective in facts.trained)
    rows = [("objectives", objectives or "none"), ("updates", _number(updates))]
    if untrained := [one.upper() for one in config.objectives if one not in facts.trained]:
        rows.insert(1, ("configured, but not trained", " and ".join(untrained)))
    streams = f"{config.stream_rows} streams of {config.stream_tokens} tokens"
    rows += [(f"{one.upper()} batch", streams) for one in facts.trained if one != "tlm"]
    if "tlm" in facts.trained:
        rows.append(("TLM batch", f"about {config.pair_tokens:,} tokens of pairs"))
    if "tokens" in counts:
        rows.append(("tokens seen", _number(counts["tokens"])))
    rows += [
        ("predicted tokens", _predicted(facts)),
        ("languages drawn with exponent", f"{config.language_alpha:g}"),
        ("optimizer", _optimizer(config.optimizer)),
        ("learning rate", _schedule(config.optimizer, config.schedule)),
        ("dropout, attention dropout", _dropouts(facts)),
        ("weights kept", "best mean validation perplexity" if config.keep == "best" else "last"),
        ("precision", config.precision),
        ("processes, threads", f"{config.processes}, {config.threads_per_process} each"),
        ("seed", str(config.seed)),
    ]
    return rows


def _finetuning(facts: RunFacts) -> list[tuple[str, str]]:
    config = facts.finetune
    counts = facts.counts.get("finetune", {})
    return [
        ("English training pairs", _number(counts.get("training_pairs", "–"))),
        ("updates at most", f"{config.updates:,}"),
        ("update of the weights kept", _number(counts.get("updates", "–"))),
        ("runs with different seeds", _number(counts.get("restarts", config.restarts))),
        ("batch", f"{config.batch_pairs} English pairs, {config.max_tokens} tokens a sentence"),
        ("optimizer", _optimizer(config.optimizer)),
        ("learning rate", _schedule(config.optimizer, config.schedule)),
        ("encoder dropout", _dropout(config.encoder_dropout)),
        ("encoder attention dropout", _dropout(config.encoder_attention_dropout)),
        ("chosen by", f"dev accuracy, {_SELECTIONS[config.select_by]}"),
        ("seed", str(config.seed)),
    ]


def _optimizer(config: OptimizerConfig) -> str:
    cut = "never cut" if config.clip_norm is None else f"at most {config.clip_norm:g}"
    return (
        f"Adam, betas {config.beta1:g} and {config.beta2:g}, epsilon {config.epsilon:g}, weight "
        f"decay {config.weight_decay:g}, gradient norm {cut}"
    )


def _schedule(optimizer: OptimizerConfig, schedule: ScheduleConfig) -> str:
    shape = {
        "inverse_sqrt": "inverse square root decay",
        "linear": "linear decay to zero",
        "constant": "constant",
    }[schedule.kind]
    return f"{optimizer.learning_rate:g}, {schedule.warmup_updates:,} updates of warm-up, {shape}"


def _predicted(facts: RunFacts) -> str:
    config = facts.pretrain
    parts = ["each from those before it (CLM)"] if "clm" in facts.trained else []
    rates = {"mlm": config.mlm_mask_rate, "tlm": config.tlm_mask_rate}
    shares = [f"{100 * rates[one]:g} % ({one.upper()})" for one in facts.trained if one in rates]
    if shares:
        drawn = f"by count^-{config.sample_alpha:g}" if config.sample_alpha else "uniformly"
        parts.append(f"{', '.join(shares)}, drawn {drawn}; 80 % masked, 10 % kept, 10 % random")
    return "; ".join(parts) or "none"


def _dropouts(facts: RunFacts) -> str:
    model = facts.description.model
    return f"{model.dropout:g}, {model.attention_dropout:g}"


def _dropout(share: float | None) -> str:
    return "as in pretraining" if share is None else f"{share:g}"


def _machines(facts: RunFacts, *, classifier: bool) -> str:
    stages = ("pretrain", "finetune") if classifier else ("pretrain",)
    rows = [_machine(stage, facts.machines.get(stage, MachineFacts())) for stage in stages]
    return table(("stage", "time", "peak memory", "tokens per second", "machine"), rows, left=1)


def _machine(stage: str, machine: MachineFacts) -> tuple[str, ...]:
    speed = machine.tokens_per_second
    where = ", ".join(part for part in (_cores(machine.cores), machine.system) if part)
    values = (
        format_duration(machine.wall_seconds),
        format_size(machine.peak_memory_bytes),
        format_integer(None if speed is None else round(speed)),
        where or "–",
    )
    return (stage, *(measured(value) for value in values))


def _cores(cores: int | None) -> str:
    return "" if cores is None else f"{cores} core" if cores == 1 else f"{cores} cores"


def _number(value: int | float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"
