-- Do small evolvers differ from large ones on the same seeds?
SELECT seeds, metric, round, slm_n, round(slm_mean::numeric, 3) AS slm_mean,
    llm_n, round(llm_mean::numeric, 3) AS llm_mean, round((slm_mean - llm_mean)::numeric, 3) AS difference
FROM small_vs_large
ORDER BY seeds, metric, round;
