"""What the detector makes of stable particles: tracks and calorimeter clusters.

A parametrised response, vectorised over all particles of a job. README.md says where each number comes from. Lengths
in mm, energies in GeV. The integers given to `randoms` are purposes; each purpose is used once.
"""

import payload  # noqa: F401  settles the processor features before numpy starts
import numpy as np

import detector as geometry
from detector import CURVATURE, ECAL_FACE

PHOTON, ELECTRON, MUON, CHARGED, NEUTRAL = range(5)
# Charges of the stable particles Pythia leaves; a particle missing here is neutral, neutrinos are not seen.
CHARGES = {11: -1, 13: -1, 211: 1, 321: 1, 2212: 1, 3112: -1, 3222: 1, 3312: -1, 3334: -1, 24: 1, 15: -1}
INVISIBLE = (12, 14, 16)

ECAL = (0.17, 0.01)  # stochastic and constant term of the energy resolution, electromagnetic
HCAL = (0.50, 0.02)  # hadronic
OVERLAP = (0.77, 0.82)  # |cos theta| where barrel and endcap calorimeters meet,
OVERLAP_FACTOR = 1.2  # and how much worse both are there

ELECTROMAGNETIC_SPREAD = 3.0  # r.m.s. of a cluster position in each direction
HADRONIC_SPREAD = 15.0
FRAGMENT_CHANCE = 0.50  # a hadron shower that leaves a separate cluster inside the calorimeter,
FRAGMENT_SHARE = 0.40  # at most this share of its energy
FRAGMENT_DISTANCE = 90.0  # mean distance of it

INTERACTION_LENGTHS = 0.50  # nuclear interaction lengths per radiation length, of carbon fibre (aluminium: 0.22)
TRANSVERSE_MOMENTUM = 0.40  # mean transverse momentum of a secondary hadron, GeV
SECONDARY_SHARE = 0.9  # at most this share of the energy goes to one secondary; most are slower
PLATE_LOSS = 0.10  # mean share of the hadron's energy that such an interaction loses to nuclei and slow secondaries
CRITICAL_ENERGY = 0.082  # GeV an electron loses by ionisation in one radiation length of carbon
CLUSTER_THRESHOLD = 0.10


def classify(pdg):
    """Kind and charge of each particle."""
    code = np.abs(pdg)
    charge = np.zeros(len(pdg))
    for known, sign in CHARGES.items():
        charge[code == known] = sign
    charge *= np.sign(pdg)
    kind = np.where(charge != 0, CHARGED, NEUTRAL)
    kind[code == 22] = PHOTON
    kind[code == 11] = ELECTRON
    kind[code == 13] = MUON
    return kind, charge


def highland(momentum, depth):
    """R.m.s. plane scattering angle of a singly charged fast particle (Highland; PDG, Passage of particles)."""
    logarithm = np.log(np.maximum(depth, 1e-3))
    angle = 0.0136 / np.maximum(momentum, 0.02) * np.sqrt(depth) * (1.0 + 0.038 * logarithm)
    return np.minimum(angle, 0.5)


def curvature_error(path, lever, layers, resolution, depth):
    """R.m.s. of the curvature (1/mm) of a track over `lever` mm: Gluckstern's measurement and scattering terms."""
    lever = np.maximum(lever, 1.0)
    measured = resolution / lever**2 * np.sqrt(720.0 / (layers + 4.0))
    # 0.016 GeV L / (p beta cos^2(lambda)) sqrt(L/X0) per unit length, with the depth along the track
    scattered = 0.016 / (lever * path.p * path.sin**2) * np.sqrt(depth / path.sin)
    return np.hypot(measured, scattered)


