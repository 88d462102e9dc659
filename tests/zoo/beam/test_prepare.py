import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.zoo.beam.conftest import contents
from zoo import beam
from zoo.data import open_prepared, prepare, read_source
from zoo.data.classes import read_class_list
from zoo.data.ontology import Ontology

TWO_WORKERS = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")


def test_a_job_writes_what_prepare_writes(tmp_path, manifest, expected):
    index = beam.prepare(manifest, tmp_path / "out", clips_per_shard=4)
    assert contents(tmp_path / "out") == expected
    assert index == json.loads(expected["index.json"])
    assert [entry["clip_id"] for entry in index["skipped"]] == ["clips/gone", "clips/7"]
    assert len(open_prepared(tmp_path / "out")) == 11


def test_clips_at_another_rate(tmp_path, manifest):
    prepare(read_source(manifest), tmp_path / "expected", sample_rate=8000)
    beam.prepare(manifest, tmp_path / "out", sample_rate=8000)
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


def test_folders_whose_names_look_like_patterns(tmp_path, manifest, expected):
    beam.prepare(manifest, tmp_path / "out.tfrecords [v2]*", clips_per_shard=4)
    assert contents(tmp_path / "out.tfrecords [v2]*") == expected


def test_what_beam_alone_can_open(tmp_path, manifest, expected, away):
    # Whether a file is there, only its reader sees.
    manifest.write_text(manifest.read_text().replace("clips/gone.wav,Dog,train\n", ""))
    prepare(read_source(manifest), tmp_path / "there", clips_per_shard=4)
    (tmp_path / "out" / "shards").mkdir(parents=True)
    index = beam.prepare(away(manifest), away(tmp_path / "out"), clips_per_shard=4)
    names = ("index.json", "plan.json")  # paths of what was skipped, and sizes, differ
    assert [entry["clip_id"] for entry in index["skipped"]] == ["clips/7"]
    there, made = contents(tmp_path / "there"), contents(tmp_path / "out")
    assert there.keys() == made.keys()
    for name in there.keys() - {*names, "shards/000001.json"}:
        assert there[name] == made[name], name


def test_classes_and_what_the_ontology_has_above_them(tmp_path, manifest, text, ontology):
    manifest.write_text(manifest.read_text().replace("Dog", "Bass guitar"))
    classes = text("classes.txt", "Rain\nMusic\nBass guitar\nGuitar\n")
    expected = read_source(manifest, labels=classes, ontology=ontology, imply_parents=True)
    prepare(expected, tmp_path / "expected")
    beam.prepare(
        manifest,
        tmp_path / "out",
        class_list=read_class_list(classes),
        ontology=Ontology(ontology),
        imply_parents=True,
    )
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")
    data = open_prepared(tmp_path / "out")
    assert data.targets([0]).tolist() == [[0, 1, 1, 1]]


def test_either_goes_on_with_what_the_other_began(tmp_path, manifest, expected):
    out = tmp_path / "out"
    beam.prepare(manifest, out, clips_per_shard=4)
    (out / "shards" / "000001.json").unlink()
    os.truncate(out / "shards" / "000002.tfrecord", 100)
    kept = (out / "shards" / "000000.tfrecord").stat().st_mtime_ns
    beam.prepare(manifest, out, clips_per_shard=4)
    assert contents(out) == expected
    (out / "shards" / "000001.tfrecord").unlink()
    prepare(read_source(manifest), out, clips_per_shard=4)
    assert contents(out) == expected
    assert (out / "shards" / "000000.tfrecord").stat().st_mtime_ns == kept


