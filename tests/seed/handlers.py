"""A plugin file: the handlers that the seed's examples queue."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bgo


@bgo.task("syncData")
def sync_data(ctx: Any) -> dict[str, Any]:
    return {"synced": True}


@bgo.task("syncUser")
def sync_user(ctx: Any) -> dict[str, Any]:
    return {"user": ctx.input["userId"]}


@bgo.task("uploadFile")
def upload_file(ctx: Any) -> None:
    time.sleep(0.3)


@bgo.task("apiCall")
def api_call(ctx: Any) -> None: ...


@bgo.task("processPayment")
def process_payment(ctx: Any) -> None: ...


@bgo.task("trackAnalytics")
def track_analytics(ctx: Any) -> None: ...


@bgo.task("uploadVideo")
def upload_video(ctx: Any) -> dict[str, Any]:
    """Stop half-way until somebody who watches has made the file `seen`, if there is one to make."""
    ctx.report_progress(0.25)
    while not Path(ctx.input.get("seen", "/")).exists():
        ctx.report_progress(0.5)
        time.sleep(0.05)
    ctx.report_progress(0.75)
    return {"parts": 4}


@bgo.task("fetchRates", retry=bgo.RetryPolicy.exponential(max_attempts=2, initial_delay=0.1))
def fetch_rates(ctx: Any) -> None:
    raise ConnectionError(f"no answer to attempt {ctx.attempt}")
