"""Which classes there are: a given list, an ontology, or what the clips are labelled with."""

from functools import cache

from zoo.data.tables import Table
from zoo.labels import Label, as_labels


def read_class_list(path):
    """Reads a list of classes.

    Args:
        path: AudioSet's `class_labels_indices.csv` (index, mid, display_name), or a text file of
            names, one a line.

    Returns:
        A list of `Label`, in the order of the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it names no class, or one twice.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            names = list(filter(None, map(str.strip, file)))
        heads_columns = bool(names) and "display_name" in names[0]
        if heads_columns and {"display_name", "mid"} <= set(Table(path).columns):
            rows = (row for _, row in Table(path).rows())
            return as_labels([(row["display_name"], row["mid"] or None) for row in rows])
        return as_labels(names)
    except ValueError as error:
        raise ValueError(f"{path} is not a list of classes: {error}") from None


def name_classes(source, *, class_list=None, ontology=None, imply_parents=False):
    """Completes a source's labels.

    Args:
        source: `Source`; the labels of its clips are names or AudioSet ids, and its labels are the
            class list that it came with, or empty.
        class_list: list of `Label`: the classes, in order. A clip with another is an error.
        ontology: `Ontology`. A class that it knows gets its id, and the name that belongs to it.
        imply_parents: clips get all classes above theirs, too. With a `class_list`, those of them
            that it names.

    Returns:
        A `Source` with the labels: the class list first, what is not in it sorted by name.

    Raises:
        ValueError: a clip's label is not in `class_list`, or parents are to be implied without an
            ontology.
    """
    if imply_parents and not ontology:
        raise ValueError("Parents are implied by an ontology; name its file.")
    known = ontology.find if ontology else lambda text: None
    listed = [
        Label(label.name, label.mid or getattr(known(label.name), "mid", None))
        for label in class_list or source.labels
    ]
    by_text = {label.mid: label for label in listed} | {label.name: label for label in listed}

    def find(text):
        if text in by_text or class_list:
            return by_text.get(text)
        return known(text) or Label(text)

    @cache
    def labels_of(text):
        label = find(text)
        if not (imply_parents and label and label.mid):
            return [label]
        return [label, *filter(None, map(find, ontology.ancestors(label.mid)))]

    clips, seen = [], {}
    for clip in source.clips:
        labels = [label for text in clip.labels for label in labels_of(text)]
        if None in labels:
            unknown = [text for text in clip.labels if find(text) is None]
            raise ValueError(
                f"{clip.path} has the label {unknown[0]!r}, which is not in the list of classes."
            )
        seen |= {label.name: label for label in labels}
        clips.append(clip._replace(labels=tuple(dict.fromkeys(label.name for label in labels))))
    others = sorted(set(seen.values()).difference(listed))
    return source._replace(clips=clips, labels=listed + others)
