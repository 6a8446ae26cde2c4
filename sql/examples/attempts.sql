-- How long do the tasks of each flow take, and how often do tries fail?
SELECT r.flow, t.task, count(*) AS tries, count(*) FILTER (WHERE t.state = 'success') AS done,
    count(*) FILTER (WHERE t.state = 'failed') AS failed, count(*) FILTER (WHERE t.ended_at IS NULL) AS open,
    round(avg(extract(epoch FROM t.ended_at - t.started_at)), 1) AS mean_seconds,
    round(max(extract(epoch FROM t.ended_at - t.started_at)), 1) AS longest_seconds
FROM task_attempt t
JOIN run r USING (run_id)
GROUP BY r.flow, t.task
ORDER BY r.flow, longest_seconds DESC NULLS LAST;
