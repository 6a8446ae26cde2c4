-- Metrics of the accepted rows, as figures made when a version is published.

CREATE VIEW analytics.metric_by_operator AS
SELECT d.name AS dataset, v.version, mt.name AS metric, sc.name AS scorer, sc.revision AS scorer_revision,
    v.round, v.operator, v.size_class, m.name AS model, m.revision AS model_revision,
    v.n_rows, v.n_scored, v.mean, v.deviation, v.p05, v.median, v.p95
FROM lineage.version_metric v
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.metric mt USING (metric_id)
JOIN lineage.scorer sc USING (scorer_id)
JOIN lineage.model m USING (model_id)
WHERE v.operator IS NOT NULL;

CREATE VIEW analytics.metric_by_round_model AS
SELECT d.name AS dataset, v.version, v.version IS NOT DISTINCT FROM d.head_version AS is_head,
    mt.name AS metric, sc.name AS scorer, sc.revision AS scorer_revision,
    v.round, v.size_class, m.name AS model, m.revision AS model_revision,
    v.n_rows, v.n_scored, v.mean, v.deviation, v.p05, v.median, v.p95
FROM lineage.version_metric v
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.metric mt USING (metric_id)
JOIN lineage.scorer sc USING (scorer_id)
JOIN lineage.model m USING (model_id)
WHERE v.operator IS NULL;

DO $$
DECLARE
    view_name text;
    said text[];
BEGIN
    FOREACH view_name IN ARRAY ARRAY['metric_by_operator', 'metric_by_round_model'] LOOP
        FOREACH said SLICE 1 IN ARRAY ARRAY[
            ['dataset', 'Name of the dataset.'],
            ['version', 'Number of the version.'],
            ['metric', 'What was measured; docs/methods tell its meaning and unit.'],
            ['scorer', 'The model that scored; empty for arithmetic on the text.'],
            ['scorer_revision', 'Hash of all that decides the score beside the text.'],
            ['round', 'Of evolution, from 0.'],
            ['size_class', 'slm or llm: the evolver.'],
            ['model', 'The evolver.'],
            ['model_revision', 'SHA-256 over its weight files.'],
            ['n_rows', 'Accepted rows that the scorer looked at.'],
            ['n_scored', 'Those with a value; the figures are of these alone.'],
            ['mean', 'Null where nothing was scored.'],
            ['deviation', 'Standard deviation of the sample.'],
            ['p05', 'Percentile 5.'],
            ['median', 'Percentile 50.'],
            ['p95', 'Percentile 95.']
        ] LOOP
            EXECUTE format('COMMENT ON COLUMN analytics.%I.%I IS %L', view_name, said[1], said[2]);
        END LOOP;
    END LOOP;
END $$;
COMMENT ON VIEW analytics.metric_by_operator IS 'Metrics of accepted rows by round, operator and evolver.';
COMMENT ON COLUMN analytics.metric_by_operator.operator IS 'Of evolution.';
COMMENT ON VIEW analytics.metric_by_round_model IS 'Metrics of the accepted rows of a version by round and evolver.';
COMMENT ON COLUMN analytics.metric_by_round_model.is_head IS 'Whether the bare name means this version.';

CREATE VIEW analytics.small_vs_large AS
WITH arm AS (
    SELECT format('%s@%s', sd.name, p.parent_version) AS seeds, x.metric, x.scorer, x.scorer_revision, x.round,
        x.size_class, x.n_scored, x.mean
    FROM analytics.metric_by_round_model x
    JOIN lineage.dataset d ON d.name = x.dataset
    JOIN lineage.version_parent p ON (p.dataset_id, p.version) = (d.dataset_id, x.version)
    JOIN lineage.dataset sd ON sd.dataset_id = p.parent_dataset_id AND sd.kind = 'seeds'
    WHERE x.is_head
)
SELECT seeds, metric, scorer, scorer_revision, round,
    sum(n_scored) FILTER (WHERE size_class = 'slm')::bigint AS slm_n,
    sum(n_scored * mean) FILTER (WHERE size_class = 'slm')
        / nullif(sum(n_scored) FILTER (WHERE size_class = 'slm'), 0)::float8 AS slm_mean,
    sum(n_scored) FILTER (WHERE size_class = 'llm')::bigint AS llm_n,
    sum(n_scored * mean) FILTER (WHERE size_class = 'llm')
        / nullif(sum(n_scored) FILTER (WHERE size_class = 'llm'), 0)::float8 AS llm_mean
FROM arm
GROUP BY seeds, metric, scorer, scorer_revision, round;
COMMENT ON VIEW analytics.small_vs_large IS
    'Small against large evolvers on the same seed version: head versions only, one scorer a line.';
COMMENT ON COLUMN analytics.small_vs_large.seeds IS 'The seed version that both arms evolved.';
COMMENT ON COLUMN analytics.small_vs_large.metric IS 'What was measured.';
COMMENT ON COLUMN analytics.small_vs_large.scorer IS 'The model that scored.';
COMMENT ON COLUMN analytics.small_vs_large.scorer_revision IS 'Hash of all that decides the score beside the text.';
COMMENT ON COLUMN analytics.small_vs_large.round IS 'Of evolution, from 0.';
COMMENT ON COLUMN analytics.small_vs_large.slm_n IS 'Scored rows of small evolvers; null where there is no such arm.';
COMMENT ON COLUMN analytics.small_vs_large.slm_mean IS 'Their mean.';
COMMENT ON COLUMN analytics.small_vs_large.llm_n IS 'Scored rows of large evolvers; null where there is no such arm.';
COMMENT ON COLUMN analytics.small_vs_large.llm_mean IS 'Their mean.';
