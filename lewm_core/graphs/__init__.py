"""The inference graphs of a voice: written as ONNX from a checkpoint's weights by numpy alone, without torch."""
