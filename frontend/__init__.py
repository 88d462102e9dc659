"""Sound in, log-mel patches out."""

from frontend.lazy import lazy_names

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
        "log_mel": ["LogMelSpectrogram", "SplitPatches"],
        "patches": ["waveform_patches"],
        "tf_audio": ["decode_audio"],
    },
)
