from django.db import migrations

# How many rows a workspace has is left out of the statistics. With them a workspace that is not in
# the last sample is taken to have one row, any index that begins with it looks as good as the one
# that names the identifier, and whoever moves in with many people reads them all for each of them.
FORWARD = """
ALTER TABLE people_identifier ALTER COLUMN tenant_id SET STATISTICS 0;
DO $$ BEGIN
    IF to_regproc('pg_clear_attribute_stats') IS NOT NULL THEN
        PERFORM pg_clear_attribute_stats('public', 'people_identifier', 'tenant_id', false);
    END IF;
END $$;
"""
BACK = "ALTER TABLE people_identifier ALTER COLUMN tenant_id SET STATISTICS -1"


class Migration(migrations.Migration):
    dependencies = [("people", "0008_attributes")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
