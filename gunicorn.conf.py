"""How gunicorn serves the portal. Wrong settings stop the master at once, with every fault named."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

from gunicorn.glogging import Logger

from config import ConfigError, from_env
from govservice import logs

try:
    settings = from_env()
except ConfigError as fault:
    sys.exit(str(fault))


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """The server's own lines go where the portal's go, as JSON."""

    def setup(self, cfg: Any) -> None:
        logs.configure(settings.log_level)
        for given in (self.error_log, self.access_log):
            given.handlers[:] = []
            given.propagate = True
            given.setLevel(settings.log_level)


logger_class = JsonLogger
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"  # a page waits up to a second for registries: threads keep the others served
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 30  # seconds
graceful_timeout = 15
max_requests = 20_000
max_requests_jitter = 2_000
limit_request_line = 8190
limit_request_fields = 60
umask = 0o077  # files and databases it makes are the portal's own
control_socket_disable = True  # one way to command the server: signals
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - heartbeats, no data
accesslog = None  # the portal writes its own line per request, without the address
proc_name = "portal"

# prometheus-client adds up the figures of all workers through files; it reads this at import.
_metrics = settings.var_dir / f"metrics-{os.environ.get('PORT', '8000')}"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics)


def on_starting(server: Any) -> None:
    """The figures of an earlier run are not ours."""
    shutil.rmtree(_metrics, ignore_errors=True)
    _metrics.mkdir(parents=True, exist_ok=True)


def post_worker_init(worker: Any) -> None:
    """The embedded worker: a thread beside the pages, in each process; rows are leased, so several may run."""
    if settings.worker == "embedded":
        from govservice.worker import Worker

        Worker(worker.wsgi.extensions["runtime"]).start_thread()


def child_exit(server: Any, worker: Any) -> None:
    """Live gauges of a worker that ended must not be counted."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
