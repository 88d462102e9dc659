"""Sound in, log-mel patches out."""

from frontend.audio import audio_blocks, check_sample_rate, check_waveform, load_audio
from frontend.config import FrontendConfig
from frontend.log_mel import LogMelSpectrogram, SplitPatches
from frontend.patches import waveform_patches
from frontend.tf_audio import decode_audio

__all__ = [
    "FrontendConfig",
    "LogMelSpectrogram",
    "SplitPatches",
    "audio_blocks",
    "check_sample_rate",
    "check_waveform",
    "decode_audio",
    "load_audio",
    "waveform_patches",
]
