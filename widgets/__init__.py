"""Views: Qt, numpy arrays in, signals out. They know no torch, no model and no app."""
