"""The read-outs that users script against: their ids, by branch.

What each one is made of stands in the model files, as an assignment rule or a species; a test
checks that the network has them all.
"""

from collections.abc import Mapping

BY_BRANCH: Mapping[str, tuple[str, ...]] = {
    "growth_factor": ("IRS1_pY", "IRS1_pS636", "IRS1_total", "PIP3"),
    "akt": ("AKT_pT308", "AKT_pS473", "AKT_total"),
    "tsc_rheb": ("TSC2_pT1462", "TSC2_total", "RHEB_GTP", "AMPK_active"),
    "mtor_complexes": (
        "mTORC1",
        "mTORC1_active",
        "mTORC1_kinase_occupied",
        "mTORC2",
        "mTORC2_active",
        "mTORC2_kinase_occupied",
        "free_mTOR",
        "PRAS40_pT246",
        "PRAS40_total",
    ),
    "s6k1": ("S6K1_pT389", "S6K1_total", "S6_pS235", "S6_pS240"),
    "eif4e": (
        "EIF4EBP1_pT37",
        "EIF4EBP1_pS65",
        "EIF4EBP1_total",
        "eIF4F",
        "PDCD4",
        "CCND1",
        "MYC",
    ),
    "hif_vegf": ("HIF1A", "HIF2A", "REDD1", "VEGF_mRNA", "VEGF_secreted"),
    "cell_fate": (
        "ULK1",
        "proliferation_rate",
        "G1_fraction",
        "cell_number",
        "ATP_per_cell",
        "ATP_signal",
        "viability",
    ),
    "immunophilins": ("mTORC1_FRB_occupied", "FKBP12_drug", "drug_medium"),
}
"""Branch -> ids of its observables, in the order in which tables show them."""

OF_A_DISH = ("VEGF_secreted", "cell_number", "ATP_signal", "viability", "drug_medium")
"""Those that speak of a dish: its medium, or how many cells are in it after weeks of growth."""

GROWING = ("cell_number", "ATP_signal")
"""Those that rise in an untreated dish, so that their value at the start is no control."""

OBSERVABLES: tuple[str, ...] = tuple(id for ids in BY_BRANCH.values() for id in ids)
"""All observables; what a scenario reads when it names none."""
