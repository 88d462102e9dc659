"""AudioSet's ontology: names and ids of classes, and which class is a kind of which."""

from collections import defaultdict
from pathlib import Path

from zoo.json_text import parse_json
from zoo.labels import Label


class Ontology:
    """AudioSet's `ontology.json`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not an ontology.
    """

    def __init__(self, path):
        try:
            entries = parse_json(Path(path).read_bytes())
            self._names = {_text(entry["id"]): _text(entry["name"]) for entry in entries}
            children = [(entry["id"], list(map(_text, entry["child_ids"]))) for entry in entries]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path} is not AudioSet's ontology.json, a list of classes with id, name and "
                f"child_ids: {error!r}."
            ) from None
        self._mids = {name: mid for mid, name in self._names.items()}
        self._parents = defaultdict(list)
        for parent, mids in children:
            for mid in mids:
                self._parents[mid].append(parent)

    def find(self, name_or_mid):
        """The `Label` of a name or an AudioSet id, or None."""
        mid = self._mids.get(name_or_mid, name_or_mid)
        return Label(self._names[mid], mid) if mid in self._names else None

    def parents(self, mid):
        """Ids of the classes right above one; of the topmost none."""
        return list(self._parents.get(mid, ()))

    def ancestors(self, mid):
        """Ids of all classes above one, nearest first; a class may have several parents."""
        found = {}  # in order
        nearest = [mid]
        while nearest:
            nearest = [p for m in nearest for p in self._parents.get(m, ()) if p not in found]
            found |= dict.fromkeys(nearest)
        found.pop(mid, None)
        return list(found)


def _text(value):
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is no text")
    return value
