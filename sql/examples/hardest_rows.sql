-- Which accepted rows does the instruction help the scorer with least (highest IC-IFD)?
SELECT d.name AS dataset, o.version, round(s.value::numeric, 3) AS ic_ifd, st.operator, o.round, i.head
FROM outcome o
JOIN dataset d ON (d.dataset_id, d.head_version) = (o.dataset_id, o.version)
JOIN score s ON s.subject_id = o.response_id
JOIN metric m ON m.metric_id = s.metric_id AND m.name = 'ic_ifd'
JOIN step st USING (step_id)
JOIN instruction i ON i.instruction_id = o.row_id
WHERE o.status = 'accepted' AND s.value IS NOT NULL
ORDER BY s.value DESC, o.ordinal, o.round
LIMIT 10;
