"""The process of one flow run, as the worker of `xlm ui` starts it.

To load a flow Prefect puts the working folder before all others: a `random.py` of the user there
would be Python's. So the flow is imported first, and what Prefect then asks for is there already.
"""

import runpy

import flows.full_pipeline  # noqa: F401 - for its effect

if __name__ == "__main__":
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
