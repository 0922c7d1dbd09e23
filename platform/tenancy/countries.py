"""Countries a workspace may be in, with the money they use: what a new client starts with. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    code: str
    name: str
    currency: str


_ALL = """
AE AED United Arab Emirates
AR ARS Argentina
AT EUR Austria
AU AUD Australia
BE EUR Belgium
BG EUR Bulgaria
BR BRL Brazil
CA CAD Canada
CH CHF Switzerland
CL CLP Chile
CN CNY China
CO COP Colombia
CZ CZK Czechia
DE EUR Germany
DK DKK Denmark
EE EUR Estonia
EG EGP Egypt
ES EUR Spain
FI EUR Finland
FR EUR France
GB GBP United Kingdom
GR EUR Greece
HK HKD Hong Kong
HR EUR Croatia
HU HUF Hungary
ID IDR Indonesia
IE EUR Ireland
IL ILS Israel
IN INR India
IS ISK Iceland
IT EUR Italy
JP JPY Japan
KE KES Kenya
KR KRW South Korea
LT EUR Lithuania
LU EUR Luxembourg
LV EUR Latvia
MA MAD Morocco
MX MXN Mexico
MY MYR Malaysia
NG NGN Nigeria
NL EUR Netherlands
NO NOK Norway
NZ NZD New Zealand
PE PEN Peru
PH PHP Philippines
PL PLN Poland
PT EUR Portugal
RO RON Romania
SA SAR Saudi Arabia
SE SEK Sweden
SG SGD Singapore
SI EUR Slovenia
SK EUR Slovakia
TH THB Thailand
TR TRY Türkiye
TW TWD Taiwan
UA UAH Ukraine
US USD United States
VN VND Vietnam
ZA ZAR South Africa
"""


def _read(text: str) -> dict[str, Country]:
    rows = (line.split(" ", 2) for line in text.strip().splitlines())
    found = [Country(code, name, currency) for code, currency, name in rows]
    return {one.code: one for one in sorted(found, key=lambda one: one.name)}


# By code, in the order of their names.
COUNTRIES = _read(_ALL)
