"""Pasted text becomes rows: every row is usable or has its one reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.problems import Invalid
from consent.core.pasting import PastedRow, Proof, read_rows

NOW = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)


def rows(text: str, general: Proof | None = None) -> list[PastedRow]:
    return read_rows(text, country="US", timezone="America/Los_Angeles", now=NOW, general=general)


def only(text: str) -> PastedRow:
    (row,) = rows(text)
    return row


@pytest.mark.parametrize(
    "text",
    [
        "310-555-0142,Maya,Checkout form,I agree to texts,2026-05-01",
        "310-555-0142\tMaya\tCheckout form\tI agree to texts\t2026-05-01",
        '"(310) 555-0142";"Maya";"Checkout form";"I agree to texts";"2026-05-01"',
        "Mobile number,First Name,Source,Wording,Date\r\n"
        "+13105550142,Maya,Checkout form,I agree to texts,2026-05-01\r\n",
        "first_name;when;opt-in source;phone;consent text\n"
        "Maya;2026-05-01T00:00-07:00;Checkout form;13105550142;I agree to texts",
        "\ufeffphone,name,source,wording,date\n\n310 555 0142,Maya,Checkout form,"
        '"I agree to texts",2026-05-01,,,\n\n',
    ],
)
def test_ways_to_write_one_row(text: str) -> None:
    row = only(text)
    assert not row.code, row.detail
    assert row.values["phone"] == "+13105550142"
    assert row.values["first_name"] == "Maya"
    assert row.proof == Proof(
        "Checkout form", "I agree to texts", datetime(2026, 5, 1, 7, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("12345,Maya", "invalid_phone"),
        ("hello,Maya", "invalid_phone"),
        ("+1 999 555 0142,Maya", "invalid_phone"),
        ("+44 20 7946 0018,Maya", "no_sms"),
        ("+18005550142,Maya", "no_sms"),
        (",Maya", "no_number"),
        ("3105550142,=HYPERLINK(1)", "formula"),
        ("3105550142,@SUM(A1)", "formula"),
        ("3105550142,Maya,-2+3", "formula"),
        ("3105550142,Ma\x00ya", "nul"),
        ("3105550142\x00,Maya", "nul"),
        ("3105550142,Ma\ud800ya", "not_text"),
        ("3105550142," + "x" * 201, "invalid_first_name"),
        ("3105550142," + "x" * 300_000, "too_long"),
        ("3105550142,Maya,Form," + "x" * 2001, "too_long"),
        ("3105550142,Maya,Form,Words,01.05.2026", "invalid_date"),
        ("3105550142,Maya,Form,Words,2026-13-01", "invalid_date"),
        ("3105550142,Maya,Form,Words,2027-01-01", "invalid_date"),
        ("3105550142,Maya,Form,Words,0001-01-01", "invalid_date"),
        ("3105550142,Maya,Form,Words,2026-01-01,more", "too_many_cells"),
        ("phone,email\n3105550142,no-address", "invalid"),
        ("phone,country\n3105550142,Utopia", "invalid_country"),
        ("phone,id\n3105550142,null", "invalid_id"),
    ],
)
def test_a_row_that_cannot_be_saved_says_why(text: str, code: str) -> None:
    row = only(text)
    assert row.code == code
    assert row.detail
    assert len(row.detail) < 200


def test_the_same_number_twice() -> None:
    first, second, third = rows("310-555-0142,Maya\n+13105550142,Nora\n2125550199,Ruth")
    assert not first.code
    assert (second.code, second.detail) == ("twice", "The same number stands in line 1.")
    assert not third.code


def test_lines_are_counted_as_an_editor_does() -> None:
    found = rows('phone,name\n\n3105550142,"Ma\nya"\n12,Bad\n')
    assert [row.line for row in found] == [3, 5]


def test_what_a_row_leaves_empty_comes_from_the_form() -> None:
    general = Proof("Paper form", "Yes to texts", datetime(2026, 1, 2, tzinfo=UTC))
    first, second = rows("3105550142,Maya\n2125550199,Ruth,Checkout,,2026-05-01", general)
    assert first.proof == general
    assert second.proof == Proof("Checkout", "Yes to texts", datetime(2026, 5, 1, 7, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("phone,name\n", "empty"),
        ("phone,shoe size\n3105550142,44", "unknown_column"),
        ("phone,mobile\n3105550142,3105550143", "column_twice"),
        ("name,source\nMaya,Form", "no_number"),
        ('3105550142,"Maya\n2125550199,Ruth', "malformed"),
        ("\n".join(f"31055501{n:04}" for n in range(1001)), "too_many"),
        ("x" * 1_000_001, "too_long"),
    ],
)
def test_a_text_that_cannot_be_read_at_all(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        rows(text)
    assert [(error.field, error.code) for error in caught.value.errors] == [("rows", code)]
