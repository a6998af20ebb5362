"""Whether the hosts of a cluster can hold a session: looked at on this host, and with every peer over the real links.

Nothing here needs PyTorch. ``tacit.doctor.examination`` puts the parts together.
"""
