"""Knowledge distillation: a trained model as the teacher of another, beside the gold annotation."""
