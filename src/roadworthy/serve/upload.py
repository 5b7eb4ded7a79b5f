"""Reads a multipart upload (RFC 7578) straight to disk: no more than one piece of it is ever in memory."""

from __future__ import annotations

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from roadworthy.core.errors import UsageError
from roadworthy.gateway.batch.files import FileStore, PartFile

MAX_FIELD_BYTES = 1_024
MAX_HEADER_BYTES = 4_096
MAX_PARTS = 16
PIECE_BYTES = 1 << 20


class Upload:
    """The parts of one upload: the file goes to disk, small fields are kept.

    Args:
        files: Where the file goes.
        boundary: Of the multipart body.
        max_bytes: Largest file.
    """

    def __init__(self, files: FileStore, boundary: bytes, max_bytes: int) -> None:
        self.fields: dict[str, str] = {}
        self.filename = ""
        self.file: PartFile | None = None
        self.complete = False
        self._files = files
        self._max_bytes = max_bytes
        self._name = ""
        self._is_file = False
        self._parts = 0
        self._header_name = self._header_value = self._value = b""
        self._parser = MultipartParser(boundary, {
            "on_part_begin": self._part_begin, "on_part_data": self._part_data, "on_part_end": self._part_end,
            "on_header_field": self._header_field, "on_header_value": self._more_value,
            "on_header_end": self._header_end, "on_end": self._end,
        }, max_header_size=MAX_HEADER_BYTES)  # fmt: skip

    def feed(self, data: bytes) -> None:
        """Take a piece.

        Raises:
            UsageError: `invalid_request` for no multipart, `request_too_large`.
            StorageError: `store_unavailable`.
        """
        try:
            self._parser.write(data)
        except MultipartParseError:
            raise UsageError("The upload is not valid multipart/form-data.") from None

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise UsageError(f"The upload has more than {MAX_PARTS} parts.", code="request_too_large")
        self._name, self._is_file, self._value = "", False, b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _more_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            _, options = parse_options_header(self._header_value)
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
            if self._name == "file":
                if self.file is not None:
                    raise UsageError("The upload has two files.", param="file")
                self.filename = options.get(b"filename", b"").decode("utf-8", "replace")
                self.file = self._files.open_part()
                self._is_file = True
        self._header_name = self._header_value = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file and self.file is not None:
            self.file.write(data[start:end])
            if self.file.size > self._max_bytes:
                raise UsageError(f"The file is larger than {self._max_bytes} bytes.", code="request_too_large")
            return
        self._value += data[start:end]
        if len(self._value) > MAX_FIELD_BYTES:
            raise UsageError("A field of the upload is too long.", code="request_too_large")

    def _part_end(self) -> None:
        if not self._is_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")

    def _end(self) -> None:
        self.complete = True


async def receive(request: Request, files: FileStore, max_bytes: int) -> Upload:
    """Read the whole upload; whoever gets it keeps or drops its file.

    Raises:
        UsageError: `invalid_request`, `request_too_large`; nothing is left on disk.
        StorageError: `store_unavailable`; the same.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 70:
        raise UsageError("The upload is not multipart/form-data.", "Send the fields purpose and file as a form does.")
    upload = Upload(files, boundary, max_bytes)
    try:
        waiting = bytearray()
        async for piece in request.stream():
            waiting += piece
            if len(waiting) >= PIECE_BYTES:
                await run_in_threadpool(upload.feed, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(upload.feed, bytes(waiting))
        if not upload.complete or upload.file is None:
            raise UsageError("The upload is not complete.", "The field file is missing, or the end of the body.")
    except BaseException:  # also when the caller hung up
        if upload.file is not None:
            upload.file.drop()
        raise
    return upload
