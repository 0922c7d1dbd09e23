"""Files as they come: encodings, separators, broken rows, and reading on from any row."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imports.core.columns import Target, flaws_of_mapping, guess_columns, is_header
from imports.core.intake import UTF_8, UTF_16, WINDOWS, Intake
from imports.core.records import MAX_ROW_BYTES, Record, read_records, sniff_delimiter
from imports.core.values import (
    DAY_FIRST,
    ISO,
    MONTH_FIRST,
    guess_order,
    read_number,
    read_status,
    read_typed,
    read_when,
)

ZONE = "America/Los_Angeles"
TEXT = "phone,first_name\n+13105550142,José\n+12125550199,Zoë “Z” Ångström\n"


def take_in(data: bytes, size: int = 10) -> tuple[Intake, bytes]:
    intake = Intake()
    kept = b"".join(intake.feed(data[at : at + size]) for at in range(0, len(data), size))
    return intake, kept + intake.finish()


def read(
    data: bytes, *, delimiter: str = ",", encoding: str = UTF_8, size: int = 50
) -> list[Record]:
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return list(read_records(pieces, delimiter=delimiter, encoding=encoding))


@pytest.mark.parametrize("size", [1, 3, 5000])
@pytest.mark.parametrize(
    ("data", "was"),
    [
        (TEXT.encode(), UTF_8),
        (codecs.BOM_UTF8 + TEXT.encode(), UTF_8),
        (TEXT.encode("utf-16"), UTF_16),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), UTF_16),
        (TEXT.encode("utf-16-le"), UTF_16),
        (TEXT.encode("utf-16-be"), UTF_16),
        (TEXT.encode("cp1252"), WINDOWS),
    ],
)
def test_every_encoding_reads_as_the_same_text(data: bytes, was: str, size: int) -> None:
    intake, kept = take_in(data, size)
    assert intake.was == was
    assert kept.decode(intake.encoding) == TEXT


def test_one_broken_letter_does_not_turn_a_utf8_file_into_another() -> None:
    intake, kept = take_in("José,Zoë\n".encode() * 20 + b"Jos\xe9\n")
    assert (intake.was, intake.encoding) == (UTF_8, UTF_8)
    assert kept.endswith(b"Jos\xe9\n")


@pytest.mark.parametrize(
    ("head", "mark"),
    [
        (b"a,b;c,d\n", ","),
        (b"a;b;c\n1,5;2;3\n", ";"),
        (b"a\tb\n", "\t"),
        (b'"a,b,c,d";b;c\n', ";"),
        (b"phone\n+1310\n", ","),
        (b"\n\n;;;\na;b\n", ";"),
    ],
)
def test_the_separator_is_found(head: bytes, mark: str) -> None:
    assert sniff_delimiter(head) == mark


def test_quotes_line_ends_and_blank_rows() -> None:
    found = read(b'a,"b\n2",c\r\n\r\n,,\r"x ""y""",2" pipe\nlast,one')
    assert [(each.line, each.cells) for each in found] == [
        (1, ("a", "b\n2", "c")),
        (5, ('x "y"', '2" pipe')),
        (6, ("last", "one")),
    ]


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    found = read(b'a,b\n"open,1\nc,d\ne,f\n')
    assert [(each.line, each.code, each.cells) for each in found] == [
        (1, "", ("a", "b")),
        (2, "malformed", ()),
        (3, "", ("c", "d")),
        (4, "", ("e", "f")),
    ]


def test_an_endless_line_costs_one_row_and_no_memory() -> None:
    data = b"a,b\n" + b"x" * (MAX_ROW_BYTES * 9) + b"\nc,d\n"
    found = read(data, size=4096)
    assert [(each.line, each.code) for each in found] == [(1, ""), (2, "too_long"), (3, "")]
    assert found[-1].end == len(data)


def test_a_row_of_many_lines_ends_at_the_limit() -> None:
    data = b'"' + b"x\n" * 5000 + b"a,b\n"
    found = read(data, size=4096)
    assert found[0].code == "malformed"
    assert found[1].cells == ("x",)
    assert found[-1].cells == ("a", "b")


CELL = st.text(alphabet='ab",;\n\r\t é\x00\ufeff', max_size=6)


@given(
    st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=12),
    st.integers(1, 40),
    st.sampled_from(",;\t"),
)
@settings(deadline=None)
def test_reading_on_from_any_row_finds_the_same_rows(
    rows: list[list[str]], size: int, delimiter: str
) -> None:
    data = "\n".join(delimiter.join(row) for row in rows).encode()
    whole = read(data, delimiter=delimiter, size=size)
    assert [each.end for each in whole] == sorted({each.end for each in whole})
    assert [each.line for each in whole] == sorted({each.line for each in whole})
    for place, record in enumerate(whole):
        rest = read_records(
            iter([data[record.end :]]), delimiter=delimiter, encoding=UTF_8,
            offset=record.end, line=record.next_line,
        )  # fmt: skip
        assert list(rest) == whole[place + 1 :]


