"""The figure of the study: resolution against |cos theta|, and relative to the first model, one column an energy."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")

import payload  # noqa: F401,E402  settles the processor features before numpy starts
import numpy as np  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402

# Okabe and Ito's palette: distinct for every common form of colour vision; the markers and dashes differ as well.
STYLES = (("#0072B2", "o", "-"), ("#D55E00", "s", "--"), ("#009E73", "^", "-."),
          ("#CC79A7", "D", ":"), ("#56B4E9", "v", "-"), ("#E69F00", "P", "--"))
INK = "#222222"


def label(model):
    """A model name for the reader: 0.30 X0, 100 mm thick, z = 2350 mm."""
    depth, thickness, z = model.split("_TPCEP_")[-1].split("_")
    return f"{depth[:-2]} X$_0$,  {thickness[:-2]} mm thick,  z = {z[1:-2]} mm"


def points(bins, key, error, scale, shift):
    """Bin centres (shifted, so that the error bars of models do not cover each other), half widths, values, errors."""
    kept = [b for b in bins if b is not None and b[key] is not None]
    centre = [(b["cos_low"] + b["cos_high"]) / 2 + shift for b in kept]
    return centre, [scale * b[key] for b in kept], [scale * b[error] for b in kept]


def draw(result, path):
    """Draws the result of resolution.analyse() to a PNG file."""
    plt.rcParams.update({
        "font.size": 10, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK,
        "ytick.color": INK, "axes.linewidth": 0.8, "mathtext.default": "regular",
    })
    samples = list(result["samples"].values())
    figure, axes = plt.subplots(2, len(samples), figsize=(1.4 + 3.6 * len(samples), 6.2), sharex=True, sharey="row",
                                squeeze=False, gridspec_kw={"height_ratios": (2.1, 1), "hspace": 0.07, "wspace": 0.06})
    for column, sample in enumerate(samples):
        panel(axes[:, column], sample, result["models"])
    for row, text in zip(axes[:, 0], ("Jet energy resolution\nRMS$_{90}$(E$_j$) / mean$_{90}$(E$_j$)  [%]",
                                      "Relative to\n" + result["reference"].split("X0_")[-1].replace("_", ", "))):
        row.set_ylabel(text)
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(max(0.0, np.floor(2 * low - 1) / 2), high + 0.12 * (high - low))  # room for the labels
    handles = [Line2D([], [], color=c, marker=m, linestyle=s, label=label(model))
               for model, (c, m, s) in zip(result["models"], STYLES)]
    figure.suptitle("TPC end-plate study: e$^+$e$^-$ → u$\\bar{u}$, d$\\bar{d}$, s$\\bar{s}$ "
                    "without initial-state radiation", x=0.5, y=1.0, fontsize=13, fontweight="bold")
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.97), ncols=min(len(handles), 3),
                  frameon=False, fontsize=9.5, handlelength=3, columnspacing=1.8)
    figure.savefig(path, dpi=160, bbox_inches="tight", metadata={"Software": None}, format="png")
    plt.close(figure)


def panel(axes, sample, models):
    """One column: the resolution above, the ratio below."""
    upper, lower = axes
    for axis in axes:
        axis.axvspan(0.8, 0.98, color="#F2EEDF", zorder=0)
        axis.grid(axis="y", color="#DDDDDD", linewidth=0.6, zorder=0)
        axis.set_axisbelow(True)
        axis.tick_params(direction="in", top=True, right=True)
    for rank, (model, (colour, marker, line)) in enumerate(zip(models, STYLES)):
        entry = sample["models"].get(model)
        if entry is None:
            continue
        shift = 0.012 * (rank - (len(models) - 1) / 2)
        style = {"color": colour, "marker": marker, "linestyle": line, "markersize": 5, "linewidth": 1.5,
                 "elinewidth": 1.0, "capsize": 2, "markeredgecolor": "white", "markeredgewidth": 0.5, "zorder": 3}
        x, y, error = points(entry["bins"], "resolution", "error", 100.0, shift)
        upper.errorbar(x, y, error, **style)
        if "ratios" in entry:
            x, y, error = points(entry["ratios"], "ratio", "error", 1.0, shift)
            lower.errorbar(x, y, error, **style)
    lower.axhline(1.0, color=STYLES[0][0], linewidth=1.2, zorder=2)
    events = max(entry["events"] for entry in sample["models"].values())
    upper.set_title(f"√s = {sample['energy']} GeV", fontsize=11, pad=6)
    upper.text(0.03, 0.04, f"{events:,} events per model", transform=upper.transAxes, fontsize=8.5, color="#555555")
    upper.text(0.89, 0.965, "forward", transform=upper.get_xaxis_transform(), fontsize=8.5, color="#7A6A33",
               ha="center", va="top")
    lower.set_xlabel("|cos θ| of the quark")
    lower.set_xlim(0, 1)
    lower.set_xticks([0, 0.2, 0.4, 0.6, 0.8], ["0", "0.2", "0.4", "0.6", "0.8"])
