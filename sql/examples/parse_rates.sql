-- How many replies of self-planned evolution can be read, and why not the others?
SELECT dataset, version, model, method, outcome, n_replies, round(share::numeric, 3) AS share
FROM parse_outcomes
ORDER BY dataset, version, model, method, n_replies DESC, outcome;
