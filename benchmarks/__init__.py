"""What Tacit's operations and models cost here, and what others take for the same work; no part of the package."""
