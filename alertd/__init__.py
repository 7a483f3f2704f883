"""alertd: webhook alerts in, exactly one Autotask PSA ticket per problem out."""

__version__ = "0.1.0"
