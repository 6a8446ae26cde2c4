-- Auto Evol-Instruct: methods with their failure rates, replies that could be read, and what models planned.

CREATE VIEW analytics.method_trials AS
SELECT o.dataset, encode(o.optimisation_hash, 'hex') AS optimisation, t.step, t.candidate,
    encode(t.method_hash, 'hex') AS method, encode(t.parent_hash, 'hex') AS parent, t.reason,
    t.n_rows, t.n_failed, t.n_failed::float8 / nullif(t.n_rows, 0)::float8 AS failure_rate, t.failures,
    t.n_calls, t.n_prompt_tokens, t.n_tokens, t.is_winner, e.name AS evolver, p.name AS optimiser, o.stop, o.made_at
FROM lineage.method_trial t
JOIN lineage.optimisation o USING (optimisation_hash)
JOIN lineage.model e ON e.model_id = o.evolver_id
JOIN lineage.model p ON p.model_id = o.optimiser_id;
COMMENT ON VIEW analytics.method_trials IS
    'Every try of an optimiser to have a better evolving method, with its parent, failure rate and cost.';
COMMENT ON COLUMN analytics.method_trials.dataset IS 'Whose build optimised.';
COMMENT ON COLUMN analytics.method_trials.optimisation IS 'Hash of the loop''s setting and seeds.';
COMMENT ON COLUMN analytics.method_trials.step IS 'From 1; 0 is the method that the loop began with.';
COMMENT ON COLUMN analytics.method_trials.candidate IS 'From 0.';
COMMENT ON COLUMN analytics.method_trials.method IS 'Hash of its text; null where none came back.';
COMMENT ON COLUMN analytics.method_trials.parent IS 'Hash of the method that it was to improve.';
COMMENT ON COLUMN analytics.method_trials.reason IS 'Why it was not measured; empty where it was.';
COMMENT ON COLUMN analytics.method_trials.n_rows IS 'Of the development set.';
COMMENT ON COLUMN analytics.method_trials.n_failed IS 'Rows that an F rule or an acceptance rule refused.';
COMMENT ON COLUMN analytics.method_trials.failure_rate IS 'Failed rows by all; null where it was not measured.';
COMMENT ON COLUMN analytics.method_trials.failures IS 'Failed rows by the rule that they broke.';
COMMENT ON COLUMN analytics.method_trials.n_calls IS 'Requests of this candidate; its step''s mini-batch is not among them.';
COMMENT ON COLUMN analytics.method_trials.n_prompt_tokens IS 'Read for them.';
COMMENT ON COLUMN analytics.method_trials.n_tokens IS 'Written for them.';
COMMENT ON COLUMN analytics.method_trials.is_winner IS 'Better than all before it, and the best of its step.';
COMMENT ON COLUMN analytics.method_trials.evolver IS 'The model that evolves by the method.';
COMMENT ON COLUMN analytics.method_trials.optimiser IS 'The model that wrote it.';
COMMENT ON COLUMN analytics.method_trials.stop IS 'Why the loop ended.';
COMMENT ON COLUMN analytics.method_trials.made_at IS 'When it was recorded first.';

CREATE VIEW analytics.parse_outcomes AS
SELECT d.name AS dataset, t.version, t.round, m.name AS model, s.size_class, t.operator AS method, t.outcome,
    t.outcome IN ('json', 'headings') AS is_parsed,
    count(*) AS n_replies,
    count(*)::float8
        / sum(count(*)) OVER (PARTITION BY t.dataset_id, t.version, t.round, m.name, s.size_class, t.operator)::float8
        AS share
FROM lineage.trajectory t
JOIN lineage.dataset d USING (dataset_id)
JOIN lineage.outcome o USING (dataset_id, version, ordinal, round)
JOIN lineage.step s USING (step_id)
JOIN lineage.model m USING (model_id)
GROUP BY t.dataset_id, d.name, t.version, t.round, m.name, s.size_class, t.operator, t.outcome;
COMMENT ON VIEW analytics.parse_outcomes IS 'How the replies of self-planned evolution were read, or why they were not.';
COMMENT ON COLUMN analytics.parse_outcomes.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.parse_outcomes.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.parse_outcomes.round IS 'Of evolution, from 0.';
COMMENT ON COLUMN analytics.parse_outcomes.model IS 'The evolver.';
COMMENT ON COLUMN analytics.parse_outcomes.size_class IS 'slm or llm.';
COMMENT ON COLUMN analytics.parse_outcomes.method IS 'The evolving method''s name: auto_ and the first of its hash.';
COMMENT ON COLUMN analytics.parse_outcomes.outcome IS 'json or headings: read; any other: why it could not be.';
COMMENT ON COLUMN analytics.parse_outcomes.is_parsed IS 'Whether it was read.';
COMMENT ON COLUMN analytics.parse_outcomes.n_replies IS 'Replies with this outcome.';
COMMENT ON COLUMN analytics.parse_outcomes.share IS 'Of this round''s replies of this model and method.';

