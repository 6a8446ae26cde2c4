-- AutoIF: what became of constraints and of functions, and how often responses pass.

CREATE VIEW analytics.constraints_by_fate AS
SELECT d.name AS dataset, c.version, c.origin, c.stage, c.status::text AS status, c.reason, c.nli, count(*) AS n,
    count(*)::float8 / sum(count(*)) OVER (PARTITION BY c.dataset_id, c.version)::float8 AS share
FROM lineage.autoif_constraint c
JOIN lineage.dataset d USING (dataset_id)
GROUP BY c.dataset_id, d.name, c.version, c.origin, c.stage, c.status, c.reason, c.nli;
COMMENT ON VIEW analytics.constraints_by_fate IS 'AutoIF: what became of the constraints behind a version, and where.';
COMMENT ON COLUMN analytics.constraints_by_fate.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.constraints_by_fate.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.constraints_by_fate.origin IS 'seed, or self_instruct where a model proposed it.';
COMMENT ON COLUMN analytics.constraints_by_fate.stage IS 'Where it was decided; back_translate is the last.';
COMMENT ON COLUMN analytics.constraints_by_fate.status IS 'accepted, rejected (by a rule) or failed (by an error).';
COMMENT ON COLUMN analytics.constraints_by_fate.reason IS 'Name of the rule or the error; empty where accepted.';
COMMENT ON COLUMN analytics.constraints_by_fate.nli IS
    'The model that compared descriptions of its functions with it, or off: none did; empty: it did not come so far.';
COMMENT ON COLUMN analytics.constraints_by_fate.n IS 'Constraints, or lines that are none.';
COMMENT ON COLUMN analytics.constraints_by_fate.share IS 'Of all of this version.';

CREATE VIEW analytics.functions_by_reason AS
WITH judged AS (
    SELECT dataset_id, version, step_id, 'reply' AS stage, status, reason FROM lineage.autoif_reply
    WHERE status <> 'accepted'
    UNION ALL
    SELECT dataset_id, version, step_id, 'crosscheck', status, reason FROM lineage.autoif_checker
)
SELECT d.name AS dataset, j.version, m.name AS model, s.size_class, j.stage, j.status::text AS status, j.reason,
    count(*) AS n,
    count(*)::float8 / sum(count(*)) OVER (PARTITION BY j.dataset_id, j.version)::float8 AS share
FROM judged j
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.step s USING (step_id)
JOIN lineage.model m USING (model_id)
GROUP BY j.dataset_id, d.name, j.version, m.name, s.size_class, j.stage, j.status, j.reason;
COMMENT ON VIEW analytics.functions_by_reason IS
    'AutoIF: replies without a function, and functions, by what became of them. Equal functions of a constraint are one.';
COMMENT ON COLUMN analytics.functions_by_reason.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.functions_by_reason.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.functions_by_reason.model IS 'The model that wrote them.';
COMMENT ON COLUMN analytics.functions_by_reason.size_class IS 'slm or llm: the arm of the comparison.';
COMMENT ON COLUMN analytics.functions_by_reason.stage IS 'reply: there was no function in it; crosscheck: it was run.';
COMMENT ON COLUMN analytics.functions_by_reason.status IS 'accepted, rejected or failed.';
COMMENT ON COLUMN analytics.functions_by_reason.reason IS 'Why it is not kept; empty where it is.';
COMMENT ON COLUMN analytics.functions_by_reason.n IS 'Replies or functions.';
COMMENT ON COLUMN analytics.functions_by_reason.share IS 'Of all of this version.';

CREATE VIEW analytics.pass_rates AS
SELECT d.name AS dataset, a.version, a.constraint_id, i.head AS constraint_head, m.name AS model, s.size_class,
    count(*) AS n_responses,
    count(a.pass_rate) AS n_checked,
    count(*) FILTER (WHERE a.pass_rate > 0) AS n_passed_any,
    count(*) FILTER (WHERE o.status = 'accepted') AS n_accepted,
    avg(a.pass_rate) AS mean_pass_rate,
    count(a.quality) AS n_judged,
    avg(a.quality)::float8 AS mean_quality
FROM lineage.autoif_response a
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.outcome o ON (o.dataset_id, o.version, o.ordinal, o.round) = (a.dataset_id, a.version, a.ordinal, 0)
JOIN lineage.step s ON s.step_id = o.respond_step_id
JOIN lineage.model m USING (model_id)
LEFT JOIN lineage.instruction i ON i.instruction_id = a.constraint_id
GROUP BY d.name, a.version, a.constraint_id, i.head, m.name, s.size_class;
COMMENT ON VIEW analytics.pass_rates IS 'AutoIF: how often responses satisfy the functions of a constraint, by model.';
COMMENT ON COLUMN analytics.pass_rates.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.pass_rates.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.pass_rates.constraint_id IS 'Made of its text.';
COMMENT ON COLUMN analytics.pass_rates.constraint_head IS 'Its first 120 characters.';
COMMENT ON COLUMN analytics.pass_rates.model IS 'The model that answered.';
COMMENT ON COLUMN analytics.pass_rates.size_class IS 'slm or llm: of that model.';
COMMENT ON COLUMN analytics.pass_rates.n_responses IS 'All responses, refused ones too.';
COMMENT ON COLUMN analytics.pass_rates.n_checked IS 'Those that functions were run on; pass rates are of these alone.';
COMMENT ON COLUMN analytics.pass_rates.n_passed_any IS 'Those that at least one function accepted.';
COMMENT ON COLUMN analytics.pass_rates.n_accepted IS 'Those that are rows of the version.';
COMMENT ON COLUMN analytics.pass_rates.mean_pass_rate IS 'Mean share of functions that accepted; null where none ran.';
COMMENT ON COLUMN analytics.pass_rates.n_judged IS 'Those with a quality score.';
COMMENT ON COLUMN analytics.pass_rates.mean_quality IS 'Their mean score, 0 to 10; null where there is none.';

CREATE VIEW analytics.verdict_matrix AS
SELECT d.name AS dataset, v.version, v.constraint_id, v.checker_id, v.case_id, v.verdict, v.agrees,
    c.accuracy, c.status::text AS status, c.reason, c.layers
FROM lineage.autoif_verdict v
JOIN lineage.autoif_checker c USING (dataset_id, version, constraint_id, checker_id)
JOIN lineage.dataset d USING (dataset_id);
COMMENT ON VIEW analytics.verdict_matrix IS 'AutoIF: what every function said of every test case of its constraint.';
COMMENT ON COLUMN analytics.verdict_matrix.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.verdict_matrix.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.verdict_matrix.constraint_id IS 'Made of the text of the constraint.';
COMMENT ON COLUMN analytics.verdict_matrix.checker_id IS 'Made of the source of the function.';
COMMENT ON COLUMN analytics.verdict_matrix.case_id IS 'Made of the input of the case and what it expects.';
COMMENT ON COLUMN analytics.verdict_matrix.verdict IS 'true, false, or what kept it from saying so; see docs/sandbox.md.';
COMMENT ON COLUMN analytics.verdict_matrix.agrees IS 'Whether it is what the case expects.';
COMMENT ON COLUMN analytics.verdict_matrix.accuracy IS 'Of the function on the kept cases; null where not counted.';
COMMENT ON COLUMN analytics.verdict_matrix.status IS 'accepted where the function was kept.';
COMMENT ON COLUMN analytics.verdict_matrix.reason IS 'Why it was not.';
COMMENT ON COLUMN analytics.verdict_matrix.layers IS 'The walls that stood while it ran, by commas.';
