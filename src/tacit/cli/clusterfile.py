"""The TOML file that says who is where, for the commands (docs/configuration.md; its reader is ``tacit.config``).

session = "digits, 3 May"      # any text; the same at all, another one for every run
dealer = "127.0.0.1:7000"

[parties]                      # in order of rank
lab = "127.0.0.1:7001"
clinic = "127.0.0.1:7002"      # "": this one cannot be reached, it connects to the others

[certificates]                 # needed as soon as a node is on another machine: what `tacit certs show` prints
lab = "sha256:..."
clinic = ["sha256:...", "sha256:..."]    # two while one is being replaced
dealer = "sha256:..."

[settings]                     # optional
frac_bits = 16
"""

from tacit.config.address import address
from tacit.config.read import read_cluster

__all__ = ["address", "read_cluster"]
