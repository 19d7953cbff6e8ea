"""From plain tables to one page: figures, the ledger of claims, and a picture for the front of the repository."""
