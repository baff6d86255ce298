"""The development server: what hgn-serve runs where there is no TensorFlow Serving."""
