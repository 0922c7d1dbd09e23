"""A stored value that may not be said: never in a text, always with its reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from people.domain.attributes import TraitChange, apply_traits
from people.domain.declaring import declare_attribute
from people.domain.queries import contacts_by_id
from people.domain.resolving import IdentityRef, resolve_contacts
from templates_engine.core.fields import find_field
from templates_engine.domain.audiences import Person, known_facts, sample_of
from templates_engine.domain.coverage import lacking_words
from tenancy.ids import show_id
from tenancy.scope import tenant_scope
from tests.support.world import Brand, World
from tests.templates_engine.support import jinja, say

NAMED = {"contact": {}, "unfit": {"first_name": "it is a test value"}}


def add(brand: Brand, key: str, now: datetime, **traits: Any) -> UUID:
    with tenant_scope(brand.tenant.id):
        [contact] = resolve_contacts([IdentityRef(external_id=key)], now=now)
        assert contact is not None
        apply_traits([TraitChange(contact, traits, by="api")], now=now)
    return contact


def facts(brand: Brand, contact: UUID, now: datetime) -> dict[str, Any]:
    with tenant_scope(brand.tenant.id):
        [found] = known_facts([Person(contact)], now=now)
        return found


@pytest.mark.parametrize("label", ["FirstName", "contact.first_name", "contact.First Name"])
def test_the_fallback_is_read_and_the_evidence_says_why(label: str) -> None:
    told = say(f"Hi [{label} or 'there']", NAMED)
    assert told.text == "Hi there"
    [use] = told.fields
    assert (use.fallback_used, use.why) == (True, "it is a test value")


def test_jinja_reads_the_fallback_too_and_says_why() -> None:
    told = jinja("Hi {{ first_name or 'there' }}", NAMED)
    assert told.text == "Hi there"
    assert [use.why for use in told.fields] == ["it is a test value"]


def test_a_text_that_needs_the_value_says_why_there_is_none() -> None:
    told = say("Hi [FirstName or skip]", NAMED)
    assert told.problem == "field_missing"
    assert told.detail == (
        "FirstName cannot be used (it is a test value) and the text is skipped without it."
    )
    assert say("Hi [FirstName or skip]", {"contact": {}}).detail.startswith("FirstName is missing")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    ["[FirstName or 'there']", "[contact.first_name or 'there']", "[contact.mood or 'there']"],
)
def test_no_way_to_write_a_field_says_an_unfit_value(
    world: World, now: datetime, body: str
) -> None:
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("mood", {"kind": "text", "is_sensitive": True}, now=now)
    maya = add(world.shop, "maya", now, first_name="TEST", mood="TEST")
    known = facts(world.shop, maya, now)
    assert say(body, known).text == "there"
    loose = (
        "{% if contact.first_name %}{{ contact.first_name }}{% endif %}{{ contact.mood or 'x' }}"
    )
    assert "TEST" not in jinja(loose, known).text
    assert "TEST" not in str(known["contact"])
    with tenant_scope(world.shop.tenant.id):
        assert contacts_by_id([maya])[maya].first_name == "TEST"


@pytest.mark.django_db
def test_a_value_that_was_told_too_long_ago_is_missing(world: World, now: datetime) -> None:
    with tenant_scope(world.shop.tenant.id):
        declare_attribute("preferred_category", {"kept_days": 30}, now=now)
    maya = add(world.shop, "maya", now, preferred_category="mugs")
    body = "[PreferredCategory or 'your favorites']"
    last = now + timedelta(days=30) - timedelta(seconds=1)
    assert say(body, facts(world.shop, maya, last)).text == "mugs"
    told = say(body, facts(world.shop, maya, now + timedelta(days=30)))
    assert told.text == "your favorites"
    assert told.fields[0].why == "it was told more than 30 days ago"


@pytest.mark.django_db
def test_who_has_an_unfit_value_counts_as_having_none(world: World, now: datetime) -> None:
    for key, name in (("a", "TEST"), ("b", "MAYA"), ("c", "Maya"), ("d", "")):
        add(world.shop, key, now, first_name=name)
    add(world.other, "a", now, first_name="TEST")
    field = find_field("FirstName")
    assert field is not None
    with tenant_scope(world.shop.tenant.id):
        sample = sample_of("", now=now)
        assert sample.share(field) == 0.25
        assert lacking_words(field, sample) == (
            "3 of the newest 4 people (75%) have none fit to be read: 2 have values that fail a"
            " quality rule"
        )


@pytest.mark.django_db
def test_the_preview_of_a_contact_says_that_the_fallback_is_read_and_why(
    client: Client, world: World, now: datetime
) -> None:
    maya = add(world.shop, "maya", now, first_name="Customer")
    client.force_login(world.shop.owner)
    answer = client.post(
        "/w/juniper/composer/",
        {
            "workspace": "juniper",
            "body": "Hi [FirstName or 'there'], it is on us",
            "contact": show_id("con", maya),
        },
    )
    written = answer.json()
    assert "Hi there" in written["preview"]
    assert written["preview_note"] == (
        "FirstName: fallback used because it is a placeholder, not a name."
    )


@pytest.mark.parametrize(
    ("value", "style", "said"),
    [
        ("2026-03-14", "", "Mar 14"),
        ("2026-03-14", "'long'", "Mar 14, 2026"),
        ("2026-03-14", "'weekday'", "Saturday"),
        ("--03-14", "", "Mar 14"),
        ("--03", "'month'", "March"),
        ("--03", "", "soon"),
        ("--03-14", "'weekday'", "soon"),
        ("2026-02-30", "", "soon"),
        ("whenever", "", "soon"),
    ],
)
def test_dates_and_birthdays_are_said_in_words(value: str, style: str, said: str) -> None:
    body = "{{ contact.day | date(" + style + ") | default('soon') }}"
    assert jinja(body, {"contact": {"day": value}}).text == said
