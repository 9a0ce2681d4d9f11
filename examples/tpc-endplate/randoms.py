"""Random numbers by counting: each number is a hash of what it is for, not of what was drawn before it.

The key of a particle comes from the seed, the generated sample, the event number and the place of the particle in its
event; a purpose (an integer) selects one number of that particle. Hence an event is simulated alike in whatever range
of events it is processed, and alike, except for what the detector model changes, in every detector model: the models
are compared with common random numbers. The hash is SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195).
"""

import hashlib

import payload  # noqa: F401  settles the processor features before numpy starts
import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(values):
    """The finalising hash of SplitMix64, on 64-bit unsigned integers that wrap around."""
    values = values.astype(np.uint64, copy=True)
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def text_key(text):
    """A 64-bit key from a text, the same on every machine."""
    return np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], dtype="<u8").astype(np.uint64)


def particle_keys(seed, origin, events, places):
    """Keys of particles, from the event number and the place in the event of each."""
    start = text_key(f"{seed}/{origin}")
    return mix(mix(start + GOLDEN * events.astype(np.uint64)) + GOLDEN * (places.astype(np.uint64) + np.uint64(1)))


class Randoms:
    """The random numbers of a set of particles, by purpose."""

    def __init__(self, keys):
        self.keys = keys

    def select(self, chosen):
        return Randoms(self.keys[chosen])

    def uniform(self, purpose):
        """Uniform in the open interval (0, 1)."""
        bits = mix(self.keys + np.uint64(int(GOLDEN) * (2 * purpose + 1) % 2**64)) >> np.uint64(11)
        return (bits.astype(np.float64) + 0.5) * 2.0**-53

    def exponential(self, purpose):
        """Exponential with mean 1."""
        return -np.log(self.uniform(purpose))

    def normals(self, purpose):
        """Two independent standard normal numbers (Box and Muller). Uses up `purpose` and `purpose` + 1."""
        radius = np.sqrt(2.0 * self.exponential(purpose))
        angle = 2.0 * np.pi * self.uniform(purpose + 1)
        return radius * np.cos(angle), radius * np.sin(angle)
