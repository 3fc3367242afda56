"""The built-in kinds of facts.

Names of things are plain texts, as sources print them. Dates and periods are EDTF. A number may say how exact it is
(`comparator`): "over $50 billion" is 50 000 000 000 with the comparator `over`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from timeline.schemas import (
    Amount,
    Count,
    Data,
    Edtf,
    Kind,
    Scalar,
    ScalarOrScalars,
    Text,
    TextOrTexts,
    Texts,
    explained,
    objection,
)

__all__ = ["BUILTIN", "DESCRIBED", "DESCRIPTION", "Data", "Edtf", "Kind", "explained"]

DESCRIBED = "document.described"
"""The kind of the facts that correct the particulars of documents."""

DESCRIPTION = "document:"
"""What the name of such a fact begins with; the document's identity follows."""

Comparator = Literal["exactly", "about", "over", "under", "at_least", "at_most"]
Measure = Literal[
    "asset_freeze",
    "travel_ban",
    "arms_embargo",
    "export_control",
    "import_restriction",
    "financial_restriction",
    "services_ban",
    "investment_ban",
    "transport_restriction",
    "sectoral_sanctions",
]


class Sanction(Data):
    """Who acts against whom, by which act, and on which days it was announced, adopted, published and took effect."""

    target: TextOrTexts = Field(description="who is sanctioned: a name, or several where one measure names several")
    authority: Texts = Field(description="who decides: states, unions, ministries")
    coordinated_with: Texts | None = Field(None, description="who acts alongside without deciding")
    program: Text | None = Field(None, description="the programme, by its key that never changes, such as EU-RUS")
    round: Count | None = Field(None, description="the number of the round (package) it belongs to")
    act: Text | None = Field(None, description="the legal act, as it is cited")
    amends: Text | None = Field(None, description="the legal act that this one amends")
    proposed: Edtf | None = Field(None, description="when it was proposed")
    announced: Edtf | None = Field(None, description="when it was made known in advance")
    adopted: Edtf | None = Field(None, description="when it was decided")
    published: Edtf | None = Field(None, description="when the act was printed in the official journal")
    effective: Edtf | None = Field(None, description="when it begins to bind")


class SanctionImposed(Sanction):
    """A measure binds a target."""

    measure: Measure = Field(description="what sort of measure it is")
    object: Text | None = Field(None, description="what is forbidden or cut off, such as SWIFT or diamonds")
    affected: Text | None = Field(None, description="which part of the target it meets, such as major banks")
    listed: Edtf | None = Field(None, description="when the target was put on the list")


class SanctionRoundAdopted(Sanction):
    """A round of sanctions was decided."""

    round: Count = Field(description="its number")


class SanctionRoundsCounted(Data):
    """A source counts the rounds of sanctions so far."""

    target: TextOrTexts = Field(description="who is sanctioned")
    authority: Texts = Field(description="who decides")
    rounds: Count = Field(description="how many rounds there were")
    comparator: Comparator | None = Field(None, description="how the number is meant; absent: exactly")


class SanctionAmended(Sanction):
    """A measure or its entry in a list was changed."""

    measure: Measure | None = Field(None, description="what sort of measure it is")
    object: Text | None = Field(None, description="what the measure is about")
    change: Text = Field(description="what became of it, in the words of the act")


class SanctionLifted(Sanction):
    """A measure no longer binds a target."""

    measure: Measure | None = Field(None, description="what sort of measure it was; absent: every one")
    object: Text | None = Field(None, description="what the measure was about")
    cause: Text | None = Field(None, description="why, as the source says")


class Delivery(Data):
    """What goes from whom to whom."""

    item: Text = Field(description="what is delivered, as the source names it")
    supplier: Text = Field(description="who delivers")
    recipient: Text = Field(description="who receives")
    uncertain: Texts | None = Field(None, description="the fields here that the source itself marks as doubtful")


class DeliveryOrdered(Delivery):
    """An order was placed."""

    quantity: Amount = Field(description="how many were ordered")
    unit: Text | None = Field(None, description="what is counted, as printed")
    comparator: Comparator | None = Field(None, description="how the quantity is meant; absent: exactly")
    value: Amount | None = Field(None, description="what the order is worth")
    currency: Text | None = Field(None, description="the currency of the value")
    value_comparator: Comparator | None = Field(None, description="how the value is meant; absent: exactly")
    licence: Edtf | None = Field(None, description="when the licence was granted, for what is built by the recipient")


