"""What the tests share: processes of the product, unique topics, waiting."""
