"""HDF5 files as Keras writes them are read; other parts of HDF5 are refused. h5py is the oracle."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from grelu_models.errors import ModelError
from grelu_models.files.hdf5 import Dataset, Group, open_hdf5
from keras_files import TINY, tiny_weights, write_h5


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "a.h5"


def read(path: Path, name: str | None = None) -> dict[str, np.ndarray]:
    """All datasets of a file, or one of them."""
    with path.open("rb") as file, open_hdf5(path, file) as root:
        return {d.path: d.read() for d in root.walk() if name in (None, d.path)}


def texts(path: Path, name: str, group: str = "") -> list[str] | None:
    with path.open("rb") as file, open_hdf5(path, file) as root:
        found = root.get_group(group) if group else root
        assert found is not None
        return found.get_texts(name)


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f2", "<f8", "<i4", ">u2", "i1"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4), (0, 3)])
def test_datasets_have_the_values_of_h5py(path, kind, shape):
    values = (np.random.default_rng(0).normal(size=shape) * 50).astype(kind)
    with h5py.File(path, "w") as file:
        file.create_dataset("a/b", data=values)
    (found,) = read(path).values()
    assert found.shape == shape and found.dtype == np.dtype(kind).newbyteorder("=")
    assert np.array_equal(found, values) and found.flags.writeable


def test_groups_of_many_members_are_read_in_order_of_names(path):
    names = [f"layer_{i}" for i in range(700)]
    with h5py.File(path, "w") as file:
        for i, name in enumerate(names):
            file[f"top/{name}"] = np.float32(i)
    with path.open("rb") as file, open_hdf5(path, file) as root:
        top = root.get_group("top")
        assert top.list_members() == sorted(names)
        assert top.get("layer_69").read() == 69 and top.get("layer_700") is None
    assert len(read(path)) == 700


def test_texts_of_attributes(path):
    with h5py.File(path, "w") as file:
        file.attrs["long"] = "é" * 100_000
        file.attrs["fixed"] = np.array([b"one", b"three"])
        file.attrs["list"] = ["a", "", "ccc"]
        file.attrs["empty"] = np.array([])
        file.attrs["number"] = 3
        for i in range(50):  # the header continues in other blocks
            file.attrs[f"more{i}"] = f"text {i}" * 40
    assert texts(path, "long") == ["é" * 100_000]
    assert texts(path, "fixed") == ["one", "three"]
    assert texts(path, "list") == ["a", "", "ccc"]
    assert texts(path, "empty") == [] and texts(path, "number") == []
    assert texts(path, "more49") == ["text 49" * 40]
    assert texts(path, "none") is None


def test_members_are_groups_or_datasets(path):
    write_h5(path, TINY, tiny_weights())
    with path.open("rb") as file, open_hdf5(path, file) as root:
        assert isinstance(root.get("model_weights/first/first"), Group)
        dataset = root.get("model_weights/first/first/kernel:0")
        assert isinstance(dataset, Dataset) and dataset.shape == (5, 4, 3)
        assert root.get_group("model_weights/first/first/kernel:0") is None
        assert root.get("model_weights/first/first/kernel:0/more") is None


AGAIN = "load the model in Keras and save it again"


def external_link(file):
    file["a"] = h5py.ExternalLink("/etc/passwd", "b")


def soft_link(file):
    file["a"] = h5py.SoftLink("/b")


def external_storage(file):
    file.create_dataset("a", (4,), "f4", external=[("raw.bin", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "b", (4,))
    file.create_virtual_dataset("a", layout)


def compressed(file):
    file.create_dataset("a", data=np.zeros(2**20, "f4"), compression="gzip")


def chunked(file):
    file.create_dataset("a", data=np.zeros(100, "f4"), chunks=(10,))


def texts_as_values(file):
    file["a"] = ["text"]


def deep(file):
    file["/".join("a" * 40)] = np.float32(0)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (external_link, "links in the newer layout of HDF5"),
        (soft_link, "'a' is a link to another path"),
        (external_storage, "'a' is stored in another file"),
        (virtual, "'a' is chunked or virtual"),
        (compressed, "'a' is compressed"),
        (chunked, "'a' is chunked or virtual"),
        (texts_as_values, "'a' is not of plain numbers"),
        (deep, "more than 32 groups within groups"),
    ],
)
def test_other_parts_of_hdf5_are_refused(path, write, reason):
    with h5py.File(path, "w") as file:
        write(file)
    with pytest.raises(ModelError) as error:
        read(path)
    assert str(error.value) == f"{path}: refused, {reason}: {AGAIN}"


def test_newer_layouts_are_refused(path):
    with h5py.File(path, "w", libver="latest") as file:
        file["a"] = np.zeros(3)
    with pytest.raises(ModelError, match="refused, version . of the HDF5 superblock"):
        read(path)


def test_a_group_that_contains_itself_ends(path):
    with h5py.File(path, "w") as file:
        file["a/b"] = file["/"]
    with pytest.raises(ModelError, match="more than 32 groups within groups"):
        read(path)


def test_datasets_that_share_their_bytes_are_refused(path):
    with h5py.File(path, "w") as file:
        file["a"] = np.zeros(10_000)
        for i in range(3):
            file[f"b{i}"] = file["a"]
    with pytest.raises(ModelError, match="its datasets are larger than the file, or overlap"):
        read(path)


def test_a_truncated_file_is_one_error(path):
    write_h5(path, TINY, tiny_weights())
    whole = path.read_bytes()
    for size in (9, 95, 200, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError, match="damaged or truncated, fetch it again: "):
            read(path)


def test_neither_h5py_nor_torch_is_imported():
    code = (
        "import sys, grelu_models.files.weights_file;"
        "sys.exit(any(name in sys.modules for name in ('h5py', 'torch', 'keras')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
