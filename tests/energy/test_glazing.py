"""Glass by angle: Fresnel by hand, EN 673's gap by hand, and what all stacks must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.glazing import Glazing, Pane, surface_and_path
from twin.errors import CallError

CLEAR = Pane(0.003048, 1.0, 0.834, 0.075, 0.84, 0.84)


def test_a_pane_without_absorption_follows_fresnel_by_hand():
    """n = 1.526: r = (0.526/2.526)² = 0.04336; a plate's transmittance is (1 − r)/(1 + r) = 0.9169."""
    r = (0.526 / 2.526) ** 2
    through = (1 - r) / (1 + r)
    pane = Pane(0.003, 1.0, through, 1 - through, 0.84, 0.84)
    assert surface_and_path(pane.transmittance, pane.reflectance) == pytest.approx((r, 1.0))
    passed, sent = pane.at(np.array([1.0, np.cos(np.radians(60.0))]))
    assert passed[0] == pytest.approx(through)
    # 60°: sin θ' = sin 60°/1.526, r⊥ = 0.18465, r∥ = 0.00154 (Fresnel); mean of (1 − r)/(1 + r).
    inner = np.arcsin(np.sin(np.pi / 3) / 1.526)
    across = np.sin(np.pi / 3 - inner) ** 2 / np.sin(np.pi / 3 + inner) ** 2
    along = np.tan(np.pi / 3 - inner) ** 2 / np.tan(np.pi / 3 + inner) ** 2
    assert passed[1] == pytest.approx(np.mean([(1 - across) / (1 + across), (1 - along) / (1 + along)]))
    np.testing.assert_allclose(passed + sent, 1.0)


def test_two_panes_at_normal_incidence_by_hand():
    """τ = τ₁τ₂/(1 − ρ₁ρ₂); the outer pane also absorbs of what the inner one sends back."""
    t, r, a = 0.834, 0.075, 1 - 0.834 - 0.075
    passed, taken = Glazing((CLEAR, CLEAR), (0.012,), ("air",)).at(np.array([1.0]))
    between = t / (1 - r * r)
    assert passed[0] == pytest.approx(between * t)
    np.testing.assert_allclose(taken[:, 0], [a + a * r * between, a * between], rtol=1e-9)


def test_gap_conducts_as_en_673_says():
    """Air, 12 mm, ε = 0.837 twice: EN 673 gives h_g = Nu·λ/s with Nu = 1, h_r = 4σT³/(1/ε + 1/ε − 1).

    Gr = 9.81·0.012³·15·1.232²/(283·1.761e-5²) = 4,398, Pr = 0.711, Nu = 0.035·(Gr·Pr)^0.38 = 0.745 → 1.
    h = 2.08 + 3.70 = 5.78.
    """
    pane = Pane(0.004, 1.0, 0.83, 0.08, 0.837, 0.837)
    gap = Glazing((pane, pane), (0.012,), ("air",)).gap_conductance_w_m2k
    assert gap[0] == pytest.approx(5.78, abs=0.02)
    coated = Pane(0.004, 1.0, 0.6, 0.2, 0.04, 0.837)
    low = Glazing((pane, coated), (0.016,), ("argon",)).gap_conductance_w_m2k[0]
    assert 1.1 < low < 1.6  # usual units of this kind have U = 1.1 to 1.2: 1/(1/U − 0.17 − 2·0.004)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 0.9), st.floats(0.02, 0.09), st.integers(1, 4), st.floats(0, 89))
def test_what_falls_on_a_stack_passes_is_absorbed_or_sent_back(t, r, count, angle):
    glass = Glazing(
        (Pane(0.004, 1.0, t, r, 0.84, 0.84),) * count, (0.012,) * (count - 1), ("air",) * (count - 1)
    )
    cosine = np.cos(np.radians([angle]))
    passed, taken = glass.at(cosine)
    back, _ = glass.turned.at(cosine)
    assert 0 <= passed[0] <= t + 1e-9 and (taken >= -1e-12).all() and passed[0] + taken.sum() <= 1 + 1e-9
    assert back[0] == pytest.approx(passed[0])  # either way the same
    diffuse, absorbed, reflected = glass.diffuse
    assert 0 < diffuse < glass.at(np.ones(1))[0][0] and diffuse + absorbed.sum() + reflected == pytest.approx(
        1
    )


@pytest.mark.parametrize(("t", "r"), [(0.0, 0.1), (0.8, 0.3), (1.2, 0.0), (0.5, -0.1)])
def test_a_pane_that_cannot_be_is_refused(t, r):
    with pytest.raises(CallError, match="a pane cannot pass"):
        surface_and_path(t, r)


def test_an_unknown_gas_is_refused():
    with pytest.raises(CallError, match="no gas 'xenon'"):
        _ = Glazing((CLEAR, CLEAR), (0.012,), ("xenon",)).gap_conductance_w_m2k
