"""Versions and requirements of packages as PEP 440 and PEP 508 read them: the library `packaging`, or who lacks it."""

from __future__ import annotations

from roadworthy.core.errors import ConfigError

try:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion, Version
except ImportError:
    raise ConfigError(
        "Reading versions needs the package packaging.", "", "Install roadworthy[verify].", code="extra_missing"
    ) from None

__all__ = ["InvalidRequirement", "InvalidVersion", "Requirement", "Version"]
