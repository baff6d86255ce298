"""What a trained model is worth: figures of merit, the evaluator, pictures and reports."""
