"""The built-in views, one pure projection a file, and `claims`: the words to write views of one's own in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timeline.views.agreements import AGREEMENTS
from timeline.views.deliveries import DELIVERIES
from timeline.views.listings import LISTINGS
from timeline.views.observations import OBSERVATIONS
from timeline.views.payments import PAYMENTS
from timeline.views.positions import POSITIONS
from timeline.views.production import PRODUCTION
from timeline.views.sanctions import SANCTIONS
from timeline.views.trade import TRADE
from timeline.views.visits import VISITS

if TYPE_CHECKING:
    from timeline.fold import Projection

BUILTIN: tuple[Projection, ...] = (
    SANCTIONS,
    DELIVERIES,
    AGREEMENTS,
    PRODUCTION,
    TRADE,
    PAYMENTS,
    POSITIONS,
    VISITS,
    LISTINGS,
    OBSERVATIONS,
)
"""The views that need no plug-in."""
