"""What survives when the local cloud is killed? All of MiniStack's state as of the last snapshot.

MiniStack 1.5.33 saves on a clean stop only, and goes on with whatever part of a saved state it could read. Here a
snapshot is taken every second (less often when copying takes long), and a state that cannot be read is put aside as a whole: stacks without
their resources would be worse than an empty cloud.

What kill -9 can lose: the changes since the last snapshot, usually those of the last second. A snapshot is copied between two
requests, so it holds no half-made request; its files are replaced one by one, so a kill within these milliseconds
can leave two neighbouring snapshots mixed. S3 object bytes are written by MiniStack at once (S3_PERSIST). Not kept,
on a clean stop neither: MQTT sessions, and DynamoDB stream records that were not delivered yet. Nothing is flushed to
the disk: a power cut is not covered.
"""

import asyncio
import copy
import hashlib
import json
import logging
import os
import shutil
import sys
import threading
import time

SNAPSHOT_SECONDS = 1.0
WORK_TO_PAUSE = 20  # a state that takes 0.2 s to copy is copied every 4 seconds
COPY_ATTEMPTS = 3
STACK_STATUS_AFTER_KILL = (
    ("UPDATE", "UPDATE_ROLLBACK_COMPLETE"),
    ("DELETE", "DELETE_FAILED"),
    ("", "ROLLBACK_FAILED"),
)
log = logging.getLogger("wardkey")


def keep_state(app, folder, start_over):
    """Takes the place of MiniStack's loading at its start and of its saving at its end."""
    snapshots = Snapshots(app)

    def load():
        broken = restore(app)
        if broken:
            put_aside(folder, broken)
            start_over()
        close_interrupted_stacks()
        snapshots.start()

    app._load_persisted_state = load
    app.save_all = lambda _services: snapshots.take_last()
    keep_sessions(app._get_module("sts"))


def keep_sessions(sts):
    """MiniStack forgets temporary credentials at each restart; here an assumed role stays assumed until it expires."""
    sts.get_state = lambda: {"sessions": copy.deepcopy(sts._sessions)}
    sts.load_persisted_state = lambda data: sts._sessions.update(data.get("sessions", {}))


def restore(app):
    """The name of the first service whose saved state cannot be read, or None."""
    for key, module_name in app._state_map.items():
        if not os.path.exists(state_file(key)):
            continue
        try:
            data = app.load_state(key)
            if data is None:
                raise ValueError("not a state this version can read")
            app._get_module(module_name).load_persisted_state(data)
        except Exception:
            log.exception("cannot read the saved state of %s", key)
            return key
    return None


def put_aside(folder, key):
    """The unreadable state is kept until the next such event; `wardkey local up` shows the notice."""
    state = os.path.join(folder, "state")
    aside = f"{state}-unreadable"
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(state, aside)
    notice = f"the saved state of {key} could not be read: the local cloud starts empty, the old state is in {aside}"
    replace(os.path.join(folder, "notice"), notice)


def close_interrupted_stacks():
    """A deployment that ran when the server was killed has nobody to finish it, and the CDK would wait for it for
    ever. The states chosen let the next deploy or destroy go on (a failed creation is deleted and made again)."""
    cloudformation = sys.modules.get("ministack.services.cloudformation")
    for stack in cloudformation._stacks._data.values() if cloudformation else ():
        status = stack.get("StackStatus", "")
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            stack["StackStatus"] = next(after for begin, after in STACK_STATUS_AFTER_KILL if status.startswith(begin))
            stack["StackStatusReason"] = "the local cloud was killed during this deployment"


class Snapshots:
    """Copies are taken on the event loop, where requests are served; they are written by another thread."""

    def __init__(self, app):
        self.app = app
        self.digests = {}
        self.turn = threading.Lock()
        self.stopped = False

    def start(self):
        self.task = asyncio.get_running_loop().create_task(self.take_for_ever())

    async def take_for_ever(self):
        pause = SNAPSHOT_SECONDS
        while True:
            await asyncio.sleep(pause)
            begin = time.monotonic()
            try:
                await asyncio.to_thread(self.write, *self.copy())
            except Exception:
                log.exception("cannot take a snapshot")
            pause = max(SNAPSHOT_SECONDS, WORK_TO_PAUSE * (time.monotonic() - begin))

    def take_last(self):
        """On a clean stop. Waits for a snapshot that is being written; none can follow and bring old state back."""
        with self.turn:
            self.stopped = True
            self.write_changed(*self.copy())

    def write(self, states, remove_old_code):
        with self.turn:
            if not self.stopped:
                self.write_changed(states, remove_old_code)

    def copy(self):
        """The state of each loaded service, and what removes the Lambda code that this state no longer names.
        MiniStack removes it while copying, before the state is written: a kill in between would lose functions."""
        lambdas = sys.modules.get("ministack.services.lambda_svc")
        if lambdas is None:
            return self.states(), lambda: None
        original, named = lambdas._prune_orphan_code_blobs, set()
        lambdas._prune_orphan_code_blobs = named.update
        try:
            states = self.states()
        finally:
            lambdas._prune_orphan_code_blobs = original
        return states, lambda: original(named) if "lambda" in states else None

    def states(self):
        states = {key: copy_of(key, state) for key, state in self.app._build_persistence_save_dict().items()}
        return {key: state for key, state in states.items() if state is not None}

    def write_changed(self, states, remove_old_code):
        os.makedirs(os.environ["STATE_DIR"], exist_ok=True)
        for key, state in states.items():
            try:
                self.write_if_changed(key, state)
            except TypeError:
                log.exception("cannot save the state of %s", key)  # a value without a JSON form; the others go on
        remove_old_code()

    def write_if_changed(self, key, state):
        from ministack.core import persistence

        versioned = {"__ministack_format__": persistence._state_format_version(key), "payload": state}
        text = json.dumps(versioned, default=persistence._json_default)
        digest = hashlib.sha256(text.encode()).digest()
        if self.digests.get(key) != digest or not os.path.exists(state_file(key)):
            replace(state_file(key), text)
            self.digests[key] = digest


def copy_of(key, state):
    """None if the service's own threads (Lambda polling, say) changed it during each attempt: left to the next."""
    for _ in range(COPY_ATTEMPTS):
        try:
            return state()
        except RuntimeError as error:
            log.info("the state of %s changed while it was copied: %s", key, error)
    return None


def state_file(key):
    return os.path.join(os.environ["STATE_DIR"], f"{key}.json")


def replace(path, text):
    """The old content or the new one, never a part: also for a reader, also after a kill."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)
