"""Views: Qt and pyqtgraph, numpy arrays in, signals out. They know no torch, no model and no app."""
