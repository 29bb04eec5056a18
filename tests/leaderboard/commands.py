"""The command line as these tests run it, and folders that all test processes share."""

import os
import subprocess
import sys
import time


def biobench(*arguments, **options):
    done = subprocess.run(
        [sys.executable, "-m", "biobench", *map(str, arguments)], capture_output=True, check=False, **options
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in done.stderr, done.stderr
    return done


def made_once(tmp_path_factory, name, make):
    """A folder that all test processes share; ``make(folder)`` fills it."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder, lock = shared / name, shared / f"{name}.lock"
    while not folder.exists():
        try:
            descriptor = os.open(lock, os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            time.sleep(0.2)
            continue
        try:
            temporary = shared / f"{name}.part"
            make(temporary)
            temporary.rename(folder)
        finally:
            os.close(descriptor)
            lock.unlink()
    return folder
