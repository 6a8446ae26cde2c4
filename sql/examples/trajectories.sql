-- Which ways to make an instruction harder does each arm list most?
SELECT dataset, version, size_class, model, round, phrase, n_methods, n_spellings, round(share::numeric, 3) AS share
FROM trajectory_phrases
ORDER BY dataset, version, round, n_methods DESC, phrase
LIMIT 60;
