"""Sound files, of all kinds that libsndfile and FFmpeg write."""

import io
from pathlib import Path

import numpy as np
import soundfile

from tests.fuzz.sandbox import exceeds_limit
from tests.fuzz.target import Parser, target


@target
def sound(scratch: Path) -> Parser:
    import av

    from frontend import load_audio

    def read(data, folder):
        try:
            load_audio(io.BytesIO(data))
        except ValueError as error:
            # FFmpeg says the same of a size of 2 GiB or more, which it does not ask for.
            if isinstance(error.__context__, av.error.MemoryError) and not exceeds_limit(
                lambda: load_audio(io.BytesIO(data))
            ):
                error.__context__ = None
            raise

    return Parser(read, [*_plain_sounds(), *_coded_sounds(scratch)])


def _plain_sounds():
    noise = np.random.default_rng(0).normal(0, 0.1, (200, 2))
    forms = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("RF64", "PCM_24"), ("AIFF", "PCM_16")]
    forms += [("AU", "ULAW"), ("W64", "PCM_16"), ("CAF", "ALAC_16"), ("FLAC", "PCM_16")]
    forms += [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]
    for form, subtype in forms:
        file = io.BytesIO()
        soundfile.write(file, noise, 16000, format=form, subtype=subtype)
        yield file.getvalue()


def _coded_sounds(scratch):
    """As phones and browsers record."""
    import av

    for suffix, codec in (("m4a", "aac"), ("webm", "libopus"), ("mkv", "pcm_s16le")):
        path = scratch / f"sound.{suffix}"
        noise = np.random.default_rng(0).normal(0, 0.1, (1, 960)).astype("float32")
        with av.open(str(path), "w") as file:
            stream = file.add_stream(codec, rate=48000, layout="mono")
            form = stream.codec_context.format.name
            if form == "s16":
                noise = (noise * 32767).astype("int16")
            frame = av.AudioFrame.from_ndarray(noise, format=form, layout="mono")
            frame.sample_rate, frame.pts = 48000, 0
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        yield path.read_bytes()
