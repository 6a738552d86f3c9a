"""The same request in all its forms."""

from xlm.pipeline.request import RunRequest, overrides_of


def test_texts_and_mappings_give_the_same_configuration() -> None:
    texts = ["pretrain.updates=7", "pretrain.optimizer.learning_rate=1e-05", "sample=null"]
    texts += ["release.author=Zoë 🙂", "sources.mirror=a=b"]
    dotted = {
        "pretrain.updates": 7,
        "pretrain.optimizer.learning_rate": 1e-05,
        "sample": None,
        "release.author": "Zoë 🙂",
        "sources.mirror": "a=b",
    }
    nested = {
        "pretrain": {"updates": 7, "optimizer": {"learning_rate": 1e-05}},
        "sample": None,
        "release": {"author": "Zoë 🙂"},
        "sources": {"mirror": "a=b"},
    }
    configs = [
        RunRequest(overrides=overrides_of(given)).resolve() for given in (texts, dotted, nested)
    ]
    assert configs[0] == configs[1] == configs[2]
    assert configs[0].release.author == "Zoë 🙂"
    assert overrides_of(None) == ()
