"""The settings of a session: every party must hold the same ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from tacit.errors import MisuseError, NotBuiltError

PROTOCOLS = ("additive", "plaintext")
PROTOCOLS_TO_COME = ("replicated",)
RANDOMNESS = ("dealer", "directory", "insecure_local")
RANDOMNESS_TO_COME = ("ot", "he")
GENERATORS = ("aes128-ctr", "chacha20")
TRUNCATIONS = ("probabilistic", "exact")


@dataclass(frozen=True)
class Settings:
    """What a session is run with; compared between the parties in the handshake.

    frac_bits: fraction bits of fixed point (4 to 24). compare_bits: the width that comparisons open (frac_bits + 8
    to 64): values at a comparison must satisfy ``|x| < 2**(compare_bits - 2 - frac_bits)``. truncation:
    ``"probabilistic"`` (floor or floor + 1, unbiased) or ``"exact"`` (round to nearest). randomness: where correlated
    randomness comes from. debug: every party sees every value, and computes beside each operation what PyTorch gives
    for it; the first one that overflows or goes astray raises. Time-outs are in seconds. reconnect_timeout: how long a
    job between machines waits for a link that broke; with 0, it ends at once.
    """

    frac_bits: int = 16
    compare_bits: int = 64
    truncation: Literal["probabilistic", "exact"] = "probabilistic"
    randomness: Literal["dealer", "directory", "insecure_local"] = "dealer"
    protocol: Literal["additive", "plaintext"] = "additive"
    generator: Literal["aes128-ctr", "chacha20"] = "aes128-ctr"
    debug: bool = False
    connect_timeout: float = 60.0
    heartbeat_timeout: float = 4.0
    reconnect_timeout: float = 30.0

    def __post_init__(self) -> None:
        _one_of("protocol", self.protocol, PROTOCOLS, PROTOCOLS_TO_COME)
        _one_of("randomness", self.randomness, RANDOMNESS, RANDOMNESS_TO_COME)
        _one_of("generator", self.generator, GENERATORS)
        _one_of("truncation", self.truncation, TRUNCATIONS)
        if not isinstance(self.debug, bool):
            raise MisuseError(f"Settings(debug=...) must be True or False, got {self.debug!r}.")
        if self.debug and self.randomness == "directory":
            raise MisuseError(
                "Settings(debug=True) opens every value, so it takes no material that was dealt ahead of time, and "
                "no plan can be made of it. Use randomness='dealer' or 'insecure_local' with it."
            )
        _between("frac_bits", self.frac_bits, 4, 24)
        _between("compare_bits", self.compare_bits, self.frac_bits + 8, 64)
        for name in ("connect_timeout", "heartbeat_timeout"):
            if getattr(self, name) <= 0:
                raise MisuseError(
                    f"Settings({name}=...) must be a positive number of seconds, got {getattr(self, name)}."
                )
        if not self.reconnect_timeout >= 0:
            raise MisuseError(
                "Settings(reconnect_timeout=...) must be a number of seconds, or 0 for a session that ends when a link "
                f"breaks, got {self.reconnect_timeout}."
            )

    def as_dict(self) -> dict[str, object]:
        """All settings by name, for the handshake."""
        return asdict(self)


def _one_of(name: str, value: object, built: tuple[str, ...], to_come: tuple[str, ...] = ()) -> None:
    choices = ", ".join(repr(choice) for choice in built)
    if value in to_come:
        raise NotBuiltError(f"Settings({name}={value!r}) is planned but not built yet. Choose one of {choices}.")
    if value not in built:
        raise MisuseError(f"Settings({name}={value!r}) is not known. Choose one of {choices}.")


def _between(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or not low <= value <= high:
        raise MisuseError(f"Settings({name}=...) must be a whole number from {low} to {high}, got {value!r}.")
