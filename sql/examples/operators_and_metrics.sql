-- Which operator raises difficulty without losing IC-IFD?
SELECT d.dataset, d.version, d.round, d.operator, d.model,
    round(d.mean::numeric, 2) AS difficulty, round(i.mean::numeric, 4) AS ic_ifd, d.n_scored
FROM metric_by_operator d
LEFT JOIN metric_by_operator i
    ON (i.dataset, i.version, i.round, i.operator, i.model_revision)
        = (d.dataset, d.version, d.round, d.operator, d.model_revision)
    AND i.metric = 'ic_ifd'
WHERE d.metric = 'difficulty_score'
ORDER BY d.dataset, d.version, d.round, difficulty DESC NULLS LAST;
