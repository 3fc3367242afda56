"""The view `production`: who builds what, under whose licence or with whose help. Its key is the subject."""

from __future__ import annotations

from timeline.fold import Projection
from timeline.views import claims

_STATUS = {"production.licensed": "licensed", "production.established": "established"}

PRODUCTION = Projection(
    name="production",
    version=1,
    about="Who builds what, under whose licence or with whose help.",
    kinds=frozenset(_STATUS),
    keys=lambda event: (event.subject,),
    fold=claims.fold,
    present=claims.presenting(text=("item", "licensor", "licensee", "partner", "host"), status=_STATUS),
)
