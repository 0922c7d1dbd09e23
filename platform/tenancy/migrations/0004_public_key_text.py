from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenancy", "0003_idempotent_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="writekey",
            name="public_text",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The whole of a public key: it stands in every page of the shop anyway",
                max_length=64,
            ),
        ),
    ]
