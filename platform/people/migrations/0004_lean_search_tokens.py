from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import tenancy.models.base
from people.core.searching import tokens_of

_CHUNK = 5000


def fill(apps: Any, schema_editor: Any) -> None:
    """Tokens of the contacts that are there already, of every workspace, in sets.

    The owner of forced row security sees no rows, so the force is off while it reads.
    `apply_security` runs after every migration and would put it back as well.
    """
    tables = ("people_contact", "people_identifier")
    with schema_editor.connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        after = None
        while True:
            cursor.execute(
                """
                SELECT c.id, c.tenant_id, c.first_name, c.last_name,
                       array_agg(i.value) FILTER (WHERE i.kind = 'phone'),
                       array_agg(i.value) FILTER (WHERE i.kind = 'email')
                FROM (SELECT * FROM people_contact
                      WHERE erased_at IS NULL AND (%(after)s::uuid IS NULL OR id > %(after)s)
                      ORDER BY id LIMIT %(chunk)s) c
                LEFT JOIN people_identifier i
                  ON i.tenant_id = c.tenant_id AND i.contact_id = c.id
                GROUP BY c.id, c.tenant_id, c.first_name, c.last_name ORDER BY c.id
                """,
                {"after": after, "chunk": _CHUNK},
            )
            rows = cursor.fetchall()
            if not rows:
                break
            after = rows[-1][0]
            found = sorted(
                (tenant_id, kind + token, contact_id)
                for contact_id, tenant_id, first, last, phones, emails in rows
                for kind, token in tokens_of(
                    names=(first, last), phones=phones or (), emails=emails or ()
                )
            )
            cursor.execute(
                "INSERT INTO people_searchtoken (tenant_id, token, contact_id)"
                " SELECT * FROM unnest(%s::uuid[], %s::text[], %s::uuid[])",
                [list(column) for column in zip(*found, strict=True)] or [[], [], []],
            )
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0003_search_tokens"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.DeleteModel(name="SearchToken"),
        migrations.CreateModel(
            name="SearchToken",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant_id",
                        "token",
                        "contact_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "token",
                    models.CharField(
                        db_collation="C", help_text="n, d or e in front", max_length=32
                    ),
                ),
                (
                    "contact",
                    tenancy.models.base.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="people.contact",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant", "contact"], name="search_token_contact")
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
