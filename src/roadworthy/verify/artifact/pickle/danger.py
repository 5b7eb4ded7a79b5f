"""Names that attacks are known to use: they change the message, never the verdict.

Whatever is not on the allowlist is unsafe; a list of bad names can only ever lag behind (readable messages are its use).
"""

from __future__ import annotations

_RUNS = "runs commands or code"
_CODE = "compiles, loads or unpickles code"
_REACHES = "reaches any attribute or module, and so any function"
_NETWORK = "talks to the network"
_FILES = "reads, writes or deletes files"

_MODULES: dict[str, str] = {
    **dict.fromkeys(
        (
            "os posix nt subprocess pty commands popen2 runpy code codeop pdb bdb profile cProfile trace timeit doctest "
            "multiprocessing asyncio concurrent threading _thread signal sched pip ensurepip venv idlelib distutils "
            "setuptools torch.utils._config_module torch._dynamo torch._inductor torch.testing lib2to3 _aix_support "
            "_osx_support ctypes _ctypes cffi webbrowser antigravity test _xxsubinterpreters _interpreters sys platform"
        ).split(),
        _RUNS,
    ),
    **dict.fromkeys(
        (
            "pickle _pickle cPickle marshal dill cloudpickle joblib shelve types importlib imp zipimport pkgutil _imp "
            "_frozen_importlib jsonpickle yaml numpy.f2py sympy numexpr"
        ).split(),
        _CODE,
    ),
    **dict.fromkeys("operator _operator functools itertools inspect pydoc gc weakref".split(), _REACHES),
    **dict.fromkeys(
        (
            "socket _socket ssl http httplib urllib urllib2 urllib3 requests httpx aiohttp ftplib smtplib smtpd poplib "
            "imaplib nntplib telnetlib xmlrpc socketserver torch.hub huggingface_hub boto3 paramiko"
        ).split(),
        _NETWORK,
    ),
    **dict.fromkeys(
        "io _io pathlib shutil tempfile glob fileinput linecache zipfile tarfile gzip bz2 lzma sqlite3 logging mmap".split(),
        _FILES,
    ),
}
_BUILTINS: dict[str, str] = {
    **dict.fromkeys("eval exec execfile compile __import__ breakpoint help input apply".split(), _RUNS),
    **dict.fromkeys("getattr setattr delattr globals locals vars type map filter reduce __build_class__".split(), _REACHES),
    "open": _FILES,
}


def danger(module: str, name: str) -> str | None:
    """What a name is known to be used for; None when nothing is known of it."""
    if module in ("builtins", "__builtin__"):
        return _BUILTINS.get(name.split(".")[0]) or (_REACHES if "." in name else None)
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        known = _MODULES.get(".".join(parts[:length]))
        if known:
            return known
    first = name.split(".")[0]
    return _MODULES.get(first) if "." in name else None
