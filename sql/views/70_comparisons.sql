-- Two arms compared: verdicts, and paired figures.

CREATE VIEW analytics.comparison AS
SELECT c.comparison_id, c.name, format('%s@%s', a.name, c.a_version) AS a, c.a_label,
    format('%s@%s', b.name, c.b_version) AS b, c.b_label, c.created_at,
    count(v.verdict) AS judged,
    count(*) FILTER (WHERE v.verdict = 'win') AS win,
    count(*) FILTER (WHERE v.verdict = 'tie') AS tie,
    count(*) FILTER (WHERE v.verdict = 'lose') AS lose,
    count(*) FILTER (WHERE v.verdict = 'unparsed') AS unparsed,
    count(*) FILTER (WHERE v.kind = 'position_biased') AS flipped
FROM lineage.comparison c
JOIN lineage.dataset a ON a.dataset_id = c.a_dataset_id
JOIN lineage.dataset b ON b.dataset_id = c.b_dataset_id
LEFT JOIN lineage.verdict v USING (comparison_id)
GROUP BY c.comparison_id, a.name, b.name;
COMMENT ON VIEW analytics.comparison IS 'Every comparison of two arms with its verdicts, which are those of arm A.';
COMMENT ON COLUMN analytics.comparison.comparison_id IS 'Number of the comparison.';
COMMENT ON COLUMN analytics.comparison.name IS 'Of its recipe.';
COMMENT ON COLUMN analytics.comparison.a IS 'The version that is arm A.';
COMMENT ON COLUMN analytics.comparison.a_label IS 'What figures call it.';
COMMENT ON COLUMN analytics.comparison.b IS 'The version that is arm B.';
COMMENT ON COLUMN analytics.comparison.b_label IS 'What figures call it.';
COMMENT ON COLUMN analytics.comparison.created_at IS 'When it was first made.';
COMMENT ON COLUMN analytics.comparison.judged IS 'Pairs that a judge was asked about; win + tie + lose + unparsed.';
COMMENT ON COLUMN analytics.comparison.win IS 'A better in both orders.';
COMMENT ON COLUMN analytics.comparison.tie IS 'Equal in both orders, or a verdict that turned with the order.';
COMMENT ON COLUMN analytics.comparison.lose IS 'B better in both orders.';
COMMENT ON COLUMN analytics.comparison.unparsed IS 'At least one order without a verdict.';
COMMENT ON COLUMN analytics.comparison.flipped IS 'Of the ties: verdicts that turned with the order.';

CREATE VIEW analytics.paired_metric AS
SELECT c.name, p.comparison_id, p.metric, p.round, p.n, p.mean_a, p.mean_b, p.difference, p.low, p.high,
    p.a_higher, p.b_higher, p.sign_p
FROM lineage.paired_metric p JOIN lineage.comparison c USING (comparison_id);
COMMENT ON VIEW analytics.paired_metric IS 'Scores of two arms, pair by pair: same seed, same round, both accepted.';
COMMENT ON COLUMN analytics.paired_metric.name IS 'Of the comparison''s recipe.';
COMMENT ON COLUMN analytics.paired_metric.comparison_id IS 'Number of the comparison.';
COMMENT ON COLUMN analytics.paired_metric.metric IS 'What was measured.';
COMMENT ON COLUMN analytics.paired_metric.round IS 'Of evolution, from 0.';
COMMENT ON COLUMN analytics.paired_metric.n IS 'Pairs with a value on both sides.';
COMMENT ON COLUMN analytics.paired_metric.mean_a IS 'Over these pairs.';
COMMENT ON COLUMN analytics.paired_metric.mean_b IS 'Over these pairs.';
COMMENT ON COLUMN analytics.paired_metric.difference IS 'Mean of A minus B.';
COMMENT ON COLUMN analytics.paired_metric.low IS 'Lower end of its 95% bootstrap interval.';
COMMENT ON COLUMN analytics.paired_metric.high IS 'Upper end.';
COMMENT ON COLUMN analytics.paired_metric.a_higher IS 'Pairs where A has the higher value.';
COMMENT ON COLUMN analytics.paired_metric.b_higher IS 'Pairs where B has it.';
COMMENT ON COLUMN analytics.paired_metric.sign_p IS 'Sign test of the two; null where no pair differs.';
