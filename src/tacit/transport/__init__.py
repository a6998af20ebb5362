"""Frames between named nodes: memory and TCP transports, and the channel that parties talk through."""
