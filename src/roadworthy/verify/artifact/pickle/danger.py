"""Names that attacks are known to use: they change the message, never the verdict.

Whatever is not on the allowlist is unsafe. A list of bad names can only lag behind; its use is a message that says why.
"""

from __future__ import annotations

_RUNS = "runs commands or code"
_CODE = "compiles, loads or unpickles code"
_REACHES = "reaches any attribute or module, and so any function"
_NETWORK = "talks to the network"
_FILES = "reads, writes or deletes files"

_WORDS: dict[str, str] = {
    _RUNS: """
        os posix nt subprocess pty commands popen2 runpy code codeop pdb bdb profile cProfile trace timeit doctest
        multiprocessing asyncio concurrent threading _thread signal sched pip ensurepip venv idlelib distutils
        setuptools torch.utils._config_module torch._dynamo torch._inductor torch.testing lib2to3 _aix_support
        _osx_support ctypes _ctypes cffi webbrowser antigravity test _xxsubinterpreters _interpreters sys platform
    """,
    _CODE: """
        pickle _pickle cPickle marshal dill cloudpickle joblib shelve types importlib imp zipimport pkgutil _imp
        _frozen_importlib jsonpickle yaml numpy.f2py sympy numexpr
    """,
    _REACHES: "operator _operator functools itertools inspect pydoc gc weakref",
    _NETWORK: """
        socket _socket ssl http httplib urllib urllib2 urllib3 requests httpx aiohttp ftplib smtplib smtpd poplib
        imaplib nntplib telnetlib xmlrpc socketserver torch.hub huggingface_hub boto3 paramiko
    """,
    _FILES: """
        io _io pathlib shutil tempfile glob fileinput linecache zipfile tarfile gzip bz2 lzma sqlite3 logging mmap
    """,
}
_MODULES = {module: why for why, words in _WORDS.items() for module in words.split()}
_DEEPEST = max(module.count(".") for module in _MODULES) + 1
_BUILTIN_WORDS: dict[str, str] = {
    _RUNS: "eval exec execfile compile __import__ breakpoint help input apply",
    _REACHES: "getattr setattr delattr globals locals vars type map filter reduce __build_class__",
    _FILES: "open",
}
_BUILTINS = {name: why for why, words in _BUILTIN_WORDS.items() for name in words.split()}


def danger(module: str, name: str) -> str | None:
    """What a name is known to be used for; None when nothing is known of it."""
    if module in ("builtins", "__builtin__"):
        return _BUILTINS.get(name.split(".")[0]) or (_REACHES if "." in name else None)
    parts = module.split(".", _DEEPEST)[:_DEEPEST]
    for length in range(len(parts), 0, -1):
        known = _MODULES.get(".".join(parts[:length]))
        if known:
            return known
    return _MODULES.get(name.split(".")[0]) if "." in name else None
