"""What is transferred, and who is told."""

import hashlib

CONTENT = bytes(range(256)) * 40


SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Seen:
    """Remembers progress."""

    def __init__(self):
        self.updates = []

    def update(self, done, total, unit, note=""):
        self.updates.append((done, total, unit, note))
