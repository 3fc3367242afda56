"""The view `visits`: visits and meetings on the days they take. Its key is the subject."""

from __future__ import annotations

from timeline.fold import Projection
from timeline.views import claims

_STATUS = {"visit.made": "visit", "meeting.held": "meeting"}

VISITS = Projection(
    name="visits",
    version=1,
    about="Visits and meetings: who met whom, where and why.",
    kinds=frozenset(_STATUS),
    keys=lambda event: (event.subject,),
    fold=claims.fold,
    present=claims.presenting(
        text=("visitor", "host", "purpose", "participants", "forum", "topic"), words=("days",), status=_STATUS
    ),
)
