"""What a run costs and what it disclosed: meter, table, trace and ledger."""

from tacit.profile.ledger import Ledger, Reveal
from tacit.profile.meter import Cost, Meter, Place
from tacit.profile.recording import Recording

__all__ = ["Cost", "Ledger", "Meter", "Place", "Recording", "Reveal"]
