"""A plugin file: the handlers that the seed's examples queue."""

from __future__ import annotations

import time
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
