"""Everything that ships with the studio: the voice, the vocoder, clips, fonts, icons and themes."""
