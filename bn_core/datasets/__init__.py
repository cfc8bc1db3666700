"""The data sets, one file each; ``registry`` lists them, ``loading`` makes tensors of them."""
