"""Measures of where a model loses quality: pure functions on numpy arrays.

Neither torch nor a window is needed, so a script, a test and the studio call them alike. Definitions and
sources of all numbers: docs/analysis.md.

Conventions of the whole package:

* Mels are (m, t): m bands from low to high, t frames; natural logarithm of amplitude (``lewm_core.mel``).
  Frame i is centred at i / frame_rate seconds. ``LN_TO_DB`` turns a difference into dB.
* Waves are (samples,) in [-1, 1] at ``sample_rate`` Hz.
* ``mel`` is what is judged, ``truth`` is what it is judged against. Where their lengths differ, measures that
  compare frame with frame use the common beginning; ``alignment`` is for the rest.
* What cannot be measured is NaN in an array and None in a dataclass, never 0.
* Input that cannot be used raises ``AnalysisError`` with a sentence that says what to do.

bands              centre frequencies and levels of mel bands
mel_error          L1 and signed dB by frame, band and place
error_structure    is an error blur or noise: its correlation along frequency and time
error_classes      error in loud, quiet, voiced and unvoiced frames
error_study        an error beside random noise of the same mel L1: structure, bands, classes
matched_noise      the truth with random noise of exactly a given mel L1
pitch, formants    Praat's pitch and formants on the frames of a mel
formant_blur       how much of the truth's formant contrast is left
alignment          dynamic time warping of two mels
drift, latent_drift, drift_verdict   where a free run leaves the path, in numbers and in words
attention          focus, monotonicity and path of the predictor's cross-attention
pane_report        all numbers of one pane at once
listening          level matching of waves
listening_votes    blind A/B and ABX: trial lists and their statistics
"""
