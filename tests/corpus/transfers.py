"""What is transferred, and who is told."""

import hashlib

CONTENT = bytes(range(256)) * 40


SHA256 = hashlib.sha256(CONTENT).hexdigest()


def sha1_of(content):
    """The digests that a host would publish: with them a broken transfer is continued."""
    return {"sha1": hashlib.sha1(content).hexdigest()}


class Seen:
    """Remembers progress."""

    def __init__(self):
        self.updates = []

    def update(self, done, total, unit, note=""):
        self.updates.append((done, total, unit, note))