def test_errors_are_those_of_prepare(tmp_path, manifest, sound):
    rows = manifest.read_text()
    manifest.write_text(rows + "\nclips/2.wav,Rain,train")
    with pytest.raises(ValueError, match=r"Two clips have the id clips/2: .*2.wav and .*2.wav"):
        beam.prepare(manifest, tmp_path / "out")
    manifest.write_text("file,label\ngone.wav,Dog")
    with pytest.raises(ValueError, match=r"empty: 1 clips were skipped, the first .* gone"):
        beam.prepare(manifest, tmp_path / "out")
    manifest.write_text("file,label\nclips/2.wav,Dog\nclips/3.wav,Dog")
    with pytest.raises(ValueError, match="one class only, 'Dog'"):
        beam.prepare(manifest, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    manifest.write_text(rows)
    beam.prepare(manifest, tmp_path / "out")
    with pytest.raises(ValueError, match="was prepared by other options"):
        beam.prepare(manifest, tmp_path / "out", clips_per_shard=3)
    with pytest.raises(FileExistsError, match="exists and is not prepared data"):
        beam.prepare(manifest, tmp_path / "clips")


def test_an_error_of_a_worker_is_one_sentence(tmp_path, manifest, expected):
    out = tmp_path / "out"
    beam.prepare(manifest, out, clips_per_shard=4)
    for name in ("000001.json", "000001.tfrecord"):
        (out / "shards" / name).unlink()
    in_the_way = out / "shards" / "000001.tfrecord"
    in_the_way.mkdir()
    with pytest.raises(beam.JobError, match=r"before all was done; .*: .*Is a directory") as raised:
        beam.prepare(manifest, out, clips_per_shard=4)
    assert len(str(raised.value).splitlines()) == 1
    in_the_way.rmdir()
    beam.prepare(manifest, out, clips_per_shard=4)
    assert contents(out) == expected


@pytest.fixture
def large(tmp_path, sound):
    """The manifest of 600 short clips, in two shards."""
    rows = ["file,label"]
    for number in range(600):
        sound(f"many/{number}.wav", samples=400 + number)
        rows.append(f"many/{number}.wav,{('Dog', 'Rain')[number % 2]}")
    path = tmp_path / "large.csv"
    path.write_text("\n".join(rows))
    return path


def command(manifest, out):
    arguments = (*["-m", "zoo", "prepare"], manifest, out, "--runner", "DirectRunner", "--")
    return [sys.executable, *arguments, *TWO_WORKERS]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 2])  # before the worker has connected, and mostly after
def test_a_killed_worker_ends_a_direct_run_which_then_goes_on(tmp_path, large, seconds):
    prepare(read_source(large), tmp_path / "expected")
    run = subprocess.Popen(
        command(large, tmp_path / "out"), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    killed = _kill_a_worker_of(run.pid, seconds)
    _, said = run.communicate(timeout=900)  # workers that are lost are waited for
    last = said.strip().splitlines()[-1]
    assert killed
    assert run.returncode == 2
    assert "The job on DirectRunner ended before all was done; the same command goes on" in last
    done = subprocess.run(command(large, tmp_path / "out"), check=True, capture_output=True)
    assert b"all" not in done.stdout  # one split
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


@pytest.mark.slow
def test_a_job_killed_again_and_again_ends_in_the_same_bytes(tmp_path, large):
    prepare(read_source(large), tmp_path / "expected", clips_per_shard=60)
    script = (
        "import sys\nfrom zoo import beam\n"
        "beam.prepare(sys.argv[1], sys.argv[2], clips_per_shard=60)\n"
    )
    arguments = [sys.executable, "-c", script, large, tmp_path / "out"]
    rng = np.random.default_rng(0)
    for _ in range(10):
        run = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        shards = len(list(tmp_path.glob("out/shards/*.json")))
        while run.poll() is None and len(list(tmp_path.glob("out/shards/*.json"))) == shards:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))
        run.kill()
        run.wait()
    subprocess.run(arguments, check=True, stderr=subprocess.DEVNULL)
    left = [name for name in contents(tmp_path / "out") if name.endswith(".unfinished")]
    made = {name: data for name, data in contents(tmp_path / "out").items() if name not in left}
    assert made == contents(tmp_path / "expected")


def _kill_a_worker_of(pid, seconds):
    """Kills one of a run's workers so long after both are there; whether it did."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        listed = subprocess.run(
            ["ps", "-ww", "-s", str(pid), "-o", "pid=,args="],  # whole lines, whatever COLUMNS says
            check=False,
            capture_output=True,
            text=True,
        )
        workers = [
            int(line.split()[0])
            for line in listed.stdout.splitlines()
            if "sdk_worker_main" in line and "/bin/sh" not in line
        ]
        if len(workers) == 2:
            time.sleep(seconds)
            os.kill(workers[0], signal.SIGKILL)
            return True
        time.sleep(0.1)
    return False