CREATE VIEW analytics.parse_rates AS
SELECT dataset, version, model, size_class, method,
    sum(n_replies)::bigint AS n_replies,
    coalesce(sum(n_replies) FILTER (WHERE is_parsed), 0)::bigint AS n_parsed,
    coalesce(sum(n_replies) FILTER (WHERE is_parsed), 0)::float8 / sum(n_replies)::float8 AS parse_rate
FROM analytics.parse_outcomes
GROUP BY dataset, version, model, size_class, method;
COMMENT ON VIEW analytics.parse_rates IS 'Share of replies that could be read, by model and evolving method.';
COMMENT ON COLUMN analytics.parse_rates.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.parse_rates.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.parse_rates.model IS 'The evolver.';
COMMENT ON COLUMN analytics.parse_rates.size_class IS 'slm or llm.';
COMMENT ON COLUMN analytics.parse_rates.method IS 'The evolving method''s name.';
COMMENT ON COLUMN analytics.parse_rates.n_replies IS 'All of them.';
COMMENT ON COLUMN analytics.parse_rates.n_parsed IS 'Those that could be read.';
COMMENT ON COLUMN analytics.parse_rates.parse_rate IS 'In [0, 1].';

CREATE VIEW analytics.trajectory_phrases AS
WITH arm AS (
    SELECT DISTINCT o.dataset_id, o.version, o.round, m.name AS model, s.size_class
    FROM lineage.outcome o
    JOIN lineage.step s USING (step_id)
    JOIN lineage.model m USING (model_id)
)
SELECT d.name AS dataset, p.version, p.round, a.model, a.size_class, p.phrase, p.n_methods, p.n_spellings,
    p.n_methods::float8 / sum(p.n_methods) OVER (PARTITION BY p.dataset_id, p.version, p.round)::float8 AS share
FROM lineage.trajectory_phrase p
JOIN lineage.dataset d USING (dataset_id)
JOIN arm a USING (dataset_id, version, round);
COMMENT ON VIEW analytics.trajectory_phrases IS
    'Ways to make an instruction harder that an evolver listed, as short phrases, near ones together.';
COMMENT ON COLUMN analytics.trajectory_phrases.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.trajectory_phrases.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.trajectory_phrases.round IS 'Of evolution, from 0.';
COMMENT ON COLUMN analytics.trajectory_phrases.model IS 'The evolver.';
COMMENT ON COLUMN analytics.trajectory_phrases.size_class IS 'The arm: slm or llm.';
COMMENT ON COLUMN analytics.trajectory_phrases.phrase IS 'The most frequent of those that fell together.';
COMMENT ON COLUMN analytics.trajectory_phrases.n_methods IS 'Listed ways with it.';
COMMENT ON COLUMN analytics.trajectory_phrases.n_spellings IS 'Different phrases that fell together.';
COMMENT ON COLUMN analytics.trajectory_phrases.share IS 'Of the round''s listed ways that have a phrase.';

CREATE VIEW analytics.trajectory_diversity AS
SELECT dataset, version, round, model, size_class,
    sum(n_methods)::bigint AS n_methods,
    count(*) AS n_phrases,
    sum(n_spellings)::bigint AS n_spellings,
    count(*)::float8 / sum(n_methods)::float8 AS phrases_a_method
FROM analytics.trajectory_phrases
GROUP BY dataset, version, round, model, size_class;
COMMENT ON VIEW analytics.trajectory_diversity IS 'How many different ways an arm listed, by round.';
COMMENT ON COLUMN analytics.trajectory_diversity.dataset IS 'Name of the dataset.';
COMMENT ON COLUMN analytics.trajectory_diversity.version IS 'Number of the version.';
COMMENT ON COLUMN analytics.trajectory_diversity.round IS 'Of evolution, from 0.';
COMMENT ON COLUMN analytics.trajectory_diversity.model IS 'The evolver.';
COMMENT ON COLUMN analytics.trajectory_diversity.size_class IS 'The arm: slm or llm.';
COMMENT ON COLUMN analytics.trajectory_diversity.n_methods IS 'Listed ways that have a phrase.';
COMMENT ON COLUMN analytics.trajectory_diversity.n_phrases IS 'Different ones, near ones together.';
COMMENT ON COLUMN analytics.trajectory_diversity.n_spellings IS 'Different ones, equal ones together.';
COMMENT ON COLUMN analytics.trajectory_diversity.phrases_a_method IS 'Different by all; 1 where none came twice.';
