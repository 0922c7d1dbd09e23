"""What the imports API takes and shows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.problems import FieldError, Invalid
from api.serializers import Choice, Strict
from imports.core.columns import ATTRIBUTE, FIELDS, TEXT, TYPES, Target
from imports.core.values import DATE_ORDERS
from imports.domain.options import CREATE, SKIP
from imports.domain.rows import OUTCOMES
from imports.domain.showing import list_columns, list_starting, share_done
from imports.models import Import
from tenancy.ids import show_id
from tenancy.shapes import IdField

_ALL_FIELDS = sorted({ATTRIBUTE}.union(*FIELDS.values()))


class ImportWrite(Strict):
    kind = Choice(list(FIELDS), help_text="What stands in the file.")
    name = serializers.CharField(max_length=120, help_text="Such as contacts.csv.")


class ColumnWrite(Strict):
    """One column; one that is not named is left out."""

    column = serializers.IntegerField(min_value=1, max_value=500, help_text="Counted from 1.")
    field = Choice(_ALL_FIELDS, help_text="`attribute` needs a `name`.")
    name = serializers.CharField(required=False, max_length=64)
    type = Choice(list(TYPES), required=False, help_text="Of an attribute; text unless given.")


class CheckWrite(Strict):
    """Without `mapping` the columns are taken as they were guessed. The consent fields fill what a
    row leaves empty of its proof."""

    mapping = serializers.ListField(child=ColumnWrite(), required=False, max_length=500)
    has_header = serializers.BooleanField(required=False)
    date_order = Choice(list(DATE_ORDERS), required=False)
    consent_source = serializers.CharField(required=False, allow_blank=True, max_length=200)
    consent_wording = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    consent_date = serializers.CharField(required=False, allow_blank=True, max_length=40)
    covers_orders = serializers.BooleanField(required=False)
    unmatched = Choice([SKIP, CREATE], required=False, help_text="Orders of somebody unknown.")


class StartWrite(Strict):
    """By default an import starts no flow. `starts_flows` needs `confirmed` and the scope
    `flows:write`."""

    starts_flows = serializers.BooleanField(required=False)
    confirmed = serializers.BooleanField(required=False)


class ColumnShown(serializers.Serializer[Any]):
    """`field` is empty for a column that is left out."""

    column = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    field = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    type = serializers.CharField(allow_blank=True)


class FlowCount(serializers.Serializer[Any]):
    """How many the flow would at most take in: its own filter and re-entry still decide."""

    flow = serializers.CharField()
    name = serializers.CharField()
    at_most = serializers.IntegerField()


class Counts(serializers.Serializer[Any]):
    """Every row is in exactly one."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    rejected = serializers.IntegerField()


class ImportShown(serializers.Serializer[Any]):
    """A file on its way in. `counts`, `reasons` (by code) and `tallies` (consents, matches) are those
    of the stage that runs or ran last. `row_count` is null until the file was checked."""

    id = IdField("imp")
    kind = serializers.ChoiceField(Import.Kind.choices)
    name = serializers.CharField()
    state = serializers.ChoiceField(Import.State.choices)
    error = serializers.CharField(allow_blank=True)
    progress = serializers.FloatField(help_text="0 to 1, of the stage that runs.")
    rows_done = serializers.IntegerField()
    row_count = serializers.IntegerField(allow_null=True)
    counts = Counts()
    reasons = serializers.DictField(child=serializers.IntegerField())
    tallies = serializers.DictField(child=serializers.IntegerField())
    starts_flows = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class ImportTold(ImportShown):
    """`would_start`: what the flows would at most take in, were `starts_flows` given."""

    encoding = serializers.CharField(allow_blank=True)
    delimiter = serializers.CharField(allow_blank=True)
    has_header = serializers.BooleanField()
    columns = ColumnShown(many=True)
    would_start = FlowCount(many=True)


def mapping_of(body: dict[str, Any]) -> dict[int, Target]:
    found: dict[int, Target] = {}
    for place, each in enumerate(body["mapping"]):
        index = each["column"] - 1
        if index in found:
            detail = "This column is given twice."
            raise Invalid([FieldError(f"mapping[{place}].column", "column_twice", detail)])
        found[index] = Target(each["field"], each.get("name", ""), each.get("type", TEXT))
    return found


def show_import(job: Import) -> dict[str, Any]:
    counts = job.counts
    return {
        "id": show_id("imp", job.id),
        "kind": job.kind,
        "name": job.name,
        "state": job.state,
        "error": job.error,
        "progress": round(share_done(job), 4),
        "rows_done": job.rows_done,
        "row_count": job.row_count,
        "counts": {name: counts.get(name, 0) for name in OUTCOMES},
        "reasons": counts.get("reasons", {}),
        "tallies": counts.get("tallies", {}),
        "starts_flows": job.starts_flows,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def tell_import(job: Import) -> dict[str, Any]:
    columns = [
        {
            "column": each.number,
            "title": each.title,
            "field": each.target.field if each.target else "",
            "name": each.target.name if each.target else "",
            "type": each.target.type if each.target and each.target.field == ATTRIBUTE else "",
        }
        for each in list_columns(job)
    ]
    starting = [
        {"flow": each.slug, "name": each.name, "at_most": each.at_most}
        for each in list_starting(job)
    ]
    return {
        **show_import(job),
        "encoding": job.was_encoding,
        "delimiter": job.delimiter,
        "has_header": job.has_header,
        "columns": columns,
        "would_start": starting,
    }
