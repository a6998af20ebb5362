"""What a run costs and what it disclosed: meter, table, trace and ledger."""

from tacit.profile.ledger import Ledger, Reveal
from tacit.profile.meter import Meter

__all__ = ["Ledger", "Meter", "Reveal"]
