"""Thin Prefect tasks: one for each stage of `xlm`."""
