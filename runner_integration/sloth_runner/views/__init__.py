"""How a run is shown: live at a terminal, as plain lines elsewhere, or as JSON."""
