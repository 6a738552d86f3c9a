"""Lineage: from a published file back through all artifacts to the sources of its bytes."""
