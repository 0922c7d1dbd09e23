from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triggers", "0002_campaigns")]

    operations = [
        migrations.AddField(
            model_name="flowversion",
            name="texts",
            field=models.JSONField(default=dict),
        ),
    ]
