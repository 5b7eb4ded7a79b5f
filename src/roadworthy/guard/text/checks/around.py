"""What stands around a number and tells that it is part of something else."""

from __future__ import annotations

from roadworthy.guard.text.later import compiled_later

_FRACTION = compiled_later(rb"\.[0-9]")
_UUID_BEFORE = compiled_later(rb"(?<![0-9A-Za-z])[0-9A-Fa-f]{4,12}-\Z")
_UUID_AFTER = compiled_later(rb"-[0-9A-Fa-f]{4,12}(?![0-9A-Za-z])")
_LONGEST_GROUP = 14
_DATE = compiled_later(
    rb"(?<![0-9])(?:(?:19|20)[0-9]{2}([-./ ])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12][0-9]|3[01])"
    rb"|(?:0?[1-9]|[12][0-9]|3[01])([-./])(?:0?[1-9]|[12][0-9]|3[01])\2(?:19|20)[0-9]{2})(?![0-9])"
)
_OTHER_NAME = compiled_later(
    (
        r"(?:order|invoice|receipt|tracking|shipment|parcel|waybill|ticket|case|ref(?:erence)?|serial|sku|item|part|product"
        r"|lot|batch|model|isbn|issn|ean|upc|gtin|asin|account|acct|transaction|txn|trace|span|request|session|commit|hash"
        r"|uuid|guid|build|version|revision|pedido|commande|bestellung|rechnung|ordine"
        r"|주문|송장|계좌|접수|예약|승인|상품|注文|订单|訂單|заказ)"
        r"(?:[ _\-.]?(?:id|no|nr|num|number|code|key|번호|番号|号|號))?[ \t\"'\\:=#.(\[]{0,8}\Z"
    ).encode()
)
_NUMBER_BEFORE = compiled_later(rb"[0-9][ \-]\Z")
_NUMBER_AFTER = compiled_later(rb"[ \-][0-9]")
_NAME_BYTES = 48


def has_fraction(text: bytes, end: int) -> bool:
    """Whether a decimal point and a digit follow."""
    return _FRACTION.match(text, end) is not None


def in_uuid(text: bytes, start: int, end: int) -> bool:
    """Whether a group of hexadecimal digits and a hyphen stand before or behind."""
    if _UUID_AFTER.match(text, end):
        return True
    return _UUID_BEFORE.search(text, max(0, start - _LONGEST_GROUP), start) is not None


def has_date(value: bytes) -> bool:
    """Whether a calendar date (1900 to 2099) is written in it with hyphens, points, slashes or spaces."""
    return _DATE.search(value) is not None


def in_row_of_numbers(text: bytes, start: int, end: int) -> bool:
    """Whether another number stands before or behind with only a space or a hyphen between."""
    return (
        _NUMBER_BEFORE.search(text, max(0, start - 2), start) is not None or _NUMBER_AFTER.match(text, end) is not None
    )


def is_named_otherwise(lower: bytes, start: int) -> bool:
    """Whether the word right before says that the number is an order's, a parcel's, a build's, not a person's.

    Args:
        lower: The line in lower case.
        start: Where the number begins.
    """
    return _OTHER_NAME.search(lower, max(0, start - _NAME_BYTES), start) is not None
