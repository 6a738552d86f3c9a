"""The DAG as a Prefect flow, and how it is run from a terminal."""
