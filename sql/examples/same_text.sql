-- Which instructions came about in more than one way?
SELECT i.instruction_id, i.head, count(DISTINCT e.parent_id) AS parents, count(DISTINCT s.operator) AS operators,
    string_agg(DISTINCT s.operator, ', ') AS by
FROM derivation e
JOIN step s USING (step_id)
JOIN instruction i ON i.instruction_id = e.child_id
GROUP BY i.instruction_id, i.head
HAVING count(DISTINCT (e.parent_id, s.operator, s.round)) > 1
ORDER BY parents DESC, i.head
LIMIT 20;