def tracks(model, path, randoms):
    """Which charged particles are found, their measured transverse momenta and their numbers of TPC hits."""
    exit_radius = np.minimum(path.radius_at(model.inner), geometry.TPC_OUTER)
    exit_radius = np.where(path.length_to(geometry.TPC_OUTER) * path.cos <= model.inner * path.sin,
                           geometry.TPC_OUTER, exit_radius)
    hits = np.maximum((exit_radius - geometry.TPC_INNER) // geometry.ROW_PITCH, 0).astype(np.int64)
    # The distance to the pads grows with the drift; diffusion in 3.5 T adds little.
    tpc = curvature_error(path, exit_radius - geometry.TPC_INNER, hits, geometry.POINT_RESOLUTION, geometry.TPC_DEPTH)
    tpc = np.where(hits >= 10, tpc, np.inf)
    lever = np.minimum(geometry.SILICON_LENGTH * path.sin / path.cos, geometry.SILICON_RADIUS)
    silicon = curvature_error(
        path, lever, geometry.SILICON_LAYERS, geometry.SILICON_RESOLUTION, geometry.SILICON_DEPTH)
    error = 1.0 / np.sqrt(tpc**-2 + silicon**-2)
    smear, _ = randoms.normals(0)
    curvature = np.abs(path.bend) + error * smear
    found = (path.pt > 0.1) & (lever > 20.0) & (randoms.uniform(2) < np.where(hits >= 10, 0.995, 0.97))
    # A curvature measured as zero or less is a straight track: its momentum is not known and it is not used.
    found &= curvature > 0.05 * np.abs(path.bend)
    return found, CURVATURE / np.maximum(curvature, 1e-9), hits


class Clusters:
    """Calorimeter clusters being collected: particle, energy, position, and whether they look electromagnetic."""

    def __init__(self):
        self.parts = []

    def add(self, particle, energy, x, y, z, electromagnetic):
        keep = energy > CLUSTER_THRESHOLD
        flags = np.full(len(energy), electromagnetic, dtype=np.int8)
        self.parts.append([column[keep] for column in (particle, energy, x, y, z, flags)])

    def sorted(self):
        """Columns in the order of the particles; clusters of one particle in the order they were added."""
        columns = [np.concatenate(column) for column in zip(*self.parts)]
        order = np.argsort(columns[0], kind="stable")
        return [column[order] for column in columns]


class Calorimeter:
    """Energies and positions measured for particles that reach the face of the calorimeter at (x, y, z)."""

    def __init__(self, path, endcap, x, y, z):
        self.path, self.endcap = path, endcap
        self.point = (x, y, z)
        cos = np.abs(z) / np.sqrt(x * x + y * y + z * z)
        self.factor = np.where((cos > OVERLAP[0]) & (cos < OVERLAP[1]), OVERLAP_FACTOR, 1.0)

    def energy(self, chosen, energy, terms, smear):
        """Smeared energies, never negative."""
        energy = np.maximum(energy, 1e-6)
        sigma = np.hypot(terms[0] / np.sqrt(energy), terms[1]) * self.factor[chosen]
        return np.maximum(energy * (1.0 + sigma * smear), 0.0)

    def moved(self, chosen, along, across):
        """Points on the face displaced by (along, across): radially and in azimuth in the endcap, z and azimuth in
        the barrel."""
        x, y, z = (column[chosen] for column in self.point)
        radius = np.hypot(x, y)
        cos, sin = x / radius, y / radius
        endcap = self.endcap[chosen]
        radial = np.where(endcap, along, 0.0)
        return x + radial * cos - across * sin, y + radial * sin + across * cos, z + np.where(endcap, 0.0, along)


def simulate(model, particles, randoms):
    """Tracks and clusters of all particles.

    `particles` are the columns px, py, pz, energy, pdg. Returns the columns of the tracks, of the clusters, and the
    particle each belongs to.
    """
    px, py, pz, energy, pdg = particles
    kind, charge = classify(pdg)
    path = geometry.Path(px, py, pz, charge)
    found, pt, hits = tracks(model, path, randoms)
    endcap, x, y, z = path.to_calorimeter()
    seen = np.hypot(x, y) > geometry.BORE
    plate = path.crosses_plate(model) & endcap & seen
    calorimeter = Calorimeter(path, endcap, x, y, z)
    clusters = Clusters()
    photons(model, clusters, calorimeter, randoms, energy, plate, np.flatnonzero(seen & (kind == PHOTON)))
    electrons(model, clusters, calorimeter, randoms, energy, plate, np.flatnonzero(seen & (kind == ELECTRON)))
    hadrons(model, clusters, calorimeter, randoms, (kind, energy), plate,
            np.flatnonzero(seen & ((kind == CHARGED) | (kind == NEUTRAL))))
    track = np.flatnonzero(found & (charge != 0))
    scale = pt[track] / path.pt[track]
    track_columns = (track, px[track] * scale, py[track] * scale, pz[track] * scale, kind[track], hits[track],
                     x[track], y[track], z[track])
    return track_columns, clusters.sorted()


def photons(model, clusters, calorimeter, randoms, energy, plate, chosen):
    """Photons; those that convert in the plate arrive as an electron and a positron, bent and scattered apart."""
    draw = randoms.select(chosen)
    path = calorimeter.path
    depth = np.where(plate[chosen], model.depth / path.cos[chosen], 0.0)
    start = draw.exponential(3) * 9.0 / 7.0
    converted = start < depth
    whole = np.flatnonzero(~converted)
    smear, _ = draw.normals(4)
    along, across = draw.normals(6)
    spread = ELECTROMAGNETIC_SPREAD
    index = chosen[whole]
    place = calorimeter.moved(index, spread * along[whole], spread * across[whole])
    clusters.add(index, calorimeter.energy(index, energy[index], ECAL, smear[whole]), *place, 1)
    pair = np.flatnonzero(converted)
    index, draw = chosen[pair], draw.select(pair)
    share = draw.uniform(8)
    fraction = start[pair] / depth[pair]
    for leg, (part, sign) in enumerate(((share, 1.0), (1.0 - share, -1.0))):
        arm = (ECAL_FACE - model.plate_z(fraction)) / path.cos[index]
        remaining = depth[pair] - start[pair]
        electron_leg(clusters, calorimeter, draw, index, energy[index] * part, sign, arm, remaining, 10 + 10 * leg)


def electron_leg(clusters, calorimeter, draw, index, energy, sign, arm, depth, purpose):
    """One electron over the last `arm` mm: loses energy, is bent by the field and scattered, and makes a cluster."""
    loss = CRITICAL_ENERGY * depth * (0.7 + 0.3 * draw.exponential(purpose))
    energy = np.maximum(energy - loss, 0.0)
    sin = calorimeter.path.sin[index]
    radius = np.maximum(energy, 1e-3) * sin / CURVATURE
    length = arm * sin
    bent = np.minimum(length * length / (2.0 * radius), 2.0 * radius)
    kick = highland(energy, depth) * arm / np.sqrt(3.0)
    first, second = draw.normals(purpose + 1)
    smear, along = draw.normals(purpose + 3)
    across, _ = draw.normals(purpose + 5)
    spread = ELECTROMAGNETIC_SPREAD
    place = calorimeter.moved(index, kick * first + spread * along, kick * second + sign * bent + spread * across)
    clusters.add(index, calorimeter.energy(index, energy, ECAL, smear), *place, 1)


def electrons(model, clusters, calorimeter, randoms, energy, plate, chosen):
    """Primary electrons: scattered in the plate, with one hard photon radiated there that is not bent along."""
    draw = randoms.select(chosen)
    path = calorimeter.path
    depth = np.where(plate[chosen], model.depth / path.cos[chosen], 0.0)
    arm = (ECAL_FACE - model.plate_z(draw.uniform(3))) / path.cos[chosen]
    radiated = np.where(draw.uniform(4) < 1.0 - np.exp(-depth), draw.uniform(5), 0.0) * energy[chosen]
    electron_leg(clusters, calorimeter, draw, chosen, energy[chosen] - radiated, 0.0, arm, depth, 10)
    # The track is extrapolated with its own momentum, the electron is bent more once it has radiated.
    length = arm * path.sin[chosen]
    radius = energy[chosen] * path.sin[chosen] / CURVATURE
    smear, _ = draw.normals(20)
    place = calorimeter.moved(chosen, np.zeros(len(chosen)), np.minimum(length**2 / (2.0 * radius), 2.0 * radius))
    clusters.add(chosen, calorimeter.energy(chosen, radiated, ECAL, smear), *place, 1)


def hadrons(model, clusters, calorimeter, randoms, particles, plate, chosen):
    """Charged and neutral hadrons: scattering or an interaction in the plate, then a shower with its own fragments."""
    kind, energy = particles
    draw = randoms.select(chosen)
    path = calorimeter.path
    depth = np.where(plate[chosen], model.depth / path.cos[chosen], 0.0)
    lengths = INTERACTION_LENGTHS * depth
    start = draw.exponential(3)
    interacts = start < lengths
    fraction = np.where(interacts, start / np.maximum(lengths, 1e-9), 0.5)
    arm = (ECAL_FACE - model.plate_z(fraction)) / path.cos[chosen]
    rest = energy[chosen].copy()
    hit = np.flatnonzero(interacts)
    rest[hit] = interaction(clusters, calorimeter, draw.select(hit), chosen[hit], rest[hit], arm[hit])
    separate = draw.uniform(10) < FRAGMENT_CHANCE
    part = np.where(separate, FRAGMENT_SHARE * draw.uniform(11), 0.0) * rest
    charged = kind[chosen] == CHARGED
    kick = np.where(charged, highland(path.p[chosen], depth), 0.0) * arm / np.sqrt(3.0)
    first, second = draw.normals(12)
    along, across = draw.normals(14)
    smear, other = draw.normals(16)
    spread = HADRONIC_SPREAD
    place = calorimeter.moved(chosen, kick * first + spread * along, kick * second + spread * across)
    clusters.add(chosen, calorimeter.energy(chosen, rest - part, HCAL, smear), *place, 0)
    distance = FRAGMENT_DISTANCE * draw.exponential(18)
    angle = 2.0 * np.pi * draw.uniform(19)
    place = calorimeter.moved(chosen, distance * np.cos(angle), distance * np.sin(angle))
    clusters.add(chosen, calorimeter.energy(chosen, part, HCAL, other), *place, 0)


def interaction(clusters, calorimeter, draw, index, energy, arm):
    """Hadrons that interact in the plate: four secondaries fly off to the side. Returns the energy of the rest.

    The angle of a secondary is its transverse momentum over its momentum, so that its distance from the track at the
    calorimeter grows with the lever arm between the interaction and the calorimeter.
    """
    lost = np.minimum(PLATE_LOSS * draw.exponential(30), 0.9)
    rest = energy * (1.0 - lost)
    for purpose in (32, 42, 52, 62):
        part = rest * SECONDARY_SHARE * draw.uniform(purpose) ** 2
        sideways = TRANSVERSE_MOMENTUM * np.sqrt(4.0 / np.pi * draw.exponential(purpose + 1))
        angle = np.minimum(np.arctan2(sideways, np.maximum(part, 1e-3)), 1.2)
        turn = 2.0 * np.pi * draw.uniform(purpose + 2)
        along, across = draw.normals(purpose + 3)
        smear, _ = draw.normals(purpose + 5)
        # An oblique particle meets the face at a slant, which stretches the radial distance.
        stretch = 1.0 / calorimeter.path.cos[index]
        distance = arm * np.tan(angle)
        spread = HADRONIC_SPREAD
        place = calorimeter.moved(index, stretch * distance * np.cos(turn) + spread * along,
                                  distance * np.sin(turn) + spread * across)
        clusters.add(index, calorimeter.energy(index, part, HCAL, smear), *place, 0)
        rest = rest - part
    return rest
