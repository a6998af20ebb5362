"""The demonstration: a lab's network classifies a clinic's images, and neither sees what the other has."""
