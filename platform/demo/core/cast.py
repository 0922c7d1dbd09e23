"""The demo's brands and people. Everybody is invented; the numbers are assigned to nobody.

NXX-555-0100 to 0199 is kept free for fiction in every American area code, and passes
phonenumbers' check of what a number is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import time

AGENCY = "Northside Agency"
AGENCY_SLUG = "northside"
PERSON = ("ines@northside.example", "Ines Duarte")
FICTION = range(100, 200)


@dataclass(frozen=True, slots=True)
class BrandPlan:
    """One client of the agency."""

    slug: str
    name: str
    sms_name: str
    timezone: str
    accent: str
    shop_url: str
    data: str
    write_key: str
    cart_rule: str
    sunday_opens: time
    seed: int


# One brand has acknowledged the carriers' cart rule and so may send a second cart text; the other
# keeps the strict reading. The first also opens its brand window on Sundays at nine.
BRANDS = (
    BrandPlan(
        slug="juniper-oak",
        name="Juniper & Oak",
        sms_name="Juniper & Oak",
        timezone="America/Los_Angeles",
        accent="#0b6b5b",
        shop_url="https://juniper-oak.example",
        data="online_retail",
        write_key="demo",
        cart_rule="acknowledged",
        sunday_opens=time(9),
        seed=17,
    ),
    BrandPlan(
        slug="harbor-street",
        name="Harbor Street",
        sms_name="Harbor Street",
        timezone="America/New_York",
        accent="#7a4a12",
        shop_url="https://harbor-street.example",
        data="clickstream",
        write_key="demo-harbor",
        cart_rule="strict",
        sunday_opens=time(12),
        seed=29,
    ),
)


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    first_name: str
    last_name: str
    phone: str
    city: str
    region: str
    timezone: str

    def traits(self) -> dict[str, str]:
        """As a shop would send them with `identify`."""
        return {
            "firstName": self.first_name,
            "lastName": self.last_name,
            "phone": self.phone,
            "email": f"{self.user_id}@mail.example",
            "city": self.city,
            "region": self.region,
            "country": "US",
            "timezone": self.timezone,
        }


# (area code, city, state, zone): twelve codes in four zones, two brands never share a number.
PLACES = (
    ("213", "Los Angeles", "CA", "America/Los_Angeles"),
    ("415", "San Francisco", "CA", "America/Los_Angeles"),
    ("206", "Seattle", "WA", "America/Los_Angeles"),
    ("303", "Denver", "CO", "America/Denver"),
    ("505", "Albuquerque", "NM", "America/Denver"),
    ("312", "Chicago", "IL", "America/Chicago"),
    ("713", "Houston", "TX", "America/Chicago"),
    ("615", "Nashville", "TN", "America/Chicago"),
    ("718", "New York", "NY", "America/New_York"),
    ("617", "Boston", "MA", "America/New_York"),
    ("404", "Atlanta", "GA", "America/New_York"),
    ("614", "Columbus", "OH", "America/New_York"),
)
FIRST = [
    "Amara",
    "Noah",
    "Lucia",
    "Elias",
    "Priya",
    "Owen",
    "Hana",
    "Mateo",
    "Ruth",
    "Theo",
    "Leila",
    "Hugo",
    "Nadia",
    "Felix",
    "Carmen",
    "Jonah",
    "Ada",
    "Silas",
    "Inez",
    "Marcus",
    "Yara",
    "Emil",
    "Rosa",
    "Dario",
    "Wren",
    "Tomas",
    "Vera",
    "Kofi",
    "Maeve",
    "Idris",
    "Anika",
    "Cyrus",
    "Della",
    "Bruno",
    "Freya",
    "Gideon",
    "Halima",
    "Ivan",
    "Juno",
    "Kai",
    "Lena",
    "Milo",
    "Nora",
    "Otis",
    "Pearl",
    "Quinn",
    "Rafa",
    "Sana",
    "Tess",
    "Umar",
]
LAST = [
    "Abbott",
    "Barros",
    "Castell",
    "Dunmore",
    "Eklund",
    "Farrow",
    "Galindo",
    "Hartley",
    "Iverson",
    "Jacoby",
    "Kessler",
    "Lindqvist",
    "Marlow",
    "Nakano",
    "Okafor",
    "Prescott",
    "Quimby",
    "Rosales",
    "Sefton",
    "Thackeray",
    "Underhill",
    "Vance",
    "Whitlock",
    "Yates",
    "Zeller",
    "Ashdown",
    "Brightman",
    "Calloway",
    "Drummond",
    "Ellery",
    "Fenwick",
    "Greaves",
    "Holloway",
    "Ingram",
    "Jessop",
]

MAYA = Person("maya", "Maya", "Okonkwo", "+13105550142", "Los Angeles", "CA", "America/Los_Angeles")
JONAS = Person("jonas", "Jonas", "Weber", "+12125550117", "New York", "NY", "America/New_York")


def make_people(brand: BrandPlan, customer_ids: list[str]) -> dict[str, Person]:
    """One invented person for each customer id of the data, the same at every start."""
    dice = random.Random(brand.seed)  # noqa: S311 (a demo's dice)
    half = FICTION[:50] if brand.data == "online_retail" else FICTION[50:]
    numbers = [(place, line) for line in half for place in PLACES]
    dice.shuffle(numbers)
    if len(customer_ids) > len(numbers):
        raise ValueError("more customers than numbers that are free for fiction")
    people = {}
    for customer_id, ((area, city, state, zone), line) in zip(customer_ids, numbers, strict=False):
        first, last = dice.choice(FIRST), dice.choice(LAST)
        people[customer_id] = Person(
            user_id=f"c{customer_id}",
            first_name=first,
            last_name=last,
            phone=f"+1{area}5550{line}",
            city=city,
            region=state,
            timezone=zone,
        )
    return people
