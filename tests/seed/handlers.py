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


@bgo.task("validatePayment")
def validate_payment(ctx: Any) -> dict[str, Any]:
    return {"valid": ctx.input["amount"] > 0}


@bgo.task("sendConfirmation")
def send_confirmation(ctx: Any) -> dict[str, Any]:
    return {"confirmed": ctx.input["amount"], "was_valid": ctx.chain["validatePayment"]["valid"]}


@bgo.task("fetchUsers")
def fetch_users(ctx: Any) -> dict[str, Any]:
    return {"users": ["ann", "bob"]}


@bgo.task("syncContacts")
def sync_contacts(ctx: Any) -> dict[str, Any]:
    return {"contacts": len(ctx.input["users"])}


@bgo.task("syncCalendar")
def sync_calendar(ctx: Any) -> dict[str, Any]:
    return {"calendar": len(ctx.input["users"])}


@bgo.task("syncNotes")
def sync_notes(ctx: Any) -> dict[str, Any]:
    return {"notes": len(ctx.input["users"])}


@bgo.task("cleanup")
def cleanup(ctx: Any) -> dict[str, Any]:
    return {key: ctx.input[key] for key in ("contacts", "calendar", "notes")}


@bgo.task("step1")
def step1(ctx: Any) -> dict[str, Any]:
    return {"one": ctx.attempt}


@bgo.task("step2")
def step2(ctx: Any) -> dict[str, Any]:
    if ctx.attempt == 1:
        raise ConnectionError("no answer yet")
    return {"two": ctx.input["one"] + ctx.attempt}


@bgo.task("uploadPhotos")
def upload_photos(ctx: Any, item: str) -> dict[str, Any]:
    if item == "broken":
        raise ValueError("no photo")
    return {"uploaded": item}


@bgo.task("allUploaded")
def all_uploaded(ctx: Any, total: int, failed: int) -> dict[str, Any]:
    return {"said": f"{total - failed} of {total} uploaded"}


@bgo.task("sync")
def sync(ctx: Any) -> None: ...


@bgo.task("upload")
def upload(ctx: Any) -> None: ...


@bgo.task("checkStatus")
def check_status(ctx: Any) -> None: ...


@bgo.task("dailyReport")
def daily_report(ctx: Any) -> None: ...


@bgo.task("weeklyMeeting")
def weekly_meeting(ctx: Any) -> None: ...


@bgo.task("businessSync")
def business_sync(ctx: Any) -> None: ...


@bgo.task("weekendReport")
def weekend_report(ctx: Any) -> None: ...


@bgo.task("monthlyBilling")
def monthly_billing(ctx: Any) -> None: ...


@bgo.task("customSchedule")
def custom_schedule(ctx: Any) -> None: ...
