"""The worker: fires due timers and drains the outbox. Embedded as one thread in `make run`, or `flask worker`.

Several workers may run: timers go through `engine.apply` with a key per timer, outbox rows are leased.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import date

import structlog

from govservice.operations.auditing import keep_daily_anchor
from govservice.operations.clock import fire_due
from govservice.operations.effects import deliver_due
from govservice.operations.erasing import forget_values
from govservice.operations.exchange_log import keep_seal
from govservice.operations.fees import reconcile_due
from govservice.operations.owing import ask_due
from govservice.operations.recusal import look_again
from govservice.operations.registry_events import follow_due
from govservice.operations.renewing import remind_due
from govservice.operations.runtime import Runtime
from govservice.operations.settling import Settler

log = structlog.get_logger(__name__)
IDLE = 1.0  # seconds between looks when nothing was due
SEALED = 60.0  # seconds between seals over the log of exchanges
TROUBLED = 5.0  # seconds after a round that failed


class Worker:
    """Runs rounds until stopped. A round that fails is logged by type and tried again: the rows are still there."""

    def __init__(self, rt: Runtime, name: str | None = None) -> None:
        self.rt = rt
        self.name = name or f"{socket.gethostname()}:{os.getpid()}"
        self._stop = threading.Event()
        self._settler = Settler(rt)
        self._anchored: date | None = None
        self._reminded: date | None = None
        self._sealed = -SEALED  # an instant of time.monotonic()

    def round(self) -> int:
        """One look at timers, outbox, payments and registries that went unheard; every minute at the log of exchanges,
        once a day at the root over all chains. Returns how many things were done."""
        now = self.rt.now()
        today = self.rt.wall.now().date()
        if self._anchored != today and keep_daily_anchor(self.rt):
            log.info("worker.anchored")
        self._anchored = today
        if time.monotonic() - self._sealed >= SEALED:
            keep_seal(self.rt)
            self._sealed = time.monotonic()
        if self._reminded != self.rt.today(now):
            self._reminded = self.rt.today(now)
            while remind_due(self.rt, now):
                log.info("worker.reminded")
            while forgotten := forget_values(self.rt, now):
                log.info("worker.forgot", count=forgotten)
        # What registries tell goes before what may take long: whom it concerns is looked at within seconds.
        acted = follow_due(self.rt, now) + fire_due(self.rt, now) + deliver_due(self.rt, self.name, now)
        acted += reconcile_due(self.rt, now) + look_again(self.rt, now) + self._settler.settle_due(now)
        return acted + ask_due(self.rt, now)

    def run(self, heartbeat: Callable[[int], None] | None = None) -> None:
        """Rounds until `stop()`."""
        while not self._stop.is_set():
            pause = IDLE
            try:
                done = self.round()
                if heartbeat is not None:
                    heartbeat(done)
                pause = 0.0 if done else IDLE
            except Exception as error:  # a worker must outlive a broken row, a restarted database, a full disk
                log.exception("worker.round_failed", error=type(error).__name__)
                pause = TROUBLED
            self._stop.wait(pause)

    def stop(self) -> None:
        self._stop.set()

    def start_thread(self) -> threading.Thread:
        """The embedded worker: a daemon thread, so that it never holds up the end of its process."""
        thread = threading.Thread(target=self.run, name="portal-worker", daemon=True)
        thread.start()
        return thread
