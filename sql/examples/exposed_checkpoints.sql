-- Which checkpoints saw how many rows of which version?
SELECT checkpoint, base_model, step, dataset, version, count(*) AS rows
FROM checkpoint_exposure
GROUP BY checkpoint, base_model, step, dataset, version
ORDER BY checkpoint, dataset, version;