class Stage(Data):
    """One part of a delivery that comes in parts."""

    ordinal: Count = Field(description="which part it is, counted from 1")
    due: Edtf = Field(description="when it is to arrive")


class DeliveryScheduled(Delivery):
    """A plan for delivery stands; it says nothing about what was delivered."""

    quantity: Amount | None = Field(None, description="how many are to come in all")
    unit: Text | None = Field(None, description="what is counted, as printed")
    comparator: Comparator | None = Field(None, description="how the quantity is meant; absent: exactly")
    due: Edtf | None = Field(None, description="when all is to have arrived")
    stages: Annotated[list[Stage], Field(min_length=1)] | None = Field(None, description="when each part is to arrive")
    replaces: Edtf | None = Field(None, description="an earlier due date given up, by which the plan admits the delay")

    @model_validator(mode="after")
    def _promises(self) -> Self:
        """Refuse a plan without a date."""
        if self.due is None and self.stages is None:
            raise objection("a plan names a due date or stages", "Give due or stages")
        return self


class DeliveryMade(Delivery):
    """Something was delivered."""

    quantity: Amount = Field(description="how many arrived this time")
    unit: Text | None = Field(None, description="what is counted, as printed")
    comparator: Comparator | None = Field(None, description="how the quantity is meant; absent: exactly")
    ordinal: Count | None = Field(None, description="which part of the order it is, counted from 1")
    total: Amount | None = Field(None, description="how many had arrived by then in all, as the source counts")


class DeliveryDelayed(Delivery):
    """A delivery is late or will be."""

    missed: Edtf | None = Field(None, description="the date that is not kept")
    cause: Text | None = Field(None, description="why, as the source says")


class DeliveryCancelled(Delivery):
    """An order or what remained of it was given up."""

    quantity: Amount | None = Field(None, description="how many will not come; absent: all that were to come")
    unit: Text | None = Field(None, description="what is counted, as printed")
    cause: Text | None = Field(None, description="why, as the source says")


class Agreement(Data):
    """What was agreed between whom, and for how long."""

    title: Text = Field(description="its name, as printed")
    parties: Texts = Field(description="between whom")
    term: Edtf | None = Field(None, description="the time for which it is made")
    forum: Text | None = Field(None, description="where it was signed")


class AgreementEnded(Agreement):
    """An agreement binds no longer."""

    cause: Text | None = Field(None, description="why, as the source says")


class ProductionLicensed(Data):
    """Someone builds what another designed, under licence."""

    item: Text = Field(description="what is built")
    licensor: Text = Field(description="who grants the licence")
    licensee: Text = Field(description="who builds")


class ProductionEstablished(Data):
    """A place of manufacture was set up with a partner's help."""

    item: Text = Field(description="what is built there")
    partner: Text = Field(description="who helped")
    host: Text = Field(description="where it stands")


class TradeMeasured(Data):
    """A figure of trade over a period, as its compiler gives it."""

    measure: Text = Field(description="what is measured, such as share, turnover, rank or trend")
    value: Scalar = Field(description="the figure; a word where the source gives none, such as rising")
    unit: Text | None = Field(None, description="its unit, such as percent or USD")
    comparator: Comparator | None = Field(None, description="how the figure is meant; absent: exactly")
    partner: Text | None = Field(None, description="with whom the subject trades")
    flow: Literal["import", "export", "both"] | None = Field(None, description="which way, seen from the subject")
    of: Text | None = Field(None, description="which goods")
    compiler: Text | None = Field(None, description="who compiled the figure")
    period: Edtf | None = Field(None, description="the period measured, as printed")
    uncertain: Texts | None = Field(None, description="the fields here that the source itself marks as doubtful")


class PaymentBlocked(Data):
    """Money cannot be transferred."""

    parties: Texts = Field(description="between whom")
    amount: Amount | None = Field(None, description="how much is stuck")
    currency: Text | None = Field(None, description="the currency of the amount")
    comparator: Comparator | None = Field(None, description="how the amount is meant; absent: exactly")
    cause: Text | None = Field(None, description="why, as the source says")


