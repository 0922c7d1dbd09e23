"""Monthly partitions, made ahead of time by one definer function.

The application may not create tables; it may call this function. Every leaf gets forced row
security and no grants (a granted leaf would leak around the parent's policy), and the unique
indexes that the parent's comment asks for: a unique index on a partitioned parent would have to
contain the partition key, which is not what "each message id once" means.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

PARTITION_FUNCTION = """
CREATE OR REPLACE FUNCTION ensure_partitions(first timestamptz, last timestamptz)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent record; month timestamptz; leaf text; columns text; made integer := 0; wanted jsonb;
BEGIN
    IF last - first > interval '5 years' THEN
        RAISE EXCEPTION 'too many partitions asked for';
    END IF;
    -- Reading the catalogue first: the common case takes no lock at all.
    FOR parent IN
        SELECT c.oid, c.relname, obj_description(c.oid, 'pg_class') AS comment
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'p' AND n.nspname = 'public' ORDER BY c.relname
    LOOP
        month := date_trunc('month', first AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
        WHILE month <= last LOOP
            leaf := parent.relname || to_char(month AT TIME ZONE 'UTC', '"_p"YYYYMM');
            IF to_regclass(leaf) IS NULL THEN
                PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'));
                IF to_regclass(leaf) IS NULL THEN
                    EXECUTE format(
                        'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                        leaf, parent.relname, month,
                        (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
                    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', leaf);
                    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', leaf);
                    BEGIN
                        wanted := parent.comment::jsonb -> 'leaf_unique';
                    EXCEPTION WHEN others THEN
                        wanted := NULL;
                    END;
                    FOR columns IN SELECT jsonb_array_elements_text(coalesce(wanted, '[]')) LOOP
                        EXECUTE format('CREATE UNIQUE INDEX ON %I (%s)', leaf, columns);
                    END LOOP;
                    made := made + 1;
                END IF;
            END IF;
            month := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION ensure_partitions(timestamptz, timestamptz) FROM PUBLIC;
"""

AHEAD = timedelta(days=100)
BEHIND = timedelta(days=62)


def ensure_partitions(first: datetime, last: datetime) -> int:
    """Makes the leaves of the months from `first` to `last`; returns how many were new."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partitions(%s, %s)", [first, last])
        row = cursor.fetchone()
    return int(row[0])
