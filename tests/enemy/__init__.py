"""The worst enemy: a hostile model, hostile people, dying processes, and a judge of its own."""
