"""Runs LocalStack until whoever started it closes our input or dies: then all that it wrote is removed.

    python server.py FOLDER     everything that LocalStack writes goes below it
"""

import os
import runpy
import shutil
import sys
import threading
import warnings

import typing_extensions


def end_with_the_starter() -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    os._exit(0)


# LocalStack's KMS asks Python 3.13 for it, though its package says that 3.12 is enough; so it is.
if not hasattr(warnings, "deprecated"):
    warnings.deprecated = typing_extensions.deprecated

threading.Thread(target=end_with_the_starter, daemon=True).start()
runpy.run_module("localstack.runtime.main", run_name="__main__")
