"""From entities to records: who, which telephone, which courier, where, with normalized values."""
