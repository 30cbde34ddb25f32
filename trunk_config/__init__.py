"""How many lines each city may use, and the rendering of the switch plan."""
