"""LeWM Studio: the desktop application, the only place where the model and the views meet."""
