"""What people and machines set: options in YAML, and values, names and addresses in JSON."""

import argparse
import json
import os
from pathlib import Path

from tests.fuzz.mutate import mutate_json
from tests.fuzz.target import Parser, read_file, target

ROOT = Path(__file__).parents[3]


@target
def ontology(scratch: Path) -> Parser:
    from zoo.data.ontology import Ontology

    def read(path):
        found = Ontology(path)
        for name in ("Music", "/m/2", "/m/9"):
            found.find(name)
            found.ancestors(name)

    entries = [("/m/1", "Music", ["/m/2", "/m/3"]), ("/m/2", "Guitar", ["/m/3"]), ("/m/3", "A", [])]
    keys = ("id", "name", "child_ids")
    seed = json.dumps([dict(zip(keys, entry, strict=True)) for entry in entries])
    return read_file("ontology.json", read, [seed.encode()], mutate_json)


@target
def options(scratch: Path) -> Parser:
    """The YAML of `soundzoo train` and `soundzoo reproduce`."""
    from zoo.training import TrainConfig, read_config

    seeds = [
        (ROOT / "recipes" / "resnet50_w025_audioset.yaml").read_bytes(),
        b"model: vgg\nbatch: 32\nlearning_rate: 1e-3\nschedule: cosine\nteachers: [a, b]\n",
        json.dumps(TrainConfig(init="preset", mixup=0.5, mixup_db=3.0).to_dict()).encode(),
        b"width: &w !!float 0.25\nspeed: 2.0\n<<: {epochs: 1}\nteachers: [&a !!str x, *a, *a]\n",
    ]

    def read(path):
        TrainConfig.from_dict(read_config(path))

    return read_file("run.yaml", read, seeds, mutate_json)


@target
def thresholds(scratch: Path) -> Parser:
    from zoo.cli.selection import thresholds_of
    from zoo.labels import Label

    def read(path):
        options = argparse.Namespace(labels=None, threshold=None, thresholds=str(path))
        thresholds_of(options, [Label("Dog", "/m/0bt9lr"), Label("Cat")])

    return read_file("thresholds.json", read, [b'{"Dog": 0.5, "Cat": 1}'], mutate_json)


@target
def cluster(scratch: Path) -> Parser:
    """The environment variable TF_CONFIG."""
    from zoo.training.cluster import read_cluster

    def read(data, folder):
        text = data.replace(b"\0", b"")  # which no variable holds
        os.environb[b"TF_CONFIG"] = text
        read_cluster()

    machines = {"chief": ["a:1"], "worker": ["b:2222", "[::1]:3"]}
    seed = {"cluster": machines, "task": {"type": "worker", "index": 0}}
    return Parser(read, [json.dumps(seed).encode()], mutate=mutate_json)
