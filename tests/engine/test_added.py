"""Settings that were added after artifacts had been built."""

from pydantic import Field

from xlm.engine.config import Config, added


class _Later(Config):
    size: int = Field(3)
    order: str = added("shuffled", description="Order.")


def test_an_added_setting_is_part_of_keys_only_if_it_is_not_the_default() -> None:
    assert _Later().key_fields() == {"size": 3}
    assert _Later(order="document").key_fields() == {"size": 3, "order": "document"}
