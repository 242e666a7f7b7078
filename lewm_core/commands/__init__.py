"""The commands of ``lewm``, one module each; modules whose name begins with "_" are shared helpers."""
