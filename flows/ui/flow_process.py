"""The process of one flow run, as a worker starts it.

To load a flow, Prefect puts the working folder first on sys.path, and a `random.py` there would
replace Python's. So we import the flow first, and Prefect finds it already loaded.
"""

import runpy

from flows.worker.run_notes import note_this_run

note_this_run()  # first: a process that is killed below has already been noted

import flows.full_pipeline  # noqa: E402, F401 - for its effect

if __name__ == "__main__":
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
