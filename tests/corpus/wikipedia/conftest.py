"""Both engines."""

import pytest


@pytest.fixture(params=["builtin", "wikiextractor"])
def engine(request):
    """The name of an engine: what a test asks of one, both do."""
    return request.param
