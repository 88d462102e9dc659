import errno
import subprocess
import sys

import pytest

from zoo import locks
from zoo.locks import Lock, alone_in

pytestmark = pytest.mark.skipif(locks.fcntl is None, reason="the system has no locks of folders")


def test_one_holds_a_lock_at_a_time(tmp_path):
    with Lock(tmp_path) as lock:
        assert lock.certain
        with pytest.raises(BlockingIOError):
            Lock(tmp_path)
    Lock(tmp_path).close()


def test_another_process_is_named_with_the_folder(tmp_path):
    code = (
        f"from zoo.locks import Lock; lock = Lock({str(tmp_path)!r}); print(1, flush=True); input()"
    )
    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        process.stdout.readline()
        with (
            pytest.raises(BlockingIOError, match=f"Another process is writing to {tmp_path}; wait"),
            alone_in(tmp_path),
        ):
            pass
        process.kill()
    with alone_in(tmp_path):
        pass


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.ENOTSUP, errno.EBADF])
def test_where_there_are_no_locks_everybody_goes_on(tmp_path, monkeypatch, error):
    def refuse(*_):
        raise OSError(error, "no locks")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with Lock(tmp_path) as lock, alone_in(tmp_path):
        assert not lock.certain
    monkeypatch.setattr(locks, "fcntl", None)
    with Lock(tmp_path) as lock, alone_in(tmp_path):
        assert not lock.certain
