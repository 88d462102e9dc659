"""Figures of random events as `sed_eval` has them, for the tests.

    pip install sed_eval==0.2.1  # in an environment of its own: it brings librosa and numba
    python recipes/sed_eval_reference.py --output tests/zoo/evaluation/sed_eval.json

The events go into the file with the figures. Classes of which nothing was said count as precision 0
(`empty_system_output_handling`), as DCASE's tasks have it.
"""

import argparse
import json
import random

import dcase_util
import sed_eval

LABELS = ("Dog", "Rain", "Car")
RECORDINGS = 12


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", required=True, help="JSON file to write")
    options = parser.parse_args()
    random.seed(0)
    reference, estimated = {}, {}
    for number in range(RECORDINGS):
        name = f"{number}.wav"
        reference[name] = [occurrence() for _ in range(random.randint(0, 6))]
        estimated[name] = [occurrence() for _ in range(random.randint(0, 2))]
        estimated[name] += [near(each) for each in reference[name] if random.random() < 0.8]
    metrics = {
        "event_based": sed_eval.sound_event.EventBasedMetrics(
            list(LABELS),
            t_collar=0.2,
            percentage_of_length=0.2,
            empty_system_output_handling="zero_score",
        ),
        "segment_based": sed_eval.sound_event.SegmentBasedMetrics(
            list(LABELS), time_resolution=1.0
        ),
    }
    for name in reference:
        for metric in metrics.values():
            metric.evaluate(as_container(name, reference), as_container(name, estimated))
    found = {
        "reference": reference,
        "estimated": estimated,
        **{kind: figures(metric) for kind, metric in metrics.items()},
    }
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


def occurrence():
    onset = round(random.uniform(0, 9), 3)
    return [random.choice(LABELS), onset, round(onset + random.uniform(0.1, 4), 3)]


def near(each):
    """Another's word on an event: now and then with another label, a little early or late."""
    label, onset, offset = each
    if random.random() < 0.2:
        label = random.choice(LABELS)
    onset = max(0, onset + random.gauss(0, 0.15))
    return [label, round(onset, 3), round(max(onset + 0.05, offset + random.gauss(0, 0.3)), 3)]


def as_container(name, events):
    return dcase_util.containers.MetaDataContainer(
        [
            {"filename": name, "event_label": label, "onset": onset, "offset": offset}
            for label, onset, offset in events[name]
        ]
    )


def figures(metric):
    results = metric.results()
    return {
        "overall": results["overall"]["f_measure"] | results["overall"]["error_rate"],
        "macro_f1": results["class_wise_average"]["f_measure"]["f_measure"],
        "labels": {
            label: of["f_measure"] | of["error_rate"] for label, of in results["class_wise"].items()
        },
    }


if __name__ == "__main__":
    main()
