-- What do refused evolutions look like, one of each reason?
SELECT reason, count(*) AS rows, left(first(parent_instruction ORDER BY ordinal), 50) AS parent,
    left(first(instruction ORDER BY ordinal), 60) AS evolved
FROM refused
GROUP BY reason
ORDER BY rows DESC, reason;
