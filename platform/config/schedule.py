"""Every periodic task on one page. Beat only wakes: a missed beat is made up by the sweep."""

from celery.schedules import crontab, schedule

SCHEDULE = {
    "partitions": {
        "task": "tenancy.ensure_partitions",
        "schedule": crontab(hour="3", minute="10"),
        "options": {"queue": "bulk"},
    },
    "sweep": {
        "task": "triggers.sweep",
        "schedule": schedule(run_every=5.0),
        "options": {"queue": "live", "expires": 5},
    },
    "roll-up": {
        "task": "analytics.bulk_roll_up",
        "schedule": schedule(run_every=300.0),
        "options": {"queue": "bulk", "expires": 300},
    },
    "webhooks": {
        "task": "events.sweep_webhooks",
        "schedule": schedule(run_every=30.0),
        "options": {"queue": "bulk", "expires": 30},
    },
    "catalogue": {
        "task": "events.fold_catalogue",
        "schedule": schedule(run_every=10.0),
        "options": {"queue": "bulk", "expires": 10},
    },
    "catalogue-old": {
        "task": "events.forget_old",
        "schedule": crontab(hour="4", minute="40"),
        "options": {"queue": "bulk"},
    },
    "webhooks-old": {
        "task": "events.purge_webhooks",
        "schedule": crontab(hour="4", minute="50"),
        "options": {"queue": "bulk"},
    },
    "imports": {
        "task": "imports.bulk_sweep",
        "schedule": schedule(run_every=10.0),
        "options": {"queue": "bulk", "expires": 10},
    },
    "merges": {
        "task": "events.follow_merges",
        "schedule": crontab(minute="20"),
        "options": {"queue": "bulk", "expires": 1800},
    },
    "kept-answers": {
        "task": "tenancy.forget_answers",
        "schedule": crontab(minute="35"),
        "options": {"queue": "bulk", "expires": 1800},
    },
    "connectors": {
        "task": "connectors.sweep",
        "schedule": schedule(run_every=20.0),
        "options": {"queue": "bulk", "expires": 20},
    },
    "connectors-old": {
        "task": "connectors.forget_old",
        "schedule": crontab(hour="4", minute="55"),
        "options": {"queue": "bulk"},
    },
    "products-learned": {
        "task": "commerce.learn",
        "schedule": crontab(hour="3", minute="40"),
        "options": {"queue": "bulk"},
    },
    "consent-seal": {
        "task": "consent.seal_all",
        "schedule": crontab(hour="4", minute="20"),
        "options": {"queue": "bulk"},
    },
}
