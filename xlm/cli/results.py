"""`xlm results`."""


def print_results(profile: str | None, root: str | None, as_json: bool) -> None:
    """Print the tables of the last run."""


def print_costs(profile: str | None, root: str | None, as_json: bool) -> None:
    """Print wall time and peak memory."""