class PaymentArranged(Data):
    """A way of paying is set up; while it is being worked on, the modality of the fact is `expected`."""

    parties: Texts = Field(description="between whom")
    what: Text = Field(description="the arrangement")
    replaces: Text | None = Field(None, description="what it stands in for")


class PositionStated(Data):
    """The subject holds a position."""

    topic: Text = Field(description="what it is about, in a few words that stay the same over time")
    stance: Text = Field(description="what the holder thinks, wants or refuses")
    shared_by: Texts | None = Field(None, description="all who hold it, where the subject is more than one")


class VisitMade(Data):
    """Someone visits a country."""

    visitor: Text = Field(description="who travels")
    host: Text = Field(description="where to, or to whom")
    purpose: Text | None = Field(None, description="what for")
    days: Count | None = Field(None, description="how many days it takes")


class MeetingHeld(Data):
    """People meet."""

    participants: Texts = Field(description="who meets")
    forum: Text | None = Field(None, description="under which name the meeting goes")
    topic: Text | None = Field(None, description="what it is about")


class EntryListed(Data):
    """Somebody or something stands on a list."""

    list: Text = Field(description="the list, by its name")
    name: Text = Field(description="the entry, as the list prints it")
    program: TextOrTexts | None = Field(None, description="the programme, or programmes, under which it is listed")
    details: dict[Text, ScalarOrScalars] | None = Field(None, description="what else the list says of it, by column")


class Observation(Data):
    """Anything measured or listed that has no kind of its own."""

    measure: Text = Field(description="what is observed")
    value: Scalar = Field(description="what was found")
    unit: Text | None = Field(None, description="its unit")
    comparator: Comparator | None = Field(None, description="how the value is meant; absent: exactly")


class DocumentDescribed(Data):
    """All particulars of a document as they are now known, in place of those that its text came with."""

    title: str | None = Field(None, description="title as printed")
    publisher: str | None = Field(None, description="who published it")
    language: str | None = Field(None, description="language of the text, a BCP 47 tag")
    url: str | None = Field(None, description="where it was published")
    published: Edtf | None = Field(None, description="when it was published, as precisely as it is known")
    published_how: str | None = Field(None, description="how the day of publication is known")


def _kind(name: str, data: type[Data], about: str = "", *, lasting: bool = False) -> Kind:
    """Return a kind that is about what the docstring of its data says."""
    return Kind(name=name, about=about or str(data.__doc__), data=data, lasting=lasting)


BUILTIN: tuple[Kind, ...] = (
    _kind("sanction.imposed", SanctionImposed, lasting=True),
    _kind("sanction.round_adopted", SanctionRoundAdopted, lasting=True),
    _kind("sanction.rounds_counted", SanctionRoundsCounted, lasting=True),
    _kind("sanction.amended", SanctionAmended, lasting=True),
    _kind("sanction.lifted", SanctionLifted, lasting=True),
    _kind("delivery.ordered", DeliveryOrdered, lasting=True),
    _kind("delivery.scheduled", DeliveryScheduled),
    _kind("delivery.made", DeliveryMade, lasting=True),
    _kind("delivery.delayed", DeliveryDelayed),
    _kind("delivery.cancelled", DeliveryCancelled, lasting=True),
    _kind("agreement.signed", Agreement, "An agreement was signed.", lasting=True),
    _kind("agreement.in_force", Agreement, "An agreement binds its parties over its term."),
    _kind("agreement.ended", AgreementEnded, lasting=True),
    _kind("production.licensed", ProductionLicensed),
    _kind("production.established", ProductionEstablished, lasting=True),
    _kind("trade.measured", TradeMeasured),
    _kind("payment.blocked", PaymentBlocked),
    _kind("payment.arranged", PaymentArranged),
    _kind("position.stated", PositionStated),
    _kind("visit.made", VisitMade),
    _kind("meeting.held", MeetingHeld),
    _kind("entry.listed", EntryListed),
    _kind("observation", Observation),
    _kind(DESCRIBED, DocumentDescribed),
)
"""The kinds that need no plug-in."""
