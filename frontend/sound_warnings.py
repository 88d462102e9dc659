"""What is said of sound that is heard all the same, but not as its owner may think."""


class SoundWarning(UserWarning):
    """Of all warnings on a sound file; its message names the file."""


class IncompleteWarning(SoundWarning):
    """A part of the file cannot be decoded, or is not there; the rest is given."""


class OppositeChannelsWarning(SoundWarning):
    """The channels cancel each other in their mean; one of them is given."""


class SilenceWarning(SoundWarning):
    """Nothing is to be heard in the whole file."""
