"""The LeWM-TTS model, one part a file; ``lewm`` joins them."""
