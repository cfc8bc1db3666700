"""The worker processes that train, and how the pages reach them."""
