"""From recordings with transcripts to a data folder that training maps from disk.

In the order in which the data flows: ``discover`` (``lists``, ``timestamps``) finds recordings and their transcripts,
``spans`` puts time stamps in order, ``segments`` makes mels of them in worker processes (``sound``, ``silence``,
``fit``), ``workspace`` keeps what is done, ``split`` and ``report`` sort and count it. What a data folder holds:
:mod:`lewm_core.manifest`.

>>> found = discover(Path("recordings"))
>>> report = preprocess(found, Path("data"))
"""

from __future__ import annotations

from lewm_core.preprocess.discover import Discovery, discover
from lewm_core.preprocess.lists import read_list
from lewm_core.preprocess.recordings import Defaults, Recording, Rejection, Span
from lewm_core.preprocess.report import Report
from lewm_core.preprocess.run import preprocess
from lewm_core.preprocess.segments import Recipe
from lewm_core.preprocess.split import DEV_SHARE

__all__ = [
    "DEV_SHARE",
    "Defaults",
    "Discovery",
    "Recipe",
    "Recording",
    "Rejection",
    "Report",
    "Span",
    "discover",
    "preprocess",
    "read_list",
]
