"""Sound in, log-mel patches out."""

from typing import TYPE_CHECKING

from frontend.lazy import lazy_names

if TYPE_CHECKING:
    from frontend.audio import audio_blocks as audio_blocks
    from frontend.audio import check_sample_rate as check_sample_rate
    from frontend.audio import check_waveform as check_waveform
    from frontend.audio import load_audio as load_audio
    from frontend.audio import resampled_blocks as resampled_blocks
    from frontend.audio import sound_blocks as sound_blocks
    from frontend.config import FrontendConfig as FrontendConfig
    from frontend.log_mel import LogMelPatches as LogMelPatches
    from frontend.log_mel import LogMelSpectrogram as LogMelSpectrogram
    from frontend.log_mel import SplitPatches as SplitPatches
    from frontend.log_mel import log_mel_patches as log_mel_patches
    from frontend.patches import waveform_patches as waveform_patches
    from frontend.sound_warnings import IncompleteWarning as IncompleteWarning
    from frontend.sound_warnings import OppositeChannelsWarning as OppositeChannelsWarning
    from frontend.sound_warnings import SilenceWarning as SilenceWarning
    from frontend.tf_audio import decode_audio as decode_audio
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "audio": [
                "audio_blocks",
                "check_sample_rate",
                "check_waveform",
                "load_audio",
                "resampled_blocks",
                "sound_blocks",
            ],
            "config": ["FrontendConfig"],
            "log_mel": ["LogMelPatches", "LogMelSpectrogram", "SplitPatches", "log_mel_patches"],
            "patches": ["waveform_patches"],
            "sound_warnings": [
                "IncompleteWarning",
                "OppositeChannelsWarning",
                "SilenceWarning",
            ],
            "tf_audio": ["decode_audio"],
        },
    )
