"""Figures that tests found, printed at the end of a run: ``record_property("figure", "79 points ...")``."""


def pytest_terminal_summary(terminalreporter):
    """Print what tests recorded as figures, by whichever process they ran."""
    figures = [value for report in terminalreporter.stats.get("passed", ())
               for name, value in getattr(report, "user_properties", ()) if name == "figure" and report.when == "call"]
    if figures:
        terminalreporter.section("figures")
        for one in sorted(figures):
            terminalreporter.write_line(one)
