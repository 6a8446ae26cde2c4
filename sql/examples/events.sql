-- Which lineage events have been told to the catalogue, and which wait?
SELECT payload ->> 'event' AS event, count(*) AS events, count(sent_at) AS sent, count(*) - count(sent_at) AS waiting,
    min(created_at) FILTER (WHERE sent_at IS NULL) AS waiting_since
FROM outbox
GROUP BY payload ->> 'event'
ORDER BY event;
