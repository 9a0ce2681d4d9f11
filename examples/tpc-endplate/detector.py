"""The detector: geometry read from the name of the model, and where a helix meets it. Lengths in mm, momenta in GeV."""

import dataclasses
import re

import payload
import numpy as np

FIELD = 3.5  # tesla, along z
CURVATURE = 0.3e-3 * FIELD  # GeV/mm: radius = pT / CURVATURE
TPC_INNER = 330.0
TPC_OUTER = 1808.0
ROW_PITCH = 6.0
POINT_RESOLUTION = 0.100  # TPC, r-phi
TPC_DEPTH = 0.05  # radiation lengths of wall, gas and inner detectors seen by a track
SILICON_LAYERS = 8
SILICON_RADIUS = 300.0
SILICON_RESOLUTION = 0.007
SILICON_DEPTH = 0.05
SILICON_LENGTH = 2200.0  # the last forward disk
ECAL_RADIUS = 1847.0
ECAL_FACE = 2450.0  # endcap
BORE = 240.0  # nothing closer to the beam is measured

NAME = re.compile(r"ILD_00_noETD_TPCEP_(\d\.\d{2})X0_(\d{2,4})mm_z(\d{4})mm")


@dataclasses.dataclass(frozen=True)
class Detector:
    """One detector model. The plate fills |z| from `inner` to `outer`; the TPC drifts up to its inner face."""

    name: str
    depth: float  # radiation lengths of the plate, at normal incidence
    thickness: float
    outer: float

    @property
    def inner(self):
        return self.outer - self.thickness

    def plate_z(self, fraction):
        """Where in z a fraction of the material has been crossed.

        Half of it (pad plane, modules, front-end electronics, cooling) sits in the first fifth of the thickness, half
        is spread over the rest (space frame, cables, services).
        """
        near = 0.4 * fraction
        far = 0.2 + 1.6 * (fraction - 0.5)
        return self.inner + self.thickness * np.where(fraction < 0.5, near, far)


def parse(name):
    """The detector a model name stands for, such as ILD_00_noETD_TPCEP_0.30X0_100mm_z2350mm."""
    match = NAME.fullmatch(name)
    if match is None:
        form = "ILD_00_noETD_TPCEP_<d.dd>X0_<thickness>mm_z<position>mm"
        raise payload.Failure(payload.USAGE, f"unknown detector model {name!r}: the form is {form}")
    depth, thickness, outer = (float(group) for group in match.groups())
    if outer > ECAL_FACE:
        message = f"detector model {name}: the plate at {outer:.0f} mm is inside the calorimeter at {ECAL_FACE:.0f} mm"
        raise payload.Failure(payload.USAGE, message)
    if depth > 2.0 or thickness > 500.0 or outer < 1500.0:
        message = f"detector model {name}: outside the model's range (at most 2 X0, 500 mm, at least z 1500 mm)"
        raise payload.Failure(payload.USAGE, message)
    return Detector(name, depth, thickness, outer)


class Path:
    """Helices (straight lines for neutral particles) from the interaction point."""

    def __init__(self, px, py, pz, charge):
        self.pt = np.maximum(np.hypot(px, py), 1e-6)
        self.p = np.hypot(self.pt, pz)
        self.phi = np.arctan2(py, px)
        self.sin = self.pt / self.p
        self.cos = np.maximum(np.abs(pz) / self.p, 1e-6)
        self.side = np.where(pz < 0, -1.0, 1.0)
        self.bend = charge * CURVATURE / self.pt  # 1/mm, signed

    def turn(self, length):
        """Half the turning angle after a transverse path length."""
        return 0.5 * self.bend * length

    def at_z(self, z):
        """Transverse position where |z| is reached: radius and azimuth."""
        length = z * self.sin / self.cos
        half = self.turn(length)
        return np.abs(length * np.sinc(half / np.pi)), self.phi - half

    def radius_at(self, z):
        return self.at_z(z)[0]

    def length_to(self, radius):
        """Transverse path length to a cylinder; infinite for a helix that never gets there."""
        chord = 0.5 * radius * np.abs(self.bend)
        reached = chord < 1.0
        angle = np.arcsin(np.where(reached, chord, 0.0))
        straight = angle < 1e-9
        length = np.where(straight, radius, 2.0 * angle / np.where(straight, 1.0, np.abs(self.bend)))
        return np.where(reached, length, np.inf)

    def to_calorimeter(self):
        """Whether the endcap is hit, and the point on the face of the calorimeter (x, y, z)."""
        length = self.length_to(ECAL_RADIUS)
        endcap = length * self.cos > ECAL_FACE * self.sin
        radius, phi = self.at_z(ECAL_FACE)
        barrel_length = np.where(endcap, 0.0, length)
        phi = np.where(endcap, phi, self.phi - self.turn(barrel_length))
        radius = np.where(endcap, radius, ECAL_RADIUS)
        z = self.side * np.where(endcap, ECAL_FACE, barrel_length * self.cos / self.sin)
        return endcap, radius * np.cos(phi), radius * np.sin(phi), z

    def crosses_plate(self, detector):
        """Whether the particle leaves the TPC through the end plate."""
        inside = self.length_to(TPC_OUTER) * self.cos > detector.inner * self.sin
        return inside & (self.radius_at(detector.inner) > TPC_INNER)
