-- How many instructions stand in one, two or more versions?
SELECT n_versions, count(*) AS instructions, min(datasets) AS for_example
FROM (
    SELECT instruction_id, count(*) AS n_versions, string_agg(format('%s@%s', dataset, version), ', '
        ORDER BY dataset, version) AS datasets
    FROM (SELECT DISTINCT instruction_id, dataset, version FROM row_version) held
    GROUP BY instruction_id
) counted
GROUP BY n_versions
ORDER BY n_versions;
