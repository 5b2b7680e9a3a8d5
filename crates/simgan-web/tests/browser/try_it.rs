//! A refiner tried on an image.
