"""What callers hear: prompt catalogue per dialect, menus as data, the builder of audio."""
