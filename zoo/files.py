"""Files and folders that appear complete or not at all."""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from zoo.exchange import exchange
from zoo.locks import Lock

# What `str.splitlines` and others take for the end of a line, and the character that escapes it.
_ENDS_A_LINE = re.compile("[\\\\\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4}))")

_SHA256 = re.compile("[0-9a-fA-F]{64}")


@contextlib.contextmanager
def write_atomically(path):
    """Opens a binary file that takes its place at `path` when the block ends without an error.

    It can be read, too. An error, or the end of the process, leaves what was at `path` before. A
    link is followed, and what is no regular file (a device, a pipe) is written to directly.

    A process that is killed leaves a hidden folder beside `path`, `.NAME.unfinished-*`, which is
    removed when `path` is next written.

    Raises:
        OSError: `path` cannot be written; `check_writable` says so beforehand.
    """
    check_writable(path)
    if _is_stream(path):
        with open(path, "wb") as file:
            yield file
        return
    path = Path(path).resolve()
    with scratch_folder(path.parent, _unfinished(path)) as scratch:
        with open(scratch / path.name, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch / path.name, path)


@contextlib.contextmanager
def replace_folder(path, kind, mark, *, overwrite=False):
    """Makes a folder that takes its place at `path` when the block ends without an error.

    An error leaves what was at `path` before. Whoever looks finds the folder of before or the new
    one, at any time and however the process ends, where the system can exchange two folders
    (`zoo.exchange`); elsewhere there is a moment between two renames without any. A link is
    followed, folders above it are made.

    A process that is killed leaves a hidden folder beside `path`, `.NAME.unfinished-*`, which is
    removed when `path` is next replaced. Where it is killed between the two renames, the folder of
    before remains as `.NAME.replaced-*`.

    Args:
        path: of the folder.
        kind: what the folder is, as in "it is not a preset".
        mark: name of a file that tells folders of this kind; no other folder is replaced.
        overwrite: replace the folder that is there.

    Yields:
        `pathlib.Path` of an empty folder of the same name.

    Raises:
        FileExistsError: the path exists, and `overwrite` is not set or it is not of this kind.
        OSError: the folder cannot be written.
    """
    path = Path(path).resolve()
    check_replaceable(path, kind, mark, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_folder_of(path)
    with scratch_folder(path.parent, _unfinished(path)) as scratch:
        folder = scratch / path.name
        folder.mkdir()
        yield folder
        check_replaceable(path, kind, mark, overwrite)  # another process may have been as fast
        if not path.exists():
            os.replace(folder, path)
        elif not exchange(folder, path):
            _exchange_by_renames(folder, path)
        # The folder of before goes with the scratch folder.


def check_replaceable(path, kind, mark, overwrite):
    """Raises FileExistsError where `replace_folder` would."""
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it.")
    if path.exists() and not (path / mark).is_file():
        raise FileExistsError(f"{path} exists and is not a {kind}, so it is not replaced.")


def _unfinished(path):
    return f".{path.name}.unfinished-"


@contextlib.contextmanager
def scratch_folder(parent, prefix):
    """A folder within another, of a name that begins like this, for as long as the block runs.

    Those that processes left there which are no more are removed.
    """
    remove_abandoned(parent, prefix)
    scratch, lock = _locked_folder(parent, prefix)
    with lock:
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _locked_folder(parent, prefix):
    """A new folder and its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        # Until it is locked, others may take it for abandoned, and remove it.
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            lock = Lock(folder)
            if folder.exists():
                return folder, lock
            lock.close()


def remove_abandoned(folder, prefix):
    """Removes what processes that are no more left in a folder, of names that begin like this.

    Where the system has no locks (`zoo.locks`), all is left.
    """
    try:
        names = os.listdir(folder)
    except PermissionError:  # it may be written nevertheless
        return
    for name in names:
        if name.startswith(prefix):
            # Another process is at it, or removes it, or it is another user's.
            with contextlib.suppress(OSError), Lock(folder / name) as lock:
                if lock.certain:
                    shutil.rmtree(folder / name, ignore_errors=True)


def _exchange_by_renames(folder, path):
    # Not in the scratch folder, which is removed whatever happens.
    suffix = folder.parent.name.rpartition("-")[2]
    replaced = path.with_name(f".{path.name}.replaced-{suffix}")
    os.replace(path, replaced)
    try:
        os.replace(folder, path)
    except BaseException:
        os.replace(replaced, path)
        raise
    os.replace(replaced, folder)


def write_lines(path, lines):
    """Writes texts to a file, one a line, whatever they hold, as names of files may.

    The file is UTF-8. What ends a line is written as `\\x0a` or `\\u2028`, and a backslash as two.
    Bytes that are no UTF-8, which Python's names of files carry as surrogates, are written as they
    are.

    Args:
        path: of the file.
        lines: iterable of str.
    """
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.writelines(f"{_ENDS_A_LINE.sub(_escape, line)}\n" for line in lines)


def read_lines(path):
    """The list of texts that `write_lines` wrote.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return [_ESCAPED.sub(_unescape, line.removesuffix("\n")) for line in file]


def _escape(match):
    code = ord(match[0])
    if match[0] == "\\":
        return "\\\\"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _unescape(match):
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else "\\"


def sha256(path):
    """The SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_sha256(text):
    """A SHA-256 that somebody wrote, in the lower case in which `sha256` gives it.

    Raises:
        ValueError: the text is none.
    """
    if not isinstance(text, str) or not _SHA256.fullmatch(text):
        raise ValueError(f"A SHA-256 is 64 hexadecimal digits. Received: {text!r}")
    return text.lower()


def check_writable(path):
    """Raises OSError, with a word on `path`, if a file cannot be written there."""
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path} is a directory; name a file.")
    if not _is_stream(path):
        _check_folder_of(path)


def _is_stream(path):
    """Whether a path is that of a device or a pipe, which has no folder of files around it."""
    return os.path.exists(path) and not os.path.isdir(path) and not os.path.isfile(path)


def _check_folder_of(path):
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {folder}.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{path} cannot be written: the folder {folder} is read-only.")
