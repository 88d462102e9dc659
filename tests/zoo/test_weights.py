"""Files of weights that would have HDF5 reserve memory, or read other files."""

import shutil
import zlib

import h5py
import keras
import numpy as np
import pytest

from zoo.weights import at_most, check_weights, count_numbers


@pytest.fixture(scope="module")
def network():
    layers = keras.layers
    stack = [layers.Dense(64), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3)]
    return keras.Sequential([keras.Input((32,)), *stack])


@pytest.fixture(scope="module")
def sound(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model.weights.h5"
    network.save_weights(path)
    return path


@pytest.fixture
def path(sound, tmp_path):
    """A copy of a file of the network's weights, for changing."""
    return shutil.copy(sound, tmp_path / "model.weights.h5")


def largest(file):
    """Name of the first array of the largest shape."""
    found = []
    file.visititems(lambda name, item: found.append((item.size, name)) if is_array(item) else None)
    return max(found)[1]


def is_array(item):
    return isinstance(item, h5py.Dataset)


def replace(path, **options):
    """Has the largest array made anew with these options; returns it with its file."""
    file = h5py.File(path, "r+")
    name = largest(file)
    options = {"shape": file[name].shape, "dtype": "f4", **options}
    del file[name]
    return file, file.create_dataset(name, **options)


def test_own_weights_pass(path, network):
    check_weights(path, network)


@pytest.mark.parametrize("dtype", ["f2", "f8", "V2"])
@pytest.mark.parametrize(
    "options",
    [{}, {"chunks": (8, 64)}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True}],
)
def test_other_ways_to_pack_pass(path, network, dtype, options):
    file, array = replace(path, dtype=dtype, **options)
    with file:
        noise = np.random.default_rng(0).bytes(array.nbytes)
        array[:] = np.frombuffer(noise, array.dtype).reshape(array.shape)
    check_weights(path, network)


def test_arrays_of_other_shapes_are_refused(path, network):
    file, _ = replace(path, shape=(1 << 20, 1 << 14), chunks=(1024, 1024), compression="gzip")
    file.close()
    assert path.stat().st_size < 100_000  # and 64 GiB to read
    with pytest.raises(ValueError, match=r"another network: \(1048576, 16384\) in 'layers/dense"):
        check_weights(path, network)


def test_further_arrays_are_refused(path, network):
    with h5py.File(path, "r+") as file:
        file["layers/more"] = np.zeros((32, 64))
    with pytest.raises(ValueError, match=r"another network: \(32, 64\) in 'layers/more'"):
        check_weights(path, network)


@pytest.mark.parametrize("dtype", [h5py.string_dtype(), h5py.ref_dtype, "S100", "c8", "V100"])
def test_what_is_no_number_is_refused(path, network, dtype):
    replace(path, dtype=dtype)[0].close()
    with pytest.raises(ValueError, match="where numbers are expected"):
        check_weights(path, network)


def external_link(file, name):
    del file[name]
    file[name] = h5py.ExternalLink("other.h5", name)


def soft_link(file, name):
    file.move(name, "elsewhere")
    file[name] = h5py.SoftLink("/elsewhere")


def virtual_array(file, name):
    layout = h5py.VirtualLayout(shape=file[name].shape, dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=file[name].shape)
    del file[name]
    file.create_virtual_dataset(name, layout)


def external_array(file, name):
    shape = file[name].shape
    del file[name]
    file.create_dataset(name, shape, "f4", external=[("other", 0, h5py.h5f.UNLIMITED)])


@pytest.mark.parametrize("refer", [external_link, soft_link, virtual_array, external_array])
def test_what_is_elsewhere_is_refused(path, network, refer):
    with h5py.File(path, "r+") as file:
        refer(file, largest(file))
    with pytest.raises(ValueError, match="refers to something elsewhere by"):
        check_weights(path, network)


def test_groups_that_hold_themselves_are_no_endless_walk(path, network):
    with h5py.File(path, "r+") as file:
        file["layers/loop"] = file["layers"]
    check_weights(path, network)
    with h5py.File(path, "r+") as file:
        file["layers/again"] = file[largest(file)]
    with pytest.raises(ValueError, match="another network"):
        check_weights(path, network)


CHUNK = (8, 64)


def write_chunk(array, content, filter_mask=0):
    array.id.write_direct_chunk((0, 0), content, filter_mask)


@pytest.mark.parametrize(
    ("options", "content", "mask"),
    [
        ({"compression": "gzip"}, zlib.compress(bytes(1 << 26)), 0),  # 64 MiB from 64 kB
        ({"compression": "gzip"}, zlib.compress(bytes(100)), 0),
        ({"compression": "gzip"}, zlib.compress(bytes(2048))[:-6], 0),
        ({"compression": "gzip"}, b"no stream", 0),
        ({"compression": "gzip"}, bytes(2048), 1),
        ({}, bytes(100), 0),  # the rest would be what lies behind it
    ],
    ids=["bomb", "short", "cut", "noise", "not compressed", "half"],
)
def test_chunks_that_are_not_their_size_are_refused(path, network, options, content, mask):
    file, array = replace(path, chunks=CHUNK, **options)
    with file:
        write_chunk(array, content, mask)
    with pytest.raises(ValueError, match="chunks of another size than they should be"):
        check_weights(path, network)


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (1 << 14, 1 << 14), "maxshape": (None, None)},  # 1 GiB to read one number
        {"chunks": CHUNK, "compression": "lzf"},
        {"chunks": CHUNK, "scaleoffset": 2},
        {"chunks": CHUNK, "compression": "gzip", "fletcher32": True},
    ],
)
def test_other_chunks_are_refused(path, network, options):
    replace(path, **options)[0].close()
    with pytest.raises(ValueError, match="chunks of another size than they should be"):
        check_weights(path, network)


@pytest.mark.parametrize("change", [lambda data: b"", lambda data: data[:100], lambda data: b"PK"])
def test_what_is_no_file_of_weights_is_refused(path, network, change):
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match="is not an HDF5 file, or is damaged"):
        check_weights(path, network)


def test_numbers_are_counted_that_the_file_has_room_for(path, network):
    count = sum(np.prod(weight.shape, dtype=int) for weight in network.weights)
    assert count_numbers(path) == count
    with h5py.File(path, "r+") as file:
        file.create_dataset("nothing", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))
        file.create_dataset("zeros", (1000, 1000), "f4", compression="gzip")[...] = 0
        for link in range(5):
            file[f"link{link}"] = file["zeros"]
    assert count + 10**6 * 0.9 < count_numbers(path) <= count + 10**6
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="is not an HDF5 file"):
        count_numbers(path)


def test_networks_of_as_many_weights_can_be_built_and_no_larger_ones(network):
    count = sum(np.prod(variable.shape, dtype=int) for variable in network.variables)

    def build(units):
        return keras.Sequential([keras.Input((32,)), keras.layers.Dense(units)])

    with at_most(count):
        copy = keras.models.clone_model(network)
    assert [variable.shape for variable in copy.variables] == [
        variable.shape for variable in network.variables
    ]
    with at_most(count), pytest.raises(ValueError, match=f"more weights than the {count} that"):
        build(10**9)
    assert build(8).count_params() == 33 * 8


def test_block_before_the_file_is_refused(path, network):
    with h5py.File(path, "w", userblock_size=512):
        pass
    with pytest.raises(ValueError, match="begins with a block of its own"):
        check_weights(path, network)
