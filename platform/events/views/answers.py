"""What became of each item, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from events.domain.ingestion import ACCEPTED, DUPLICATE, REJECTED, ItemResult
from tenancy.ids import show_id


def summarize(results: Sequence[ItemResult]) -> dict[str, Any]:
    """{"accepted", "duplicates", "rejected", "results": [{"index", "status", "id" | "errors"}]}"""
    counts = Counter(result.status for result in results)
    return {
        "accepted": counts[ACCEPTED],
        "duplicates": counts[DUPLICATE],
        "rejected": counts[REJECTED],
        "results": [_show(index, result) for index, result in enumerate(results)],
    }


def _show(index: int, result: ItemResult) -> dict[str, Any]:
    shown: dict[str, Any] = {"index": index, "status": result.status}
    if result.id is not None:
        shown["id"] = show_id("evt", result.id)
    if result.errors:
        shown["errors"] = [asdict(error) for error in result.errors]
    return shown
