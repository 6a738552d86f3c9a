"""OpenLineage events of a run: what starts, what it reads and writes, and how it ends.

observer.py    an observer of the engine, which turns what it sees into events
events.py      the events of one run
facets.py      what events say about nodes, artifacts and sources
sending.py     a thread that sends them, so that no endpoint can slow a run
quiet.py       no log lines of the client meanwhile
client.py      the client of openlineage-python, by setting and environment
"""
