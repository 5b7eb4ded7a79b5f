"""Which licence a text is: by sentences that stand in it and in no other."""

from __future__ import annotations

import re

_MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("LicenseRef-Llama-2-Community", ("llama 2 community license agreement",)),
    ("LicenseRef-Llama-3-Community", ("meta llama 3 community license agreement",)),
    ("LicenseRef-Llama-3.1-Community", ("llama 3.1 community license agreement",)),
    ("LicenseRef-Llama-3.2-Community", ("llama 3.2 community license agreement",)),
    ("LicenseRef-Llama-3.3-Community", ("llama 3.3 community license agreement",)),
    ("LicenseRef-Llama-4-Community", ("llama 4 community license agreement",)),
    ("LicenseRef-Gemma", ("gemma terms of use",)),
    ("AGPL-3.0-only", ("gnu affero general public license", "version 3, 19 november 2007")),
    ("LGPL-3.0-only", ("gnu lesser general public license", "version 3, 29 june 2007")),
    ("LGPL-2.1-only", ("gnu lesser general public license", "version 2.1, february 1999")),
    ("GPL-3.0-only", ("gnu general public license version 3, 29 june 2007",)),
    ("GPL-2.0-only", ("gnu general public license version 2, june 1991",)),
    ("Apache-2.0", ("apache license version 2.0, january 2004",)),
    ("Apache-2.0", ("licensed under the apache license, version 2.0",)),
    ("MPL-2.0", ("mozilla public license version 2.0",)),
    ("MPL-2.0", ("mozilla public license, version 2.0",)),
    ("MPL-2.0", ("mozilla public license, v. 2.0",)),
    ("PSF-2.0", ("python software foundation license version 2",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("CC-BY-NC-4.0", ("attribution-noncommercial 4.0 international",)),
    ("CC-BY-SA-4.0", ("attribution-sharealike 4.0 international",)),
    ("CC-BY-4.0", ("attribution 4.0 international",)),
    ("BSL-1.0", ("boost software license - version 1.0",)),
    ("Zlib", ("this software is provided 'as-is', without any express or implied warranty", "altered source versions")),
    ("BSD-4-Clause", ("redistribution and use in source and binary forms", "all advertising materials mentioning")),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "neither the name")),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "contributors may not be used to endorse")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms", "in binary form must reproduce")),
    ("MIT", ("permission is hereby granted, free of charge, to any person obtaining a copy",
             "permission notice shall be included")),
    ("MIT-0", ("permission is hereby granted, free of charge, to any person obtaining a copy",)),
    ("ISC", ("and/or distribute this software for any purpose with or without fee is hereby granted, provided",)),
    ("ISC", ("and distribute this software for any purpose with or without fee is hereby granted, provided",)),
    ("0BSD", ("distribute this software for any purpose with or without fee is hereby granted",)),
)  # fmt: skip
"""SPDX identifier or reference, and the sentences that must all stand in the text; the first row that fits wins.

A text does not say whether a later version may be used instead, so the GNU licences are given as `-only`.
"""
_FAMILIES = (frozenset(("BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause")), frozenset(("MIT", "MIT-0")),
             frozenset(("ISC", "0BSD")), frozenset(("CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0")))  # fmt: skip


def recognised(text: str) -> tuple[str, ...]:
    """The licences whose text this is or holds, as SPDX identifiers; empty when none is known.

    Args:
        text: A licence file; white space, case and comment marks do not matter.
    """
    plain = (
        re.sub(r"[\s*#;|]+", " ", text.lower().replace("‘", "'").replace("’", "'"))
        .replace("``", "'")
        .replace("''", "'")
    )
    found: list[str] = []
    for name, sentences in _MARKS:
        rivals = next((family for family in _FAMILIES if name in family), frozenset((name,)))
        if not rivals & set(found) and all(sentence in plain for sentence in sentences):
            found.append(name)
    return tuple(found)
