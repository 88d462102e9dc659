"""Clips set aside to judge a network by."""

import hashlib
import itertools
from collections import Counter, defaultdict

from zoo.data.records import TRAIN, VALIDATION


def hold_out(source, share):
    """Moves a share of the clips of the split "train" to "validation".

    It goes by a hash of what a clip was cut from, or of its id where nobody said: a clip stays
    where it is as others come, and clips of one source stay together. Then classes are looked
    after: one that would lose all its sources keeps one, and one of two sources or more that would
    be held out nowhere gives one away, unless that is all that another class has to learn from.
    Clips without labels, by which nothing is judged, stay, but for those of a source that is held
    out.

    Args:
        source: `Source`.
        share: from 0 to below 1.

    Returns:
        `Source`.

    Raises:
        ValueError: there is no clip to hold out.
    """
    train = [clip for clip in source.clips if clip.split == TRAIN]
    units = defaultdict(set)  # what stays together, and the classes heard in it
    for clip in [clip for clip in train if clip.labels] or train:
        units[_unit(clip)].update(clip.labels)
    if not units:
        raise ValueError(f"There is no split {TRAIN!r} to hold clips out of.")
    held_out = _choose(units, share)
    clips = [
        clip._replace(split=VALIDATION) if clip.split == TRAIN and _unit(clip) in held_out else clip
        for clip in source.clips
    ]
    return source._replace(clips=clips)


def _choose(units, share):
    """The units to hold out, of a dict of unit to classes."""
    place = {unit: _place(unit) for unit in units}
    held_out = {unit for unit in units if place[unit] < share}
    of_class = defaultdict(list)
    for unit in sorted(units, key=place.get):
        for label in units[unit]:
            of_class[label].append(unit)
    for in_order in of_class.values():
        if held_out.issuperset(in_order):
            held_out.remove(in_order[-1])
    kept = Counter(label for unit in units.keys() - held_out for label in units[unit])
    for _, in_order in sorted(of_class.items()):
        if len(in_order) > 1 and held_out.isdisjoint(in_order):
            spare = (unit for unit in in_order if all(kept[label] > 1 for label in units[unit]))
            for unit in itertools.islice(spare, 1):
                held_out.add(unit)
                kept.subtract(units[unit])
    return held_out


def _unit(clip):
    return (clip.source and "source", clip.source or clip.id)


def _place(unit):
    """A number in 0..1 that is always the same for a clip or source."""
    digest = hashlib.sha256(unit[1].encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
