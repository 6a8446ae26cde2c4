-- A version's figures, made where the planner knows how many rows it deals with. Within the transaction that loaded
-- them nothing has statistics yet, and a nested loop over every row took most of a publication's time.

CREATE OR REPLACE FUNCTION lineage.summarise_scores(p_dataset int, p_version int) RETURNS void
LANGUAGE plpgsql SET work_mem = '64MB' AS $$
BEGIN
    DROP TABLE IF EXISTS pg_temp.summarised_subject;
    CREATE TEMPORARY TABLE summarised_subject ON COMMIT DROP AS
        SELECT o.round, st.operator, st.model_id, st.size_class, s.subject_id
        FROM lineage.outcome o
        JOIN lineage.step st USING (step_id)
        CROSS JOIN LATERAL (VALUES (o.row_id), (o.response_id)) s (subject_id)
        WHERE o.dataset_id = p_dataset AND o.version = p_version AND o.status = 'accepted'
            AND s.subject_id IS NOT NULL;
    ANALYZE pg_temp.summarised_subject;
    DELETE FROM lineage.version_metric WHERE dataset_id = p_dataset AND version = p_version;
    INSERT INTO lineage.version_metric
    SELECT p_dataset, p_version, metric_id, scorer_id, round, operator, model_id, size_class,
        n_rows, n_scored, mean, deviation, at[1], at[2], at[3]
    FROM (
        SELECT sc.metric_id, sc.scorer_id, su.round, su.operator, su.model_id, su.size_class,
            count(*) AS n_rows, count(sc.value) AS n_scored, avg(sc.value) AS mean,
            stddev_samp(sc.value) AS deviation,
            percentile_cont(ARRAY[0.05, 0.5, 0.95]) WITHIN GROUP (ORDER BY sc.value) AS at
        FROM pg_temp.summarised_subject su
        JOIN lineage.score sc USING (subject_id)
        GROUP BY GROUPING SETS (
            (sc.metric_id, sc.scorer_id, su.round, su.operator, su.model_id, su.size_class),
            (sc.metric_id, sc.scorer_id, su.round, su.model_id, su.size_class)
        )
    ) figure;
    DROP TABLE pg_temp.summarised_subject;
END $$;