@given(st.binary(max_size=300), st.integers(1, 40))
@settings(deadline=None)
def test_whatever_bytes_come_are_read_to_their_end(data: bytes, size: int) -> None:
    intake, kept = take_in(data, size)
    for record in read(kept, encoding=intake.encoding, size=size):
        assert record.code or any(cell.strip() for cell in record.cells)


def test_columns_are_guessed_by_header_and_by_value() -> None:
    header = ["Mobile Number", "E-Mail", "First Name", "Opted In", "Something", "Phone"]
    rows = [["+13105550142", "maya@example.com", "Maya", "yes", "x", "+12125550199"]]
    found = guess_columns(header, rows, kind="contacts", country="US")
    assert {index: each.field for index, each in found.items()} == {
        0: "phone",
        1: "email",
        2: "first_name",
        3: "consent_status",
    }
    bare = guess_columns([], [["Maya", "(310) 555-0142", "maya@example.com"]] * 3, kind="contacts", country="US")  # fmt: skip
    assert {index: each.field for index, each in bare.items()} == {1: "phone", 2: "email"}


def test_a_row_of_a_person_is_no_header() -> None:
    assert is_header(["Phone", "Name"], kind="contacts", country="US")
    assert is_header(["Telefon", "Bemerkung"], kind="contacts", country="US")
    assert not is_header(["3105550142", "Name"], kind="contacts", country="US")
    assert not is_header(["maya@example.com", "city"], kind="contacts", country="US")


def test_a_mapping_names_every_mistake() -> None:
    wrong = {
        0: Target("first_name"),
        1: Target("first_name"),
        2: Target("attribute", "city"),
        3: Target("attribute", "vip", "colour"),
        4: Target("shoe"),
        9: Target("city"),
    }
    found = {(each.field, each.code) for each in flaws_of_mapping(wrong, kind="contacts", width=5)}
    assert found == {
        ("mapping.2", "column_twice"),
        ("mapping.3.name", "reserved_name"),
        ("mapping.4.type", "invalid_choice"),
        ("mapping.5.field", "invalid_choice"),
        ("mapping.10", "no_such_column"),
        ("mapping", "no_identifier"),
    }
    orders = flaws_of_mapping({0: Target("email")}, kind="orders", width=1)
    assert {each.code for each in orders} == {"no_order_id", "no_ordered_at", "no_total"}


@pytest.mark.parametrize(
    ("text", "order", "said"),
    [
        ("2026-05-31", ISO, "2026-05-31T00:00:00-07:00"),
        ("2026-05-31 14:30", ISO, "2026-05-31T14:30:00-07:00"),
        ("2026-05-31T14:30:00Z", ISO, "2026-05-31T14:30:00+00:00"),
        ("2026-05-31 14:30:00 -0500", ISO, "2026-05-31T14:30:00-05:00"),
        ("2026-05-31 14:30:00 UTC", ISO, "2026-05-31T14:30:00+00:00"),
        ("2026/05/31", ISO, "2026-05-31T00:00:00-07:00"),
        ("05/31/2026", MONTH_FIRST, "2026-05-31T00:00:00-07:00"),
        ("5/1/2026 2:05 PM", MONTH_FIRST, "2026-05-01T14:05:00-07:00"),
        ("5/1/2026", DAY_FIRST, "2026-01-05T00:00:00-08:00"),
        ("31.05.2026 12:00 am", DAY_FIRST, "2026-05-31T00:00:00-07:00"),
    ],
)
def test_dates_as_people_write_them(text: str, order: str, said: str) -> None:
    assert read_when(text, order=order, timezone=ZONE).isoformat() == said


@pytest.mark.parametrize(
    "text", ["05/31/2026", "31.05.26", "yesterday", "2026-02-30", "1066-01-01"]
)
def test_a_date_that_may_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"dates as|year"):
        read_when(text, order=ISO, timezone=ZONE)


def test_the_order_of_dates_is_guessed() -> None:
    assert guess_order(["2026-05-31"]) == ISO
    assert guess_order(["05/31/2026", "01/02/2026"]) == MONTH_FIRST
    assert guess_order(["31/05/2026", "01/02/2026"]) == DAY_FIRST


def test_values_become_what_their_column_says() -> None:
    assert read_number("1,299.50") == 1299.5
    assert read_number("-5") == -5
    for wrong in ("", "NaN", "1e999999", "Infinity", "five", "9" * 40):
        with pytest.raises(ValueError, match="number"):
            read_number(wrong)
    assert read_typed("Yes", "yes_no", order=ISO, timezone=ZONE) is True
    assert read_typed("05/31/2026", "date", order=MONTH_FIRST, timezone=ZONE) == "2026-05-31"
    assert (
        read_typed("2026-05-31 14:30", "time", order=ISO, timezone=ZONE) == "2026-05-31T21:30:00Z"
    )
    assert [read_status(word) for word in ("Opted-In", "TRUE", "unsubscribed", "no", "")] == [
        *("agreed", "agreed", "stopped", "silent", "silent"),
    ]
    with pytest.raises(ValueError, match="status"):
        read_status("perhaps")
