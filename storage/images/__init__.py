"""Image stores: where the data of images is kept."""
