"""Fresh phone numbers by the national numbering plans (ITU-T E.164 and the regulators' plans)."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from roadworthy.guard.corpus.sample import Value, plain
from roadworthy.guard.text.kind import Kind


class _Plan(NamedTuple):
    """Numbers of one country: its code, its shapes (`#` a digit, `N` 2 to 9, `M` no 1), the trunk prefix."""

    code: str
    shapes: tuple[str, ...]
    trunk: str
    languages: tuple[str, ...]


_PLANS = {
    "KR": _Plan("82", ("10 3### ####", "10 6### ####", "10 9### ####", "2 N### ####", "31 N## ####", "70 N### ####",
                       "51 N## ####"), "0", ("ko", "ko", "ko", "en")),
    "US": _Plan("1", ("415 NM# ####", "212 NM# ####", "650 NM# ####", "303 NM# ####", "617 NM# ####"), "", ("en",)),
    "GB": _Plan("44", ("7400 1#####", "7911 12####", "20 7946 0###", "161 496 0###"), "0", ("en",)),
    "JP": _Plan("81", ("90 N### ####", "80 N### ####", "3 52## ####"), "0", ("ja",)),
    "CN": _Plan("86", ("138 #### ####", "159 #### ####", "186 #### ####"), "", ("zh",)),
    "DE": _Plan("49", ("171 N######", "160 N######", "30 N#######"), "0", ("de",)),
    "FR": _Plan("33", ("6 12 ## ## ##", "7 60 ## ## ##", "1 42 ## ## ##"), "0", ("fr",)),
    "ES": _Plan("34", ("612 ## ## ##", "655 ### ###", "912 ### ###"), "", ("es",)),
    "IT": _Plan("39", ("347 N## ####", "333 N## ####"), "", ("it",)),
    "PT": _Plan("351", ("912 ### ###", "961 ### ###"), "", ("pt",)),
    "BR": _Plan("55", ("11 99### ####", "21 98### ####"), "", ("pt",)),
    "NL": _Plan("31", ("6 12######", "6 41######"), "0", ("nl",)),
    "PL": _Plan("48", ("501 ### ###", "601 ### ###"), "", ("pl",)),
    "RU": _Plan("7", ("912 N## ## ##", "916 N## ## ##"), "8", ("ru",)),
    "TR": _Plan("90", ("532 N## ## ##", "542 N## ## ##"), "0", ("tr",)),
    "EG": _Plan("20", ("10 0### ####", "12 0### ####"), "0", ("ar",)),
    "AE": _Plan("971", ("50 N## ####", "55 N## ####"), "0", ("ar",)),
    "IN": _Plan("91", ("98200 #####", "99100 #####"), "", ("hi", "en")),
    "VN": _Plan("84", ("90 N## ## ##", "98 N## ## ##"), "0", ("vi",)),
    "ID": _Plan("62", ("812 N### ####", "813 N### ####"), "0", ("id",)),
    "TH": _Plan("66", ("81 N## ####", "89 N## ####"), "0", ("th",)),
    "SE": _Plan("46", ("70 123 ## ##", "73 123 ## ##"), "0", ("sv",)),
}  # fmt: skip
_LOCAL = ("KR", "KR", "US")
_SEPARATORS = (" ", " ", "-", "", ".")


def phone(rng: Random) -> Value:
    """A phone number: abroad's form (`+`, `00`), or at home with the trunk prefix.

    Numbers of Korea and the US are known at home without a name; others stand behind a word for phone.
    """
    country = rng.choice(_LOCAL) if rng.random() < 0.4 else rng.choice(tuple(_PLANS))
    plan = _PLANS[country]
    groups = _number(rng, rng.choice(plan.shapes)).split()
    form = rng.choice(("plus", "plus", "home", "home", "zeros", "trunk in brackets"))
    separator = rng.choice(_SEPARATORS)
    if form == "home":
        return _at_home(rng, country, groups, separator)
    text = separator.join([plan.code, *groups])
    if form == "zeros" and country != "US":
        return plain(Kind.PHONE, "00" + text, f"{country} 00", languages=plan.languages, bare=False)
    if form == "trunk in brackets" and plan.trunk == "0":
        text = f"{plan.code} (0){(separator or ' ').join(groups)}"
    if country == "US" and form == "trunk in brackets":
        text = f"1 ({groups[0]}) {groups[1]}-{groups[2]}"
    return plain(Kind.PHONE, "+" + text, f"{country} +", languages=plan.languages)


def _number(rng: Random, shape: str) -> str:
    allowed = {"#": "0123456789", "N": "23456789", "M": "023456789"}
    return "".join(rng.choice(allowed[char]) if char in allowed else char for char in shape)


def _at_home(rng: Random, country: str, groups: list[str], separator: str) -> Value:
    plan = _PLANS[country]
    form = f"{country} at home"
    if country == "US":
        separator = separator or "-"
        text = separator.join(groups)
        if rng.random() < 0.4:
            text = f"({groups[0]}) {groups[1]}-{groups[2]}"
        return plain(Kind.PHONE, text, form, languages=plan.languages, bare=separator != " ")
    if country == "RU":
        text = f"8 ({groups[0]}) {groups[1]}-{groups[2]}-{groups[3]}"
        return plain(Kind.PHONE, text, form, languages=plan.languages, bare=False)
    if country == "BR":
        text = f"({groups[0]}) {groups[1]}-{groups[2]}"
        return plain(Kind.PHONE, text, form, languages=plan.languages, bare=False)
    mobile = country == "KR" and groups[0] == "10"
    separator = separator if country != "KR" or mobile else "-"
    text = separator.join([plan.trunk + groups[0], *groups[1:]])
    return plain(Kind.PHONE, text, form, languages=plan.languages, bare=country == "KR")
