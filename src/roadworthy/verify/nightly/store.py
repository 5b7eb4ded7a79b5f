"""Where nights are kept: a folder each; good ones for 7 days, others for 30, and the last good one always."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from roadworthy.core.errors import StorageError
from roadworthy.runtime.atomic_file import replacing
from roadworthy.verify.instant import instant, seconds
from roadworthy.verify.nightly.run import Night, State

DAY_S = 86_400
GOOD_DAYS = 7
BAD_DAYS = 30
FILE = "night.json"
_NAME = re.compile(r"\d{8}T\d{6}Z-[a-z0-9-]+\Z")
_STAMP = len("20260102T030405Z-")


class Store:
    """A folder of nights.

    Args:
        folder: Made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, night: Night, page: str) -> Path:
        """Keep a night.

        Args:
            night: What was found.
            page: The same for people, as Markdown.

        Raises:
            StorageError: `store_unavailable`.
        """
        place = self.folder / f"{night.started.replace('-', '').replace(':', '')[:15]}Z-{night.name}"
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name, content in (("night.md", page.encode()), (FILE, msgspec.json.encode(night, order="sorted"))):
                with replacing(place / name, mode=0o644) as file:
                    file.write(content)
        except OSError as error:
            raise StorageError("The night cannot be kept.", f"{error.strerror or 'Input/output error'}.") from None
        return place

    def nights(self, name: str | None = None) -> Iterator[tuple[Path, Night]]:
        """The nights that can be read, newest first.

        Args:
            name: Of the cases; all when None.
        """
        for place in self._places():
            night = _read(place)
            if night is not None and (name is None or night.name == name):
                yield place, night

    def damaged(self, name: str) -> list[Path]:
        """Folders of nights of these cases whose record cannot be read, newest first: nobody knows how they ended."""
        return [place for place in self._places() if place.name[_STAMP:] == name and _read(place) is None]

    def _places(self) -> list[Path]:
        places = sorted(self.folder.glob("*"), reverse=True) if self.folder.is_dir() else []
        return [place for place in places if _NAME.match(place.name)]

    def last_good(self, name: str) -> tuple[Path, Night] | None:
        """The newest good night of these cases."""
        return next(((place, night) for place, night in self.nights(name) if night.state is State.GOOD), None)

    def prune(self, now: float) -> list[Path]:
        """Remove what is older than it is kept; the last good night of each set of cases stays.

        Args:
            now: Seconds since the Unix epoch.

        Returns:
            What was removed.
        """
        kept: set[str] = set()
        gone = []
        for place, night in list(self.nights()):
            days = GOOD_DAYS if night.state is State.GOOD else BAD_DAYS
            newest = night.state is State.GOOD and night.name not in kept
            if night.state is State.GOOD:
                kept.add(night.name)
            if not newest and now - seconds(night.ended) > days * DAY_S:
                shutil.rmtree(place, ignore_errors=True)
                gone.append(place)
        return gone


def stamp(at: float) -> str:
    """Seconds since the Unix epoch as ISO 8601 in UTC."""
    return instant(at)


def _read(place: Path) -> Night | None:
    try:
        return msgspec.json.decode((place / FILE).read_bytes(), type=Night)
    except (OSError, msgspec.DecodeError):
        return None
