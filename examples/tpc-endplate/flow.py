"""Particle flow: tracks and clusters of one event become particles. Lengths in mm, energies in GeV.

A charged particle is measured by its track, so its clusters must be left out; what is left is neutral. Where showers
overlap or fall apart this goes wrong (confusion), and that is where the material in front of the endcap acts:
 - a cluster near the impact point of a track is taken for part of that track's shower,
 - unless the track then has far more energy than momentum: the excess is a neutral particle,
 - clusters further away are drawn in while the track still lacks energy,
 - every other cluster is a neutral particle.
"""

import payload  # noqa: F401  settles the processor features before numpy starts
import numpy as np

NEAR_HADRONIC = 70.0  # a cluster this close to a track belongs to it,
NEAR_ELECTROMAGNETIC = 20.0  # a narrow electromagnetic one only when it is this close
OVERLAP = 30.0  # showers of tracks this close cannot be told apart
FAR = 110.0  # fragments are looked for up to here
EXCESS = 2.0  # standard deviations of energy over momentum that make a neutral particle
HADRON_RESOLUTION = 0.55  # over the root of the energy
MUON, ELECTRON = 2, 1  # kinds of tracks, as simulated
PION_MASS = 0.13957


def particles(track, cluster):
    """Particles (rows px, py, pz, energy) of one event.

    `track`: momenta (n, 3), impact points (n, 3), kinds (n). `cluster`: energies (m), positions (m, 3), flags (m).
    """
    momenta, impacts, kinds = track
    energies, points, electromagnetic = cluster
    squared = np.einsum("ij,ij->i", momenta, momenta)
    charged = np.column_stack([momenta, np.sqrt(squared + PION_MASS**2)])
    if not len(energies):
        return charged
    directions = points / np.sqrt(np.einsum("ij,ij->i", points, points))[:, None]
    if not len(momenta):
        return np.column_stack([directions * energies[:, None], energies])
    p = np.sqrt(squared)
    gaps = np.sqrt(((points[:, None, :] - impacts[None, :, :]) ** 2).sum(axis=2))
    gaps[:, kinds == MUON] = np.inf
    owner = gaps.argmin(axis=1)
    gap = gaps[np.arange(len(owner)), owner]
    reach = np.where((electromagnetic == 1) & (kinds[owner] != ELECTRON), NEAR_ELECTROMAGNETIC, NEAR_HADRONIC)
    taken = gap < reach
    found = np.bincount(owner[taken], energies[taken], len(p))
    sigma = HADRON_RESOLUTION * np.sqrt(p)
    collect(gaps, energies, electromagnetic, (found, p, sigma), taken)
    excess = surplus(impacts, found - p, sigma)
    neutral = np.column_stack([directions * energies[:, None], energies])[~taken]
    over = np.flatnonzero(excess)
    split = np.column_stack([momenta[over] / p[over, None] * excess[over, None], excess[over]])
    return np.concatenate([charged, neutral, split])


def surplus(impacts, balance, sigma):
    """Energy of each track that no momentum explains. What its neighbours lack is theirs: clusters of overlapping
    showers are easily booked on the wrong track."""
    excess = np.zeros(len(balance))
    missing = np.maximum(-balance, 0.0)
    for i in np.flatnonzero(balance > EXCESS * sigma):
        near = ((impacts - impacts[i]) ** 2).sum(axis=1) < OVERLAP**2
        rest = balance[i] - missing[near].sum()
        missing[near] *= 1.0 - min(balance[i] / max(missing[near].sum(), 1e-9), 1.0)
        if rest > EXCESS * np.sqrt((sigma[near] ** 2).sum()):
            excess[i] = rest
    return excess


def collect(gaps, energies, electromagnetic, tracks, taken):
    """Gives free hadronic clusters, nearest first, to tracks that lack energy. Changes `taken` and `found`."""
    found, p, sigma = tracks
    free = ~taken & (electromagnetic == 0)
    clusters, owners = np.nonzero((gaps < FAR) & free[:, None])
    for place in np.argsort(gaps[clusters, owners], kind="stable"):
        cluster, owner = clusters[place], owners[place]
        if taken[cluster] or found[owner] > p[owner] - 0.5 * sigma[owner]:
            continue
        if found[owner] + energies[cluster] <= p[owner] + sigma[owner]:
            found[owner] += energies[cluster]
            taken[cluster] = True
