"""How software is run. Today: as processes of this machine."""
