-- Which evolver wins, and does the judge look at the answer or at its place?
SELECT name, a_label AS a, b_label AS b, judged, win, tie, lose, unparsed, flipped,
    round((win + tie / 2.0) / nullif(win + tie + lose, 0), 3) AS win_rate,
    round(flipped::numeric / nullif(win + tie + lose, 0), 3) AS flip_rate
FROM comparison
ORDER BY comparison_id DESC;
