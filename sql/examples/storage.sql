-- How much room do versions take, and how much of it do they share?
SELECT d.name AS dataset, f.version, f.role, count(*) AS objects, sum(o.n_rows) AS rows, sum(o.n_bytes) AS bytes,
    sum(o.n_bytes) FILTER (WHERE o.n_users > 1) AS bytes_shared
FROM dataset_version_file f
JOIN dataset d USING (dataset_id)
JOIN (
    SELECT o.file_id, o.n_rows, o.n_bytes, count(*) AS n_users
    FROM object_file o JOIN dataset_version_file u USING (file_id)
    GROUP BY o.file_id
) o USING (file_id)
GROUP BY d.name, f.version, f.role
ORDER BY d.name, f.version, f.role;
