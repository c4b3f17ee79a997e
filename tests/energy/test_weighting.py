"""Factors and prices by year, the grid's import and export, and the revenue of feeding in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from energy import grid_exchange, weighting
from energy.parameters import Parameters
from twin.errors import CallError

PARAMETERS = Parameters.default()
SUPPLIED = SimpleNamespace(carrier=np.array([0, 4]), electricity=4)  # district heat, heat pump


def test_factors_of_the_reference_year():
    """Certificates, GEG and UBA as in the table; gas is billed by the higher heating value: 0.1172 · 1.11."""
    row = weighting.table(PARAMETERS)
    assert row.loc["district_heating", "primary_energy_factor"] == 0.30
    assert row.loc["district_heating", "co2_kg_kwh"] == 0.111
    assert row.loc["electricity", "co2_kg_kwh"] == pytest.approx(0.363)
    assert row.loc["gas", "price_eur_kwh"] == pytest.approx(0.1172 * 1.11)


def test_later_years_by_hand():
    """2030: 80 instead of 55 €/t, with 19 % tax, on 0.2016 kg/kWh; grid CO2 by its path of 0.44."""
    later = weighting.table(PARAMETERS.with_constants(year=2030))
    rise = 0.2016 * (80 - 55) / 1000 * 1.19
    assert later.loc["gas", "price_eur_kwh"] == pytest.approx(0.1172 * 1.11 + rise)
    assert later.loc["electricity", "co2_kg_kwh"] == pytest.approx(0.44 * 0.363)
    assert weighting.co2_price(2028, PARAMETERS) == pytest.approx(65 + (80 - 65) / 3)
    assert weighting.co2_price(2060, PARAMETERS) == 200


def test_losses_of_the_network_count_once():
    """0.097 at the feed-in with simulated losses, else 0.111 at the customer."""
    simulated = weighting.table(PARAMETERS.with_constants(network_simulated=1))
    assert simulated.loc["district_heating", "co2_kg_kwh"] == 0.097
    losing = weighting.table(PARAMETERS.with_constants(network_simulated=1, network_loss_share=0.1))
    assert losing.loc["district_heating", "co2_kg_kwh"] == pytest.approx(0.097 * 1.1)
    assert losing.loc["gas", "co2_kg_kwh"] == weighting.table(PARAMETERS).loc["gas", "co2_kg_kwh"]


def test_import_and_export_by_hand():
    """Electric heat is part of the import; exports count only where they are credited (GEG Anlage 4: 2.8)."""
    heat, bought, sold = np.array([[100.0], [50.0]]), np.array([[10.0], [60.0]]), np.array([[5.0], [0.0]])
    fuel = grid_exchange.without_sun(np.array([False, True]), heat, bought).heat
    energy = weighting.weighted("primary_energy_kwh", SUPPLIED, fuel, bought, PARAMETERS, sold)
    np.testing.assert_allclose(energy[:, 0], [0.3 * 100 + 1.8 * 10, 1.8 * 60])
    credited = PARAMETERS.with_constants(export_credit=1)
    energy = weighting.weighted("primary_energy_kwh", SUPPLIED, fuel, bought, credited, sold)
    np.testing.assert_allclose(energy[0, 0], 0.3 * 100 + 1.8 * 10 - 2.8 * 5)
    same = weighting.weighted("co2_kg", SUPPLIED, heat, bought - [[0.0], [50.0]], PARAMETERS)
    np.testing.assert_allclose(weighting.weighted("co2_kg", SUPPLIED, fuel, bought, PARAMETERS, sold), same)


def test_feed_in_is_the_mean_over_the_classes():
    """EEG 2023 § 48: 30 kWp get 10 of 7.87 and 20 of 6.81 ct/kWh."""
    rate = weighting.feed_in_rate(np.array([5.0, 30.0]), PARAMETERS)
    np.testing.assert_allclose(rate, [0.0787, (10 * 0.0787 + 20 * 0.0681) / 30])
    revenue = weighting.feed_in_revenue(np.ones((2, 3)), np.array([5.0, 30.0]), PARAMETERS)
    np.testing.assert_allclose(revenue, np.repeat(rate[:, None], 3, axis=1))
    with pytest.raises(CallError, match="2000 kWp"):
        weighting.feed_in_rate(np.array([2000.0]), PARAMETERS)
