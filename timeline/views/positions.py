"""The view `positions`: what each holder thinks, wants or refuses on a topic. Its key is `subject/topic`.

The holder is the subject; the speakers of a claim are who reports the position, often the holders themselves. Two
wordings of a stance are no dispute; a denial of the same stance is.
"""

from __future__ import annotations

from timeline.fold import Projection
from timeline.views import claims

POSITIONS = Projection(
    name="positions",
    version=1,
    about="Who holds which position on what; an opinion stays an opinion.",
    kinds=frozenset({"position.stated"}),
    keys=lambda event: (f"{event.subject}/{claims.slug(event.data['topic'])}",),
    fold=claims.fold,
    present=claims.presenting(text=("topic", "stance", "shared_by")),
)
