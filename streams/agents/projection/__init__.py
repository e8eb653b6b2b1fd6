"""The read model's side that folds: records in, batches for adapters.read_model.store out."""
