UPDATE leases
SET until_ms = MAX(until_ms, :until_ms)
WHERE project = :project AND response_id = :response_id AND owner = :owner
