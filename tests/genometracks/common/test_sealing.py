"""A seal is of the bytes that were written, not of the bytes that a disk returns."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genometracks.common.sealing import write_sealed
from genometracks.errors import UserError


@given(st.lists(st.binary(max_size=40)), st.randoms(use_true_random=False))
def test_the_seal_is_that_of_the_file_for_any_order_of_writing(tmp_path_factory, parts, random):
    path = tmp_path_factory.mktemp("seal") / "file"
    starts = [sum(map(len, parts[:i])) for i in range(len(parts))]
    order = list(range(len(parts)))
    random.shuffle(order)
    with write_sealed(path) as file:
        for i in order:
            file.seek(starts[i])
            assert file.tell() == starts[i]
            file.write(parts[i])
    whole = b"".join(parts)
    assert path.read_bytes() == whole
    state = path.stat()
    assert file.sealed.path == path and file.sealed.bytes == len(whole)
    assert file.sealed.sha256 == hashlib.sha256(whole).hexdigest()
    assert file.sealed.modified == state.st_mtime_ns


@pytest.mark.parametrize("order", ["in sequence", "header last"])
def test_a_file_that_a_disk_changes_is_an_error_and_does_not_get_its_name(tmp_path, order):
    path = tmp_path / "file"
    problem = f"{path}: the file does not contain what was written: the disk or the memory"
    with pytest.raises(UserError, match=problem), write_sealed(path) as file:  # noqa: PT012
        if order == "header last":
            file.seek(4)
        file.write(b"data" * 1000)
        if order == "header last":
            file.seek(0)
            file.write(b"head")
        file.flush()
        (part,) = tmp_path.iterdir()
        file._file.flush()
        if order == "in sequence":
            os.truncate(part, 100)
        else:
            with open(part, "r+b") as other:
                other.seek(2000)
                other.write(b"X")
    assert not list(tmp_path.iterdir())


def test_a_gap_or_a_byte_that_is_written_twice_is_a_mistake_of_the_program(tmp_path):
    for start in (3, 1):
        with (  # noqa: PT012
            pytest.raises(RuntimeError, match=r"byte 2 was written twice or not at all"),
            write_sealed(tmp_path / "file") as file,
        ):
            file.write(b"ab")
            file.seek(start)
            file.write(b"cd")
