"""What a person explores a trained HGN with: films, its rollouts, kicks and energies; no page, no pictures."""
