"""The second demonstration: a lab's language model embeds a clinic's sentences, and neither sees what the other has."""
