import datetime
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.db import migrations, models

from tenancy.crypto import phone_token

_CHUNK = 5000


def fill(apps, schema_editor):
    """Number tokens of the contacts that are there already; they were last seen when last changed.

    The owner of forced row security sees no rows, so the force is off meanwhile. `apply_security`
    runs after every migration and would put it back as well.
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE people_contact NO FORCE ROW LEVEL SECURITY")
        after = None
        while True:
            cursor.execute(
                "SELECT id, tenant_id, phone FROM people_contact"
                " WHERE %(after)s::uuid IS NULL OR id > %(after)s ORDER BY id LIMIT %(chunk)s",
                {"after": after, "chunk": _CHUNK},
            )
            rows = cursor.fetchall()
            if not rows:
                break
            after = rows[-1][0]
            tokens = [
                phone_token(tenant_id, phone) if phone else None for _, tenant_id, phone in rows
            ]
            cursor.execute(
                "UPDATE people_contact c SET phone_token = given.token, last_seen_at = c.updated_at"
                " FROM unnest(%s::uuid[], %s::text[]) AS given(id, token) WHERE c.id = given.id",
                [[row[0] for row in rows], tokens],
            )
        cursor.execute("ALTER TABLE people_contact FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0005_merges"),
        ("tenancy", "0003_idempotent_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="added_by",
            field=models.CharField(
                blank=True,
                choices=[
                    ("event", "Events"),
                    ("api", "API"),
                    ("hand", "By hand"),
                    ("paste", "Pasted"),
                    ("text", "Wrote a text"),
                    ("sign_up", "Sign-up page"),
                ],
                db_collation="C",
                db_default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="last_seen_at",
            field=models.DateTimeField(
                db_default=models.Value(
                    datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                )
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="phone_token",
            field=models.CharField(db_collation="C", max_length=100, null=True),
        ),
        migrations.AddField(
            model_name="contact",
            name="sort_name",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.functions.comparison.Coalesce(
                    django.db.models.functions.comparison.NullIf(
                        django.db.models.functions.text.Trim(
                            django.db.models.functions.text.Lower(
                                django.db.models.functions.text.Concat(
                                    "first_name", models.Value(" "), "last_name"
                                )
                            )
                        ),
                        models.Value(""),
                    ),
                    models.Value("\U0010ffff"),
                ),
                output_field=models.CharField(db_collation="C", max_length=401),
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["tenant", "sort_name", "id"], name="contact_by_name"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["tenant", "last_seen_at", "id"], name="contact_by_seen"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["tenant", "added_by", "id"], name="contact_by_door"),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("country", ""), _negated=True),
                fields=["tenant", "country", "id"],
                name="contact_by_country",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("timezone", ""), _negated=True),
                fields=["tenant", "timezone", "id"],
                name="contact_by_zone",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("phone__isnull", False)),
                fields=["tenant", "id"],
                name="contact_with_number",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("phone__isnull", True)),
                fields=["tenant", "id"],
                name="contact_without_number",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("phone_token__isnull", False)),
                fields=["tenant", "phone_token"],
                name="contact_phone_token",
            ),
        ),
    ]
