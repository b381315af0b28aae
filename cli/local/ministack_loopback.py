"""Which cloud does `wardkey local` run? MiniStack, kept on this machine and able to come back after a kill.

Usage (by cli/local/server.ts): python ministack_loopback.py FOLDER, with the settings in the environment.

MiniStack 1.5.33 listens on 0.0.0.0 for MQTT, whatever BIND_HOST says. Here no socket can be bound outside the
loopback. What it saves and when is in ministack_snapshots.py.
"""

import fcntl
import json
import os
import socket
import sys
import time

from ministack_snapshots import keep_state, replace

LOCK_ATTEMPTS = 20
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def main(folder):
    lock = own(folder)
    keep_on_loopback()
    from ministack import app

    keep_state(app, folder, start_over=lambda: os.execv(sys.executable, [sys.executable, *sys.argv]))
    app.argparse.ArgumentParser.parse_args = lambda _parser: app.argparse.Namespace(detach=False, stop=False)
    app.main()
    lock.close()


def own(folder):
    """One server per folder, for as long as the process lives: the kernel drops the lock even after kill -9.
    server.json is written by the server itself, so a killed `wardkey local up` leaves no server that nobody knows."""
    lock = open(os.path.join(folder, "server.lock"), "a")
    if not any(take(lock) for _ in range(LOCK_ATTEMPTS)):
        sys.exit(f"another local cloud is already running in {folder}")
    record = {
        "pid": os.getpid(),
        "httpPort": int(os.environ["GATEWAY_PORT"]),
        "mqttPort": int(os.environ["IOT_MTLS_PORT"]),
        "build": os.environ["WARDKEY_BUILD"],
    }
    replace(os.path.join(folder, "server.json"), json.dumps(record))
    return lock


def take(lock):
    """A killed server is gone from the process table some milliseconds before the kernel drops its lock."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        time.sleep(0.1)
        return False


def keep_on_loopback():
    """An address that means "every interface" becomes the loopback, at the one place all listeners go through."""
    original = socket.socket.bind

    def bind(self, address):
        if isinstance(address, tuple) and address[0] in LOOPBACK:
            address = (LOOPBACK[address[0]], *address[1:])
        return original(self, address)

    socket.socket.bind = bind


if __name__ == "__main__":
    main(sys.argv[1])
