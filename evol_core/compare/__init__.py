"""Arms of a comparison: paired rows, statistics, figures, a report. Works on stored rows alone and asks no model."""
