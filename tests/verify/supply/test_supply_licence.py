"""Licences: what people write becomes SPDX or stays unknown, and unknown is never allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.verify.supply.installed import Distribution
from roadworthy.verify.supply.licence import Ruling, licence_of, policy, ruling, spdx, spdx_of_name
from roadworthy.verify.supply.licence_name import CLASSIFIERS, FREE_FORMS
from roadworthy.verify.supply.licence_text import recognised

OSI = "License :: OSI Approved :: "
BSD = "Redistribution and use in source and binary forms … Redistributions in binary form must reproduce the above …"
MIT = (
    "Permission is hereby granted, free of charge, to any person\n  obtaining a copy … The above copyright notice and\n"
    "this permission notice shall be included in all copies"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT", "MIT"),
        ("mit license", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache Software License 2.0", "Apache-2.0"),
        ("Apache-2.0 license", "Apache-2.0"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("New BSD License", "BSD-3-Clause"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("MPL 2.0", "MPL-2.0"),
        ("mit OR apache-2.0", "MIT OR Apache-2.0"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("LicenseRef-Our-Own", "LicenseRef-Our-Own"),
        ("BSD", None),
        ("BSD License", None),
        ("GPL", None),
        ("Dual License", None),
        ("Proprietary", None),
        ("UNKNOWN", None),
        ("see LICENSE", None),
        ("", None),
        ("MIT OR", None),
        ("(((", None),
        ("MIT\nCopyright", None),
        ("x" * 5000, None),
    ],
)
def test_names(text: str, expected: str | None) -> None:
    assert spdx_of_name(text) == expected


def test_every_name_in_the_tables_is_one_of_spdx() -> None:
    for name in {*CLASSIFIERS.values(), *FREE_FORMS.values()} - {""}:
        assert spdx(name) == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MIT, ("MIT",)),
        (BSD, ("BSD-2-Clause",)),
        (BSD + " Neither the name of the X nor", ("BSD-3-Clause",)),
        (BSD + " All advertising materials mentioning features. Neither the name", ("BSD-4-Clause",)),
        ("  Apache License\n   Version 2.0, January 2004", ("Apache-2.0",)),
        ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT", ("LicenseRef-Llama-3-Community",)),
        ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", ("LicenseRef-Llama-3.1-Community",)),
        ("Creative Commons Attribution-NonCommercial 4.0 International", ("CC-BY-NC-4.0",)),
        (MIT + "\n\n" + BSD, ("BSD-2-Clause", "MIT")),
        ("All rights reserved.", ()),
        ("", ()),
    ],
)
def test_texts(text: str, expected: tuple[str, ...]) -> None:
    assert recognised(text) == expected


def _distribution(
    folder: Path, expression: str | None = None, licence: str | None = None, classifiers: tuple[str, ...] = ()
) -> Distribution:
    return Distribution("Some_Thing", "1", folder, expression, licence, classifiers, (), "")


@pytest.mark.parametrize(
    ("expression", "licence", "classifiers", "text", "found", "source"),
    [
        ("MIT", "GPL", (), "", "MIT", "License-Expression"),
        ("no such", "MIT", (), "", None, "License-Expression"),
        (None, "MIT", (), "", "MIT", "License"),
        (None, "UNKNOWN", (OSI + "MIT License",), "", "MIT", "classifiers"),
        (None, MIT, (), "", "MIT", "text"),
        (None, "MIT", (OSI + "GNU General Public License v3 (GPLv3)",), "", None, "License"),
        (None, "MIT", (OSI + "MIT License", OSI + "Apache Software License"), "", "MIT", "License"),
        (None, None, (OSI + "MIT License", OSI + "Apache Software License"), "", "Apache-2.0 AND MIT", "classifiers"),
        (None, "BSD", (OSI + "BSD License",), "", None, "License"),
        (None, "BSD", (OSI + "BSD License",), BSD, "BSD-2-Clause", "text"),
        (None, "Dual License", (OSI + "BSD License", OSI + "Apache Software License"), BSD,
         "Apache-2.0 AND BSD-2-Clause", "text"),
        (None, None, ("License :: Other/Proprietary License",), "", None, "License"),
        (None, None, (), "All rights reserved.", None, "License"),
        (None, None, (), "", None, "License"),
    ],
)  # fmt: skip
def test_packages(
    expression: str | None, licence: str | None, classifiers: tuple[str, ...], text: str, found: str | None,
    source: str, tmp_path: Path,
) -> None:  # fmt: skip
    if text:
        (tmp_path / "LICENSE.txt").write_text(text)
    seen = licence_of(_distribution(tmp_path, expression, licence, classifiers))
    assert (seen.expression, seen.source) == (found, source)
    assert bool(seen.why) is (found is None)


def test_a_person_may_say_it(tmp_path: Path) -> None:
    rules = policy(packages={"some.thing": "bsd-3-clause"})
    assert licence_of(_distribution(tmp_path, None, "BSD"), rules.packages)[:2] == ("BSD-3-Clause", "policy")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", Ruling.ALLOWED),
        ("AGPL-3.0-only", Ruling.DENIED),
        ("LicenseRef-Own", Ruling.UNLISTED),
        ("MIT OR AGPL-3.0-only", Ruling.ALLOWED),
        ("MIT AND AGPL-3.0-only", Ruling.DENIED),
        ("MIT AND (Apache-2.0 OR AGPL-3.0-only)", Ruling.ALLOWED),
        ("MIT AND LicenseRef-Own", Ruling.UNLISTED),
        ("LicenseRef-Own OR AGPL-3.0-only", Ruling.UNLISTED),
        ("Apache-2.0 WITH LLVM-exception", Ruling.ALLOWED),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Ruling.DENIED),
        ("no such thing", Ruling.UNLISTED),
    ],
)
def test_rulings(expression: str, expected: Ruling) -> None:
    assert ruling(expression, policy()) is expected


def test_a_policy_may_add_and_replace() -> None:
    assert ruling("LicenseRef-Own", policy(also_allow=["LicenseRef-Own"])) is Ruling.ALLOWED
    assert ruling("GPL-3.0-only", policy(also_allow=["GPL-3.0-only"])) is Ruling.ALLOWED
    assert ruling("Apache-2.0", policy(allow=["MIT"])) is Ruling.UNLISTED
    listed = policy(allow=["GPL-2.0-only WITH Classpath-exception-2.0"])
    assert ruling("GPL-2.0-only WITH Classpath-exception-2.0", listed) is Ruling.ALLOWED
    assert ruling("GPL-2.0-only", listed) is Ruling.DENIED


@pytest.mark.parametrize(
    "parts", [{"allow": ["BSD"]}, {"packages": {"a": "free"}}, {"allow": ["MIT"], "deny": ["MIT"]}, {"deny": [""]}]
)
def test_bad_policies(parts: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        policy(**parts)  # type: ignore[arg-type]
